"""Events that could not be applied: listed by fingerprint, shown masked, replayed, discarded, audited (G7, F11)."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select

from billhook_common.clock import SystemClock
from billhook_common.events import Context, Event, Handlers
from billhook_common.events.retention import INBOX_DAYS
from billhook_common.ids import uuid7
from billhook_common.tables import audit_entry, inbox
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import forget_all, wire
from billhook_common.testing.sample import Counted, Counter, count_along, sample_service

pytestmark = pytest.mark.integration


class Defect:
    """What a handler stumbles over until it is mended."""

    def __init__(self) -> None:
        self.mended = False
        self.tries = 0
        self.handles = Handlers()
        self.handles(Counted)(self.count)

    def count(self, ctx: Context, event: Event[Counted]) -> None:
        """Fails for what is named ``trouble…`` before the defect is mended."""
        if event.data.name.startswith("trouble") and not self.mended:
            self.tries += 1
            raise ValueError(f"cannot count for 'Jan Novák' ({event.data.name})")
        count_along(ctx, event)


@pytest.fixture
def defect() -> Defect:
    return Defect()


@pytest.fixture
def listener(databases: TestDatabases, defect: Defect) -> Iterator[ServiceHarness]:
    service = sample_service("listener", defect.handles)
    dsn = databases.create(service)
    harness = ServiceHarness(service, dsn)
    yield harness
    harness.close()
    databases.drop(dsn)


def counted(name: str) -> Counted:
    return Counted(counter_id=uuid7(), name=name, step=1)


def give_up(listener: ServiceHarness) -> None:
    for _ in range(6):
        listener.clock.advance(dt.timedelta(hours=8))
        listener.inbox.retry_due()


def values(listener: ServiceHarness) -> dict[str, int]:
    with listener.session() as session:
        return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}


def audited(listener: ServiceHarness, action: str) -> list[Any]:
    with listener.session() as session:
        return list(session.execute(select(audit_entry).where(audit_entry.c.action == action)))


def parked_groups(listener: ServiceHarness, **query: Any) -> list[dict[str, Any]]:
    answer = listener.client("ops:read").get("/ops/parked", **query)
    assert answer.status_code == 200
    items: list[dict[str, Any]] = answer.get_json()["items"]
    return items


def changed(raw: bytes, **change: Any) -> bytes:
    return msgspec.json.encode({**msgspec.json.decode(raw), **change})


def test_what_stands_where_a_type_should_is_not_told_to_people(listener: ServiceHarness) -> None:
    raw, _ = wire(counted("x"), listener.clock.now())
    listener.inbox.accept([changed(raw, type="Jan Novák, +420 777 123 456")])
    (group,) = parked_groups(listener)
    assert group["fingerprint"] == "Forged sample"
    assert "Nov" not in str(group)
    assert "777" not in str(group)


def test_parked_events_gather_by_fingerprint_and_are_shown_masked(listener: ServiceHarness) -> None:
    listener.deliver(counted("trouble-1"), counted("trouble-2"), counted("well"))
    give_up(listener)
    raw, _ = wire(counted("x"), listener.clock.now())
    listener.inbox.accept([changed(raw, type="sample.counter.counted.v2")])
    groups = parked_groups(listener)
    assert [(group["count"], group["fingerprint"].split()[0]) for group in groups] == [
        (2, "ValueError"),
        (1, "UnknownType"),
    ]
    assert groups[0]["types"] == [Counted.TYPE]
    assert groups[0]["first_seen"] <= groups[0]["last_seen"]
    assert "Novák" not in str(groups)
    answer = listener.client("ops:read").get("/ops/parked/events", fingerprint=groups[0]["fingerprint"], limit=1)
    first = answer.get_json()
    (event,) = first["items"]
    assert event["payload"]["data"]["name"] == "‹personal›"
    assert event["payload"]["type"] == Counted.TYPE
    assert "Novák" not in str(event)
    following = listener.client("ops:read").get(
        "/ops/parked/events", fingerprint=groups[0]["fingerprint"], after=first["next"]
    )
    (other,) = following.get_json()["items"]
    assert other["event_id"] != event["event_id"]
    assert following.get_json()["next"] is None


def test_replay_after_the_fix_has_one_effect_each_and_is_audited(listener: ServiceHarness, defect: Defect) -> None:
    raws = [wire(counted(f"trouble-{number}"), listener.clock.now())[0] for number in range(3)]
    listener.inbox.accept(raws)
    give_up(listener)
    (group,) = parked_groups(listener)
    defect.mended = True
    answer = listener.client("ops:write").post("/ops/parked/replay", {"fingerprint": group["fingerprint"]})
    assert answer.get_json() == {"replayed": 3}
    assert listener.inbox.retry_due() == 3
    listener.inbox.accept(raws)
    assert listener.inbox.retry_due() == 0
    assert values(listener) == {f"trouble-{number}": 1 for number in range(3)}
    assert parked_groups(listener) == []
    (row,) = audited(listener, "parked_events_replayed")
    assert (row.actor, row.after["count"]) == ("user:test", 3)


def test_replay_before_the_fix_parks_again_after_its_tries(listener: ServiceHarness) -> None:
    (event_id,) = listener.deliver(counted("trouble"))
    give_up(listener)
    assert listener.client("ops:write").post("/ops/parked/replay", {"event_id": event_id}).status_code == 200
    assert parked_groups(listener) == []
    assert [group["count"] for group in parked_groups(listener, state="failed")] == [1]
    give_up(listener)
    assert [group["count"] for group in parked_groups(listener)] == [1]


def test_what_fails_three_times_and_then_works_needs_nobody(listener: ServiceHarness, defect: Defect) -> None:
    listener.deliver(counted("trouble"), counted("well"))
    for _ in range(2):
        listener.clock.advance(dt.timedelta(hours=1))
        listener.inbox.retry_due()
    assert defect.tries >= 3
    assert values(listener) == {"well": 1}
    defect.mended = True
    listener.clock.advance(dt.timedelta(hours=1))
    assert listener.inbox.retry_due() == 1
    assert values(listener) == {"well": 1, "trouble": 1}
    assert listener.unfinished() == []


def test_discarding_needs_a_reason_keeps_the_row_and_is_audited(listener: ServiceHarness) -> None:
    (event_id,) = listener.deliver(counted("trouble"))
    give_up(listener)
    client = listener.client("ops:write")
    for reason in ({}, {"reason": ""}, {"reason": "x"}, {"reason": "a\x00bcde"}, {"reason": "x" * 501}):
        answer = client.post("/ops/parked/discard", {"event_id": event_id, **reason})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/reason"]
    answer = client.post("/ops/parked/discard", {"event_id": event_id, "reason": "The counter was a test"})
    assert answer.get_json() == {"discarded": 1}
    (row,) = audited(listener, "parked_events_discarded")
    assert (row.subject, row.after["reason"]) == (event_id, "The counter was a test")
    assert parked_groups(listener) == []
    assert [group["count"] for group in parked_groups(listener, state="discarded")] == [1]
    assert client.post("/ops/parked/replay", {"event_id": event_id}).status_code == 404
    with listener.session() as session:
        assert session.scalar(select(inbox.c.payload).where(inbox.c.event_id == event_id))
    listener.clock.advance(dt.timedelta(days=INBOX_DAYS + 1))
    with listener.session() as session:
        forget_all(Context(session, listener.clock, listener.config))
        assert session.scalars(select(inbox.c.event_id)).all() == []


def test_an_event_read_at_last_has_one_effect_though_it_came_again(listener: ServiceHarness) -> None:
    raw, _ = wire(counted("once"), listener.clock.now())
    unread = changed(raw, specversion="2.0")
    listener.inbox.accept([unread])
    listener.inbox.accept([raw])
    with listener.session() as session:
        # A later release reads what this one could not.
        session.execute(inbox.update().where(inbox.c.state == "parked").values(payload=raw))
    assert listener.client("ops:write").post("/ops/parked/replay", {"fingerprint": "Undecodable"}).status_code == 200
    listener.inbox.retry_due()
    assert values(listener) == {"once": 1}
    assert listener.unfinished() == []


def test_a_forged_event_keeps_out_nothing_and_is_never_replayed(listener: ServiceHarness) -> None:
    raw, event_id = wire(counted("true"), listener.clock.now())
    listener.inbox.accept([changed(raw, source="billing")])
    listener.inbox.accept([raw], ["billing"])
    listener.inbox.accept([raw], [""])
    listener.inbox.accept([raw], ["sample"])
    assert values(listener) == {"true": 1}
    for group in parked_groups(listener):
        assert group["fingerprint"].startswith("Forged")
        answer = listener.client("ops:write").post("/ops/parked/replay", {"fingerprint": group["fingerprint"]})
        assert (answer.status_code, answer.get_json()["type"]) == (409, "/problems/forged-event")
    assert event_id not in {UUID(row["event_id"]) for row in forged_events(listener)}


def forged_events(listener: ServiceHarness) -> list[dict[str, Any]]:
    groups = parked_groups(listener)
    pages = [
        listener.client("ops:read").get("/ops/parked/events", fingerprint=group["fingerprint"]) for group in groups
    ]
    return [event for page in pages for event in page.get_json()["items"]]


def test_a_body_of_five_megabytes_is_parked_unread_and_not_shown(listener: ServiceHarness) -> None:
    raw, _ = wire(counted("x" * 5_000_000), listener.clock.now())
    listener.inbox.accept([raw, wire(counted("well"), listener.clock.now())[0]])
    assert values(listener) == {"well": 1}
    (event,) = forged_events(listener)
    assert event["fingerprint"] == "TooLarge"
    assert event["size_bytes"] > 5_000_000
    assert event["payload"] == "‹hidden›"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/event_id"),
        ({"event_id": str(uuid7()), "fingerprint": "x"}, "/event_id"),
        ({"event_id": "x"}, "/event_id"),
        ({"fingerprint": ""}, "/fingerprint"),
        ({"fingerprint": "x" * 501}, "/fingerprint"),
        ({"fingerprint": "x", "all": True}, "/all"),
    ],
)
def test_a_replay_names_exactly_what_it_means(listener: ServiceHarness, body: dict[str, Any], pointer: str) -> None:
    answer = listener.client("ops:write").post("/ops/parked/replay", body)
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.get_json()["errors"]}


def test_nothing_to_replay_is_not_found(listener: ServiceHarness) -> None:
    assert listener.client("ops:write").post("/ops/parked/replay", {"fingerprint": "x"}).status_code == 404


def test_reading_is_a_right_and_acting_another(listener: ServiceHarness) -> None:
    assert listener.client("billing:read").get("/ops/parked").status_code == 403
    assert listener.client("ops:read").post("/ops/parked/replay", {"fingerprint": "x"}).status_code == 403
    assert listener.stranger().get("/ops/parked").status_code == 401
    assert listener.client("ops:read").get("/ops/parked", state="done").status_code == 422
    assert listener.client("ops:read").get("/ops/parked/events").status_code == 422


def test_the_command_line_does_the_same(
    listener: ServiceHarness, defect: Defect, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BILLHOOK_LISTENER_DATABASE_URL", listener.config.database_url)
    raws = [wire(counted(f"trouble-{number}"), SystemClock("UTC").now()) for number in range(2)]
    listener.inbox.accept([raw for raw, _ in raws])
    with listener.session() as session:
        session.execute(inbox.update().values(state="parked", next_at=None))

    def ran(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            listener.service.main(["inbox", *arguments])
        return int(ended.value.code or 0), capsys.readouterr().out

    status, listed = ran("list")
    assert status == 0
    assert "ValueError" in listed
    fingerprint = parked_groups(listener)[0]["fingerprint"]
    _, shown = ran("show", fingerprint)
    assert str(raws[0][1]) in shown
    assert "trouble" not in shown
    assert "‹personal›" in shown
    assert ran("discard", "--event", str(raws[0][1]), "--reason", "no")[0] == 1
    assert ran("discard", "--event", str(raws[0][1]), "--reason", "not ours")[1].startswith("1 discarded")
    assert ran("replay", "--fingerprint", fingerprint)[1].startswith("1 will be applied")
    assert ran("replay", "--event", str(uuid7()))[0] == 1
    defect.mended = True
    listener.clock.set(SystemClock("UTC").now() + dt.timedelta(minutes=1))
    assert listener.inbox.retry_due() == 1
    assert [row.actor[:4] for row in audited(listener, "parked_events_replayed")] == ["cli:"]
