"""The relay on the direct transport: every event reaches its subscriber once, in the face of crashes and doubles."""

import pytest
from sqlalchemy import select, update

from billhook_common.events.relay import BUNDLE_EVENTS, Bundle, DirectDelivery, Relay
from billhook_common.tables import lease, outbox, outbox_position
from billhook_common.testing import Suite
from billhook_common.testing.sample import Counter, listening, sample_service

pytestmark = pytest.mark.integration


@pytest.fixture
def suite(make_suite) -> Suite:
    return make_suite(sample_service(), sample_service("listener", listening))


def heard(suite: Suite) -> dict[str, int]:
    with suite["listener"].session() as session:
        return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}


def make(suite: Suite, *names: str) -> None:
    for name in names:
        assert suite["sample"].client().post("/counters", {"name": name}).status_code == 201


class Keeping:
    """A delivery that keeps what it was given, and hands it on."""

    def __init__(self, inner: DirectDelivery, fail: bool = False) -> None:
        self.bundles: list[Bundle] = []
        self._inner, self.fail = inner, fail

    def deliver(self, bundles: list[Bundle]) -> set[int]:
        self.bundles += bundles
        returned = self._inner.deliver(bundles)
        if self.fail:
            raise ConnectionError("the answer was lost")
        return returned


def relay_of(suite: Suite, fail: bool = False) -> tuple[Relay, Keeping]:
    sample, listener = suite["sample"], suite["listener"]
    delivery = Keeping(DirectDelivery([listener.inbox]), fail)
    return Relay(sample.database, "sample", suite.clock, delivery), delivery


def test_events_arrive_and_are_marked(suite: Suite) -> None:
    make(suite, "a", "b")
    suite.until_quiet()
    assert heard(suite) == {"a": 1, "b": 1}
    with suite["sample"].session() as session:
        rows = session.execute(select(outbox).order_by(outbox.c.seq)).all()
        assert all(row.published_at for row in rows)
        assert [row.position for row in rows] == [1, 2]
        assert session.execute(select(outbox_position.c.last)).scalar_one() == 2


def test_a_delivery_whose_answer_was_lost_is_repeated_without_a_second_effect(suite: Suite) -> None:
    make(suite, "a")
    relay, delivery = relay_of(suite, fail=True)
    with pytest.raises(ConnectionError):
        relay.step()
    delivery.fail = False
    assert relay.step()
    assert len(delivery.bundles) == 2
    assert delivery.bundles[0].bodies == delivery.bundles[1].bodies
    assert heard(suite) == {"a": 1}
    relay.stop()


def test_of_two_relays_one_is_active(suite: Suite) -> None:
    make(suite, "a")
    first, _ = relay_of(suite)
    second, seen = relay_of(suite)
    assert first.step()
    make(suite, "b")
    assert not second.step()
    assert seen.bundles == []
    first.stop()
    assert second.step()
    assert heard(suite) == {"a": 1, "b": 1}
    second.stop()


def test_a_relay_that_lost_its_lease_sends_nothing(suite: Suite) -> None:
    make(suite, "a")
    relay, _ = relay_of(suite)
    assert relay._lease.acquire()
    with suite["sample"].session() as session:
        # What happens when another relay took the lease while this one was stopped.
        session.execute(update(lease).values(token=lease.c.token + 1))
    assert not relay.step()
    assert heard(suite) == {}
    assert relay.step()
    assert heard(suite) == {"a": 1}
    relay.stop()


def test_neighbours_of_one_type_travel_together(suite: Suite) -> None:
    make(suite, *(f"c{number:03d}" for number in range(BUNDLE_EVENTS + 5)))
    relay, delivery = relay_of(suite)
    assert relay.step()
    assert [len(bundle.bodies) for bundle in delivery.bundles] == [BUNDLE_EVENTS, 5]
    assert delivery.bundles[0].body().startswith(b'[{"specversion":"1.0"')
    assert len(heard(suite)) == BUNDLE_EVENTS + 5
    relay.stop()


def test_an_event_that_nobody_wants_is_marked_and_counted(suite: Suite) -> None:
    make(suite, "a")
    relay = Relay(suite["sample"].database, "sample", suite.clock, DirectDelivery([]))
    assert relay.step()
    with suite["sample"].session() as session:
        assert session.execute(select(outbox.c.returned)).scalar_one() is True
    relay.stop()


def test_the_events_of_a_refused_request_do_not_exist(suite: Suite) -> None:
    make(suite, "a")
    assert suite["sample"].client().post("/counters", {"name": "a"}).status_code == 409
    suite.until_quiet()
    assert heard(suite) == {"a": 1}
