"""What got lost on the way is found by its number and sent again, to the one who misses it alone (G2)."""

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import delete, func, select, text, update

from billhook_common.contracts import Fact
from billhook_common.contracts.every_service import PositionsPublished, Stream, type_of
from billhook_common.events import reconcile
from billhook_common.events.handlers import Context
from billhook_common.events.relay import Bundle, DirectDelivery, Relay
from billhook_common.events.retention import OUTBOX_DAYS
from billhook_common.tables import inbox, inbox_position, inbox_subscription, outbox, outbox_position
from billhook_common.testing import ServiceHarness, Suite
from billhook_common.testing.harness import forget_all, wire
from billhook_common.testing.sample import Counter, listening, sample_service

pytestmark = pytest.mark.integration


class Losing(DirectDelivery):
    """A delivery that says yes and loses the events of these counters, as a deleted queue does."""

    def __init__(self, listener: ServiceHarness, *names: str) -> None:
        super().__init__([listener.inbox])
        self.names = names
        self.sent: list[bytes] = []

    def deliver(self, bundles: list[Bundle]) -> set[int]:
        kept = []
        for item in bundles:
            bodies = [
                body for body in item.bodies if not any(f'"name":"{name}"'.encode() in body for name in self.names)
            ]
            kept.append(Bundle(item.type, item.recipient, item.first_id, bodies, item.seqs))
            self.sent += bodies
        return super().deliver(kept)


def named(body: bytes, name: str) -> bool:
    return f'"name":"{name}"'.encode() in body


