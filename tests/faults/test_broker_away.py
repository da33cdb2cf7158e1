"""The broker killed, stopped for long, or out of memory or disk: commands go on, and nothing is lost (F1, F2, F13)."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from billhook_common.local.processes import wait_until
from billhook_common.local.rabbitmq import QUEUE_SETTLE_SECONDS, LocalRabbitMQ

from .api import PAUSE_SECONDS
from .invariants import check_invariants
from .load import Load
from .site import Site

pytestmark = [pytest.mark.fault, pytest.mark.broker]

SEED = 1
PROGRESS_SECONDS = 20.0
"""From the moment at which the broker takes connections again."""
DRAIN_PER_SECOND = 2_000
CLEARED_SECONDS = 15.0
ALARMS = [
    pytest.param(("set_disk_free_limit", "1000000GB"), ("set_disk_free_limit", "50MB"), id="disk"),
    pytest.param(
        ("set_vm_memory_high_watermark", "0.00001"),
        ("set_vm_memory_high_watermark", "0.4"),
        id="memory",
        marks=pytest.mark.slow,
    ),
]


@contextmanager
def down(node: LocalRabbitMQ, how: Callable[[], None]) -> Iterator[None]:
    """Within the block the broker is away."""
    how()
    try:
        yield
    finally:
        node.start()


def commands(site: Site, name: str, number: int) -> list[float]:
    """The seconds that each of so many commands took, each of which is acknowledged at its first try."""
    seconds = []
    for at in range(number):
        key = f"{name} {at}"
        answer = site.api.attempt("/crm/customers", {"name": key}, key=key)
        assert answer.status == 201, answer.body
        seconds.append(answer.seconds)
    return seconds


def unpublished(site: Site) -> int:
    return sum(_count(dsn, "outbox WHERE published_at IS NULL") for dsn in site.dsns.values())


def heard(site: Site) -> int:
    """Events that billing has."""
    return _count(site.dsns["billing"], "inbox")


def _count(dsn: str, what: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(f"SELECT count(*) FROM {what}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def test_a_killed_broker_stops_no_command_and_events_move_soon_after_it_is_back(
    over_broker: Site, rabbitmq: LocalRabbitMQ
) -> None:
    time.sleep(QUEUE_SETTLE_SECONDS)
    with Load(over_broker.api, "killed", SEED, customers_of(over_broker)) as load:
        load.progress()
        with down(rabbitmq, rabbitmq.kill):
            # The load itself soon waits: it pays for customers of whom payments cannot have heard.
            commands(over_broker, "broker killed", 40)
        began, before = time.monotonic(), heard(over_broker)
        assert wait_until(lambda: heard(over_broker) > before, PROGRESS_SECONDS)
        print(f"progress after {time.monotonic() - began:.1f} s")
        load.progress()
    check_invariants(over_broker)
    assert over_broker.api.unanswered == 0
    assert over_broker.dead_letters() == 0


@pytest.mark.parametrize("seconds", [pytest.param(8, id="short"), pytest.param(300, id="long", marks=pytest.mark.slow)])
def test_while_the_broker_is_down_commands_are_as_quick_and_afterwards_the_outbox_drains(
    over_broker: Site, rabbitmq: LocalRabbitMQ, seconds: int
) -> None:
    check_invariants(over_broker)
    calm = commands(over_broker, f"calm {seconds}", 60)
    with down(rabbitmq, rabbitmq.stop):
        end = time.monotonic() + seconds
        away = commands(over_broker, f"away {seconds}", 60)
        with ThreadPoolExecutor(8) as pool:
            numbers = range(20)
            while time.monotonic() < end:
                list(pool.map(lambda at: commands(over_broker, f"pile {time.monotonic()} {at}", 5), numbers))
        backlog = unpublished(over_broker)
    # Medians: on a shared machine the slowest of sixty are somebody else's.
    assert statistics.median(away) <= 1.5 * statistics.median(calm)
    assert backlog > 60
    began = time.monotonic()
    assert wait_until(lambda: unpublished(over_broker) == 0, PROGRESS_SECONDS + backlog / DRAIN_PER_SECOND)
    print(f"{backlog} events drained in {time.monotonic() - began:.1f} s")
    check_invariants(over_broker)


@pytest.mark.parametrize(("alarm", "clear"), ALARMS)
def test_an_alarm_of_the_broker_blocks_relays_only_and_loses_nothing(
    over_broker: Site, rabbitmq: LocalRabbitMQ, alarm: tuple[str, str], clear: tuple[str, str]
) -> None:
    with Load(over_broker.api, alarm[0], SEED, customers_of(over_broker)) as load:
        load.progress()
        rabbitmq.ctl(*alarm)
        try:
            commands(over_broker, alarm[0], 60)
            # What is published now waits: the broker takes nothing.
            assert wait_until(lambda: unpublished(over_broker) > 20, PROGRESS_SECONDS)
        finally:
            rabbitmq.ctl(*clear)
        began = time.monotonic()
    while unpublished(over_broker):
        assert time.monotonic() - began < CLEARED_SECONDS, f"{unpublished(over_broker)} events wait"
        time.sleep(PAUSE_SECONDS)
    check_invariants(over_broker)


def customers_of(site: Site) -> list[str]:
    return [one.id for one in site.api.acknowledged.values() if one.path == "/crm/customers"]
