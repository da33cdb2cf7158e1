"""Workers killed at the worst moments, and messages doubled and shuffled, over a real broker (F4, F5, F9)."""

import random
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg
import pytest

from billhook import suite
from billhook_common.events.broker import queue_name
from billhook_common.events.consumer import EventConsumer
from billhook_common.local.processes import wait_until
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_invoicing.app import service as invoicing

from .doubles import Message, contents, doubled, publish, published
from .invariants import QUIET_SECONDS, check_invariants, until_quiet
from .load import Load
from .site import Site

pytestmark = [pytest.mark.fault, pytest.mark.broker]

SEED = 4
KILL = "kill"
"""SIGKILL at whatever the worker is doing, instead of a crash point."""


def lives(site: Site, load: Load, name: str, deaths: Sequence[str]) -> None:
    """Let a worker die in each way in turn, and leave an unarmed one in its place."""
    points = ["" if death == KILL else death for death in deaths]
    following = site.prepare(name, fault=points[0])
    for death, point in zip(deaths, [*points[1:], ""], strict=True):
        site.release(name, following)
        following = site.prepare(name, fault=point)
        if death == KILL:
            load.progress()
        else:
            site.until_dead(name)
    site.release(name, following)


CONSUMER_DEATHS = [
    pytest.param(
        {"billing": ("in_batch:2", KILL, "after_commit:2"), "invoicing": ("in_batch:1", "after_commit:2")}, id="few"
    ),
    pytest.param(
        dict.fromkeys(("billing", "invoicing"), 5 * ("in_batch:2", "after_commit:1", KILL, "after_commit:3")),
        id="many",
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize("deaths", CONSUMER_DEATHS)
def test_a_consumer_killed_in_a_batch_or_before_its_acknowledgement_applies_every_event_once(
    over_broker: Site, deaths: dict[str, Sequence[str]]
) -> None:
    with Load(over_broker.api, f"consumer {len(deaths['billing'])}", SEED, customers_of(over_broker)) as load:
        for name, ways in deaths.items():
            lives(over_broker, load, name, ways)
        load.progress()
    check_invariants(over_broker)
    # Each one's last death was between commit and acknowledgement.
    assert all(over_broker.counted(name, "duplicate") for name in deaths)
    assert over_broker.dead_letters() == 0


RELAY_DEATHS = [
    pytest.param(("after_confirm:1", "after_confirm:2"), id="few"),
    pytest.param(7 * ("after_confirm:1", "after_confirm:2", "after_confirm:5"), id="many", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("deaths", RELAY_DEATHS)
def test_a_relay_killed_before_it_marks_what_it_published_doubles_messages_but_no_effect(
    over_broker: Site, deaths: Sequence[str]
) -> None:
    before = over_broker.counted("billing", "duplicate")
    with Load(over_broker.api, f"relay {len(deaths)}", SEED, customers_of(over_broker)) as load:
        lives(over_broker, load, "payments", deaths)
        load.progress()
    check_invariants(over_broker)
    assert over_broker.counted("billing", "duplicate") > before
    assert over_broker.dead_letters() == 0


def test_messages_doubled_and_shuffled_change_nothing(over_broker: Site) -> None:
    check_invariants(over_broker)
    before, new, old = contents(over_broker), counted(over_broker, "accepted"), counted(over_broker, "duplicate")
    messages = doubled(published(over_broker), random.Random(SEED))
    publish(over_broker.broker, messages)

    def all_seen() -> bool:
        # Not exactly as many: what an earlier test doubled may still have been on its way.
        seen = counted(over_broker, "duplicate")
        arrived = all(seen[name] >= old[name] + deliveries(messages, suite.load(name)) for name in old)
        return arrived and not over_broker.waiting_messages()

    assert wait_until(all_seen, QUIET_SECONDS)
    assert counted(over_broker, "accepted") == new
    assert contents(over_broker) == before


def test_a_service_that_hears_everything_in_another_order_makes_the_same_documents(
    over_broker: Site, databases: TestDatabases
) -> None:
    until_quiet(over_broker)
    types = list(invoicing.handlers.types())
    messages = [one for one in doubled(published(over_broker), random.Random(SEED)) if one[0] in types]
    wanted = {raw for _, bodies in messages for raw in bodies}
    dsn = databases.create(invoicing)
    with closing(ServiceHarness(invoicing, dsn)) as twin:
        with closing(EventConsumer(over_broker.broker, "invoicing-twin", types, twin.inbox)) as consumer:
            consumer.connect()
            publish(over_broker.broker, messages, queue=queue_name("invoicing-twin"))
            end = time.monotonic() + QUIET_SECONDS
            while received(dsn) < len(wanted):
                assert time.monotonic() < end
                consumer.step()
        while twin.retry():
            continue
        assert twin.unfinished() == []
    assert documents(dsn) == documents(over_broker.dsns["invoicing"])
    databases.drop(dsn)


def documents(dsn: str) -> list[tuple[Any, ...]]:
    """What was invoiced and what is open of it; the numbers are given out in the order of arrival."""
    query = (
        "SELECT d.id, d.customer_id, d.charge_id, d.gross, d.bill_date, i.total, i.open "
        "FROM document d JOIN open_item i ON i.document_id = d.id ORDER BY d.id"
    )
    numbers = "SELECT counter FROM document ORDER BY 1"
    with psycopg.connect(dsn) as connection:
        found = connection.execute(query).fetchall()
        assert [row[0] for row in connection.execute(numbers)] == list(range(1, len(found) + 1))
    return found


def received(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        return len(connection.execute("SELECT 1 FROM inbox").fetchall())


def deliveries(messages: Sequence[Message], service: Service) -> int:
    """How many events of ``messages`` come to a service."""
    return sum(len(bodies) for event_type, bodies in messages if event_type in service.handlers.types())


def counted(site: Site, what: str) -> dict[str, int]:
    return {name: site.counted(name, what) for name in site.dsns}


def customers_of(site: Site) -> list[str]:
    return [one.id for one in site.api.acknowledged.values() if one.path == "/crm/customers"]
