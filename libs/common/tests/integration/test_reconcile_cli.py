"""``replay`` and ``reconcile`` on a service's own command line."""

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import delete, func, select

from billhook_common.events.relay import Bundle, DirectDelivery, Relay
from billhook_common.tables import inbox, inbox_position, outbox, outbox_replay
from billhook_common.testing import Suite
from billhook_common.testing.sample import Counted, Counter, listening, sample_service

pytestmark = pytest.mark.integration


class Nowhere(DirectDelivery):
    """A broker whose queues were deleted: it takes everything and nobody hears it."""

    def deliver(self, bundles: list[Bundle]) -> set[int]:
        return set()


class Terminal:
    """Two services with their workers, and a person at the command line."""

    def __init__(self, suite: Suite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.suite = suite
        self._capsys = capsys
        for name in ("sample", "listener"):
            url = suite[name].config.database_url
            monkeypatch.setenv(f"BILLHOOK_{name.upper()}_DATABASE_URL", url)

    def run(self, service: str, *arguments: str) -> tuple[int, str]:
        """The exit status and what was printed."""
        self._capsys.readouterr()
        status: int | str | None = 0
        try:
            self.suite[service].service.main(arguments)
        except SystemExit as end:
            status = end.code
        assert isinstance(status, int)
        return status, self._capsys.readouterr().out

    @contextmanager
    def workers(self) -> Iterator[None]:
        """While both services' workers run."""
        stop = threading.Event()

        def work() -> None:
            while not stop.wait(0.01):
                self.suite.until_quiet()

        thread = threading.Thread(target=work)
        thread.start()
        yield
        stop.set()
        thread.join()

    def make(self, *names: str) -> None:
        for name in names:
            assert self.suite["sample"].client().post("/counters", {"name": name}).status_code == 201

    def lose(self) -> None:
        """Publish what is there to nobody."""
        self.suite.pause()
        relay = Relay(self.suite["sample"].database, "sample", self.suite.clock, Nowhere([]))
        while relay.step():
            continue
        relay.stop()

    def heard(self) -> dict[str, int]:
        with self.suite["listener"].session() as session:
            return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}


@pytest.fixture
def terminal(
    make_suite: Callable[..., Suite], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(make_suite(sample_service(), sample_service("listener", listening)), monkeypatch, capsys)


def last_line(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.endswith(Counted.TYPE)][-1].split()


def test_reconcile_heals_what_is_missing_and_says_so(terminal: Terminal) -> None:
    terminal.make("a", "b")
    terminal.lose()
    terminal.make("c")
    with terminal.workers():
        status, printed = terminal.run("listener", "reconcile")
    assert status == 0, printed
    expected, received, missing, lost, *_ = last_line(printed)
    assert (expected, received, missing, lost) == ("3", "3", "0", "0")
    assert terminal.heard() == {"a": 1, "b": 1, "c": 1}


def test_reconcile_says_which_publisher_does_not_answer(terminal: Terminal) -> None:
    status, printed = terminal.run("listener", "reconcile", "--seconds", "0.2")
    assert status == 1
    assert "no answer from sample" in printed


def test_what_is_lost_for_good_is_a_failure_until_it_is_accepted(terminal: Terminal) -> None:
    terminal.make("a", "b")
    terminal.lose()
    with terminal.suite["sample"].session() as session:
        session.execute(delete(outbox).where(outbox.c.position == 1))
    with terminal.workers():
        status, printed = terminal.run("listener", "reconcile")
        assert status == 1
        assert last_line(printed)[3] == "1"
        assert terminal.run("listener", "reconcile", "--accept-lost")[0] == 0
        assert terminal.run("listener", "reconcile")[0] == 0
    assert terminal.heard() == {"b": 1}


def test_replay_sends_what_was_chosen_to_the_one_service(terminal: Terminal) -> None:
    terminal.make("old")
    terminal.suite.clock.advance(dt.timedelta(hours=2))
    noon = terminal.suite.clock.now().isoformat()
    terminal.make("new")
    terminal.lose()
    status, printed = terminal.run("sample", "replay", "--to", "listener", "--since", noon, "--dry-run")
    assert (status, printed.split()) == (0, ["1", Counted.TYPE])
    with terminal.suite["sample"].session() as session:
        assert session.scalar(select(func.count()).select_from(outbox_replay)) == 0
    status, printed = terminal.run("sample", "replay", "--to", "listener", "--since", noon, "--type", Counted.TYPE)
    assert "1 events will be sent to listener" in printed
    terminal.suite.until_quiet()
    assert terminal.heard() == {"new": 1}
    terminal.run("sample", "replay", "--to", "listener", "--until", noon)
    terminal.suite.until_quiet()
    assert terminal.heard() == {"new": 1, "old": 1}


def test_a_log_sent_to_a_service_that_does_not_hear_it_is_not_parked_there(terminal: Terminal) -> None:
    terminal.make("a")
    terminal.suite.until_quiet()
    terminal.make("b")
    terminal.suite.until_quiet()
    with terminal.suite["listener"].session() as session:
        session.execute(delete(inbox_position))
    terminal.run("listener", "replay", "--to", "sample")
    terminal.run("sample", "replay", "--to", "listener")
    terminal.suite.until_quiet()
    assert terminal.suite.unfinished() == {}
    with terminal.suite["listener"].session() as session:
        assert session.scalar(select(func.count()).where(inbox.c.type == Counted.TYPE)) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay",),
        ("replay", "--snapshot", "--type", "x"),
        ("replay", "--snapshot", "--dry-run"),
        ("replay", "--to", "listener", "--since", "yesterday"),
    ],
)
def test_options_that_make_no_sense_are_refused(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    terminal.make("a")
    terminal.suite.until_quiet()
    assert terminal.run("sample", *arguments)[0] == 2
    with terminal.suite["sample"].session() as session:
        assert session.scalar(select(func.count()).select_from(outbox_replay)) == 0
