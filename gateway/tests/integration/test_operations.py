"""How much is under way in the whole suite: summed, fresh, and never zero because somebody is silent."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import msgspec
import pytest
from werkzeug.datastructures import Headers

from billhook_common.job_history import JobHistory
from billhook_common.jobs import Job
from billhook_common.testing import ServiceHarness, Suite
from billhook_common.testing.sample import listening, sample_service
from billhook_gateway.backends import BackendRequest, BackendResponse, Http, Transport, connection_pool
from billhook_gateway.testing import Gate

pytestmark = pytest.mark.integration

PATH = "/api/ops/messaging"
QUIET = {"outbox_pending": 0, "queue_ready_and_unacked": 0, "retries_scheduled": 0, "parked": 0}
ZERO = {
    "outbox_pending": 0, "queue_ready": 0, "queue_unacked": 0, "retries_scheduled": 0, "parked": 0, "dead": 0,
    "published": [], "received": [], "marks": [1, 1],
}  # fmt: skip


class Told:
    """A service that says one thing after the other of itself, the last again and again."""

    def __init__(self, *readings: dict[str, Any]) -> None:
        self._readings = list(readings)
        self.asked = 0

    def send(self, _: BackendRequest) -> BackendResponse:
        reading = self._readings[min(self.asked, len(self._readings) - 1)]
        self.asked += 1
        status = reading.get("status", 200)
        kind = "application/json" if status == 200 else "application/problem+json"
        return BackendResponse(status, Headers({"Content-Type": kind}), [msgspec.json.encode(reading)])


@contextmanager
def gate_before(harness: ServiceHarness, **transports: Transport) -> Iterator[Gate]:
    with closing(Gate(harness, transports=transports)) as gate:
        yield gate


def test_it_sums_over_all_services_and_the_gateway(harness: ServiceHarness, make_suite: Callable[..., Suite]) -> None:
    suite = make_suite(sample_service(), sample_service("listener", listening))
    apps = {name: suite[name].app for name in ("sample", "listener")}
    gate = Gate(harness, apps)
    try:
        assert gate.machine().get(PATH).get_json() == QUIET
        for name in ("a", "poison"):
            suite["sample"].client().post("/counters", {"name": name})
        answer = gate.machine().get(PATH)
        assert answer.get_json() == QUIET | {"outbox_pending": 2}
        assert answer.headers["Cache-Control"] == "no-store"
        suite.until_quiet()
        assert gate.machine().get(PATH).get_json() == QUIET | {"retries_scheduled": 1}
    finally:
        gate.close()


def test_the_gateways_own_events_count(harness: ServiceHarness) -> None:
    with gate_before(harness) as gate:
        gate.user("administrator")
        browser = gate.browser()
        browser.sign_in("administrator")
        seen = browser.get("/api/gateway/company")
        company = seen.get_json()
        del company["changed_at"], company["version"]
        answer = browser.put(
            "/api/gateway/company", company | {"name": "Another ISP"}, headers={"If-Match": seen.headers["ETag"]}
        )
        assert answer.status_code == 200, answer.text
        assert gate.machine().get(PATH).get_json() == QUIET | {"outbox_pending": 1}


def test_ready_and_in_hand_are_one_figure(harness: ServiceHarness) -> None:
    with gate_before(
        harness, a=Told(ZERO | {"queue_ready": 3, "queue_unacked": 4}), b=Told(ZERO | {"parked": 1})
    ) as gate:
        assert gate.machine().get(PATH).get_json() == QUIET | {"queue_ready_and_unacked": 7, "parked": 1}


def test_what_is_published_and_in_no_queue_and_no_inbox_is_on_its_way(harness: ServiceHarness) -> None:
    stream = {"type": "crm.customer.changed.v1", "epoch": "e"}
    crm = Told(ZERO | {"published": [stream | {"last": 9}]})
    billing = Told(ZERO | {"received": [stream | {"last": 6}, stream | {"epoch": "former", "last": 2}]})
    payments = Told(ZERO | {"received": [stream | {"last": 9}], "queue_ready": 1})
    with gate_before(harness, crm=crm, billing=billing, payments=payments) as gate:
        assert gate.machine().get(PATH).get_json() == QUIET | {"queue_ready_and_unacked": 4}


def test_zero_is_believed_at_the_second_reading_only(harness: ServiceHarness) -> None:
    moving: Sequence[dict[str, Any]] = [ZERO, ZERO | {"marks": [2, 1], "outbox_pending": 1}, ZERO | {"marks": [2, 2]}]
    told = Told(*moving)
    with gate_before(harness, a=told) as gate:
        assert gate.machine().get(PATH).get_json() == QUIET | {"outbox_pending": 1}
        assert gate.machine().get(PATH).get_json() == QUIET
    assert told.asked == 4


def test_what_moves_all_the_time_is_not_quiet(harness: ServiceHarness) -> None:
    with gate_before(harness, a=Told(*(ZERO | {"marks": [number, number]} for number in range(20)))) as gate:
        assert gate.machine().get(PATH).get_json() == QUIET | {"queue_ready_and_unacked": 2}


@pytest.mark.parametrize(
    "silent",
    [
        Http("billing", "http://127.0.0.1:9", connection_pool()),
        Told({"status": 503, "type": "/problems/source-unreadable", "title": "x", "detail": "The queue of billing"}),
        Told({"status": 500, "type": "/problems/internal", "title": "Something broke"}),
    ],
    ids=["down", "unreadable", "broken"],
)
def test_a_source_that_cannot_be_read_is_an_error_that_names_it(harness: ServiceHarness, silent: Transport) -> None:
    told = Told(ZERO)
    with gate_before(harness, billing=silent, crm=told) as gate:
        answer = gate.machine().get(PATH)
        assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/source-unreadable")
        assert answer.content_type == "application/problem+json"
        assert "billing" in answer.get_json()["detail"]


def test_it_is_for_operators(harness: ServiceHarness) -> None:
    with gate_before(harness) as gate:
        assert gate.browser().get(PATH).status_code == 401
        assert gate.browser("finance").get(PATH).status_code == 403
        assert gate.browser("administrator").get(PATH).status_code == 200


def test_the_page_shows_each_service_and_the_steps_are_taken_from_it(
    harness: ServiceHarness, make_suite: Callable[..., Suite]
) -> None:
    suite = make_suite(sample_service(), sample_service("listener", listening))
    listener = suite["listener"]
    listener.inbox.accept([b"{", b"}"])
    with listener.session() as session:
        history = JobHistory(Job("sweep", lambda _: False, 5))
        history.note(session, listener.clock, listener.clock.now(), "failed", "ZeroDivisionError")
    names = ("billing", "crm", "payments", "tickets")
    silent = {name: Http(name, "http://127.0.0.1:9", connection_pool()) for name in names}
    gate = Gate(harness, {"sample": suite["sample"].app, "listener": listener.app}, silent)
    try:
        browser = gate.browser("administrator")
        shown = browser.get("/operations", headers={"Accept": "text/html"}).text
        assert "Undecodable" in shown
        assert "billing is not answering" in shown
        assert listener.service.version in shown
        assert "Sweep" in shown
        assert "ZeroDivisionError" in shown
        assert '<span class="count bad">2</span>' in shown, "what waits for people is told beside the way to the page"
        unread = re.search(r"It is not known what is parked in: ([^.]+)[.]", shown)
        assert unread
        assert sorted(unread[1].split(", ")) == ["Billing", "CRM", "Payments", "Tickets"]
        events = browser.get("/operations/listener/events?fingerprint=Undecodable").text
        assert events.count("bytes that are not JSON") == 2
        token = {"csrf_token": browser.csrf_token, "fingerprint": "Undecodable"}
        assert browser.post("/operations/listener/discard", data=token | {"reason": "x"}).status_code == 303
        assert len(listener.unfinished()) == 2
        browser.post("/operations/listener/replay", data=token)
        assert {row["state"] for row in listener.unfinished()} == {"failed"}
        listener.retry()
        browser.post("/operations/listener/discard", data=token | {"reason": "It was never an event"})
        assert {row["state"] for row in listener.unfinished()} == {"discarded"}
        after = browser.get("/operations").text
        assert "2 events are given up" in after
        assert 'class="count bad"' not in after
        assert gate.browser("finance").get("/operations").status_code == 403
    finally:
        gate.close()