class Pair:
    """The sample publishes, the listener hears; ``losing`` is what may happen in between."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.sample, self.listener = suite["sample"], suite["listener"]

    def make(self, *names: str) -> None:
        for name in names:
            assert self.sample.client().post("/counters", {"name": name}).status_code == 201

    def relay(self, delivery: DirectDelivery) -> None:
        self.suite.pause()
        relay = Relay(self.sample.database, "sample", self.suite.clock, delivery)
        while relay.step():
            continue
        relay.stop()

    def lose(self, *names: str) -> None:
        """Publish what is there, and lose these."""
        self.relay(Losing(self.listener, *names))

    def tell_positions(self) -> None:
        """The hourly job of the publisher, and all that follows from it."""
        with self.sample.session() as session:
            reconcile.publish_positions(session, self.suite.clock, "sample")
        self.suite.until_quiet()

    def heard(self) -> dict[str, int]:
        with self.listener.session() as session:
            return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}

    def missing(self) -> list[tuple[int, int]]:
        with self.listener.session() as session:
            standings = reconcile.standings(session, listening.types())
        return [span for standing in standings for span in standing.comparison.missing]

    def resent(self) -> list[str]:
        """The names that the listener has asked for."""
        with self.listener.session() as session:
            return list(session.scalars(select(outbox.c.data)))


@pytest.fixture
def pair(make_suite: Callable[..., Suite]) -> Pair:
    return Pair(make_suite(sample_service(), sample_service("listener", listening)))


def test_an_event_lost_between_others_is_sent_again(pair: Pair) -> None:
    pair.make("a", "b", "c", "d")
    pair.lose("b", "c")
    assert pair.heard() == {"a": 1, "d": 1}
    pair.tell_positions()
    assert pair.heard() == dict.fromkeys("abcd", 1)
    assert pair.missing() == []


def test_a_missing_tail_and_a_missing_head_are_sent_again(pair: Pair) -> None:
    pair.make("a", "b", "c")
    pair.lose("a", "c")
    pair.tell_positions()
    assert pair.heard() == dict.fromkeys("abc", 1)


def test_everything_lost_is_sent_again(pair: Pair) -> None:
    pair.make("a", "b")
    pair.lose("a", "b")
    pair.tell_positions()
    assert pair.heard() == {"a": 1, "b": 1}


def test_only_what_is_missing_is_sent_and_only_to_the_one_who_misses_it(make_suite: Callable[..., Suite]) -> None:
    pair = Pair(make_suite(sample_service(), sample_service("listener", listening), sample_service("other", listening)))
    pair.make("a", "b", "c")
    pair.lose("b")
    relay = Losing(pair.listener)
    with pair.sample.session() as session:
        reconcile.publish_positions(session, pair.suite.clock, "sample")
    pair.relay(relay)
    relay.sent.clear()
    answer = Relay(pair.listener.database, "listener", pair.suite.clock, DirectDelivery([pair.sample.inbox]))
    assert answer.step()
    answer.stop()
    pair.relay(relay)
    [body] = relay.sent
    assert b'"name":"b"' in body
    assert b'"position":2' in body
    assert b'"recipient":"listener"' in body
    with pair.suite["other"].session() as session:
        assert session.scalar(select(func.count()).select_from(inbox)) == 0


def test_without_a_loss_nobody_asks(pair: Pair) -> None:
    pair.make("a", "b")
    pair.suite.until_quiet()
    pair.tell_positions()
    assert pair.resent() == []


def test_what_failed_or_was_parked_was_received(pair: Pair) -> None:
    pair.make("poison", "wait-for-the-gate", "a")
    pair.suite.until_quiet()
    pair.tell_positions()
    assert pair.resent() == []
    assert pair.missing() == []


def test_a_late_old_event_does_not_undo_the_count(pair: Pair) -> None:
    pair.make("a", "b", "c")
    pair.lose("a")
    pair.tell_positions()
    pair.tell_positions()
    assert len(pair.resent()) == 1
    with pair.listener.session() as session:
        [row] = session.execute(select(inbox_position)).all()
    assert reconcile.spans_in(row) == [(1, 4)]


def test_what_the_log_has_forgotten_is_lost_and_not_asked_for_again(pair: Pair) -> None:
    pair.make("a")
    pair.lose("a")
    pair.suite.clock.advance(dt.timedelta(days=OUTBOX_DAYS + 1))
    with pair.sample.session() as session:
        forget_all(Context(session, pair.suite.clock, pair.sample.config))
    pair.make("b", "c")
    pair.lose("b")
    pair.tell_positions()
    assert pair.heard() == {"b": 1, "c": 1}
    with pair.listener.session() as session:
        [standing] = reconcile.standings(session, listening.types())
    assert standing.comparison.lost == [(1, 2)]
    pair.tell_positions()
    assert len(pair.resent()) == 1


def test_deleting_what_was_received_long_ago_makes_no_gap(pair: Pair) -> None:
    pair.make("a", "b")
    pair.suite.until_quiet()
    with pair.listener.session() as session:
        session.execute(delete(inbox))
    pair.tell_positions()
    assert pair.resent() == []


def test_who_subscribes_later_is_owed_what_happened_since(pair: Pair) -> None:
    pair.make("old-1", "old-2")
    pair.lose("old-1", "old-2")
    pair.suite.clock.advance(dt.timedelta(days=3))
    with pair.listener.session() as session:
        session.execute(update(inbox_subscription).values(since=pair.suite.clock.now()))
    pair.suite.clock.advance(dt.timedelta(minutes=1))
    pair.make("early", "seen", "late")
    pair.lose("early", "late")
    pair.tell_positions()
    pair.tell_positions()
    assert pair.heard() == {"early": 1, "seen": 1, "late": 1}
    assert pair.missing() == []


def test_who_subscribes_later_by_a_clock_that_is_fast_misses_nothing(pair: Pair) -> None:
    pair.make("long-ago")
    pair.lose("long-ago")
    pair.suite.clock.advance(dt.timedelta(days=3))
    pair.make("early", "seen")
    pair.lose("early")
    with pair.listener.session() as session:
        since = pair.suite.clock.now() + dt.timedelta(minutes=5)
        session.execute(update(inbox_subscription).values(since=since))
    pair.tell_positions()
    pair.tell_positions()
    assert pair.heard() == {"early": 1, "seen": 1}


def test_a_log_that_was_lost_begins_a_new_epoch(pair: Pair) -> None:
    pair.make("a", "b", "c")
    pair.suite.until_quiet()
    with pair.sample.session() as session:
        session.execute(text("TRUNCATE outbox, outbox_position"))
    pair.make("d", "e")
    pair.lose("d")
    pair.tell_positions()
    pair.tell_positions()
    assert pair.heard() == dict.fromkeys("abcde", 1)
    assert pair.missing() == []
    assert len(pair.resent()) == 1


def test_events_known_already_count_in_a_new_epoch_too(pair: Pair) -> None:
    pair.make("a", "b")
    pair.suite.until_quiet()
    with pair.sample.session() as session:
        # What a restore leaves: the same events, not yet published, in another database.
        session.execute(update(outbox).values(published_at=None, epoch=None, position=None))
        session.execute(update(outbox_position).values(home="the database before"))
    pair.suite.until_quiet()
    pair.tell_positions()
    pair.tell_positions()
    assert pair.heard() == {"a": 1, "b": 1}
    assert pair.resent() == []
    with pair.sample.session() as session:
        assert session.scalar(select(func.count(outbox_position.c.epoch.distinct()))) == 2


def test_a_log_set_back_unnoticed_begins_a_new_epoch_once_somebody_has_seen_more(pair: Pair) -> None:
    pair.make("a", "b", "c")
    pair.suite.until_quiet()
    with pair.sample.session() as session:
        session.execute(delete(outbox).where(outbox.c.position > 1))
        session.execute(update(outbox_position).values(last=1))
    pair.tell_positions()
    pair.make("d")
    pair.lose("d")
    pair.tell_positions()
    assert pair.heard() == dict.fromkeys("abcd", 1)
    asked = len(pair.resent())
    pair.tell_positions()
    assert len(pair.resent()) == asked


def test_a_round_broken_off_keeps_its_numbers_though_older_rows_come_late(pair: Pair) -> None:
    pair.make("a", "b")
    delivery = Losing(pair.listener)

    class Away(DirectDelivery):
        def deliver(self, bundles: list[Bundle]) -> set[int]:
            delivery.sent += [body for item in bundles for body in item.bodies]
            raise ConnectionError

    relay = Relay(pair.sample.database, "sample", pair.suite.clock, Away([]))
    with pytest.raises(ConnectionError):
        relay.step()
    relay.stop()
    first = list(delivery.sent)
    delivery.sent.clear()
    with pair.sample.session() as session:
        # A transaction that began earlier and committed later has a lower number in the log.
        session.execute(
            text(
                "INSERT INTO outbox (seq, id, type, subject, occurred_at, data) OVERRIDING SYSTEM VALUE "
                "SELECT 0, gen_random_uuid(), type, subject, occurred_at, replace(data, '\"a\"', '\"late\"') "
                "FROM outbox ORDER BY seq LIMIT 1"
            )
        )
    pair.relay(delivery)
    assert delivery.sent[:2] == first
    assert b'"position":3' in delivery.sent[2]
    assert pair.heard()["b"] == 1


def test_positions_that_nobody_can_have_are_not_believed(pair: Pair) -> None:
    pair.make("a")
    pair.suite.until_quiet()
    with pair.sample.session() as session:
        stream = session.execute(select(outbox_position)).one()
    forged = Stream(type="other.thing.done.v1", epoch=stream.epoch, began_at=stream.began_at, first=1, last=9)
    told = PositionsPublished(streams=[forged])
    deliver_as(pair.listener, told, "sample")
    assert pair.missing() == []
    assert pair.resent() == []


def deliver_as(harness: ServiceHarness, fact: Fact, publisher: str) -> None:
    """Bring in what every service publishes, from ``publisher``."""
    raw, _ = wire(fact, harness.clock.now(), source=publisher)
    harness.inbox.accept([raw.replace(fact.TYPE.encode(), type_of(type(fact), publisher).encode())])
