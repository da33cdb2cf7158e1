"""What the broker has given up: listed without personal data, moved back, counted; nothing is lost on the way (F11)."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from kombu import Connection, Consumer, Message, Queue
from sqlalchemy import select
from structlog.testing import capture_logs

from billhook_common.events.broker import (
    CONTENT_TYPE,
    EXCHANGE,
    BrokerDelivery,
    address,
    dead_queue_name,
    queue_arguments,
    queue_name,
)
from billhook_common.events.consumer import EventConsumer
from billhook_common.events.relay import Bundle
from billhook_common.figures import DatabaseFigures, Source
from billhook_common.ids import uuid7
from billhook_common.local.rabbitmq import LocalRabbitMQ
from billhook_common.operations.commands import add_dead_command, run_dead_command
from billhook_common.operations.messaging import queue_lengths
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import wire
from billhook_common.testing.sample import Counted, Counter, listening, sample_service

pytestmark = [pytest.mark.integration, pytest.mark.broker]

LIMIT = 20
"""How often a message comes back before the broker gives it up."""


@dataclass
class Ear:
    """A listener with a queue of its own, and its command line."""

    harness: ServiceHarness
    url: str
    capsys: pytest.CaptureFixture[str]

    @property
    def name(self) -> str:
        return self.harness.service.name

    def has(self, ready: int, *, dead: int) -> None:
        """So many are in the two queues, soon: what a consumer leaves comes back a moment after it went."""
        for _ in range(200):
            if queue_lengths(self.url, self.name) == (ready, dead):
                return
        assert queue_lengths(self.url, self.name) == (ready, dead)

    def send(self, *names: str) -> None:
        """Each counted once, in a message of its own, as a relay sends it."""
        bundles = []
        for name in names:
            raw, event_id = wire(Counted(counter_id=uuid7(), name=name, step=1), self.harness.clock.now())
            bundles.append(Bundle(Counted.TYPE, self.name, event_id, [raw], []))
        with closing(BrokerDelivery(self.url, "billhook-sample")) as delivery:
            assert delivery.deliver(bundles) == set()

    def crash(self, times: int) -> None:
        """A consumer that takes what is there and gives it back, so often."""
        seen = 0

        def give_back(message: Message) -> None:
            nonlocal seen
            seen += 1
            message.requeue()

        queue = Queue(queue_name(self.name), durable=True, queue_arguments=queue_arguments(self.name))
        with (
            Connection(self.url) as connection,
            connection.channel() as channel,
            Consumer(channel, [queue], on_message=give_back, accept=[CONTENT_TYPE], auto_declare=False),
            suppress(TimeoutError),
        ):
            while seen < times:
                connection.drain_events(timeout=5)

    def hear(self) -> dict[str, int]:
        with closing(EventConsumer(self.url, self.name, [Counted.TYPE], self.harness.inbox)) as consumer:
            for _ in range(3):
                consumer.step()
        with self.harness.session() as session:
            return {name: value for name, value in session.execute(select(Counter.name, Counter.value))}

    def command(self, *arguments: str, url: str | None = None) -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        add_dead_command(parser.add_subparsers())
        options = parser.parse_args(["dead", *arguments])
        config = replace(self.harness.config, broker_url=self.url if url is None else url)
        status = run_dead_command(self.name, options, config)
        return status, self.capsys.readouterr().out


@pytest.fixture
def ear(
    databases: TestDatabases,
    rabbitmq: LocalRabbitMQ,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Ear]:
    service = sample_service(f"ear-{uuid4().hex[:8]}", listening)
    dsn = databases.create(service)
    with closing(ServiceHarness(service, dsn)) as harness:
        item = Ear(harness, rabbitmq.url, capsys)
        item.hear()
        yield item
    with Connection(rabbitmq.url) as connection, connection.channel() as channel:
        for queue in (queue_name(service.name), dead_queue_name(service.name)):
            channel.queue_delete(queue)
    databases.drop(dsn)


def test_what_died_is_seen_moved_back_and_applied_once(ear: Ear) -> None:
    ear.send("grace")
    ear.crash(LIMIT + 1)
    ear.has(0, dead=1)

    status, shown = ear.command("list")
    assert status == 0
    assert Counted.TYPE in shown
    assert "delivery_limit" in shown
    assert "grace" not in shown
    assert "‹personal›" in shown

    with capture_logs() as logs:
        assert ear.command("move") == (0, f"1 moved back to {ear.name}\n")
    moved = [entry for entry in logs if entry["event"] == "dead_moved"]
    assert [entry["type"] for entry in moved] == [Counted.TYPE]
    assert moved[0]["actor"].startswith("cli:")
    ear.has(1, dead=0)
    assert ear.hear() == {"grace": 1}

    assert ear.command("list") == (0, f"the broker has given up nothing of {ear.name}\n")
    assert ear.command("move") == (0, f"0 moved back to {ear.name}\n")


def test_it_can_die_again_and_be_moved_again(ear: Ear) -> None:
    ear.send("twice")
    for _ in range(2):
        ear.crash(LIMIT + 1)
        ear.has(0, dead=1)
        assert ear.command("move")[0] == 0
    assert ear.hear() == {"twice": 1}


def test_looking_takes_nothing_away_however_often(ear: Ear) -> None:
    ear.send("a", "b")
    ear.crash(2 * (LIMIT + 1))
    ear.has(0, dead=2)
    for _ in range(LIMIT + 5):
        ear.has(0, dead=2)
        assert ear.command("list", "--limit", "1")[1].count('"message_id"') == 1
    ear.has(0, dead=2)
    assert ear.command("move", "--limit", "1") == (0, f"1 moved back to {ear.name}\n")
    ear.has(1, dead=1)


def test_what_cannot_be_put_back_stays(ear: Ear) -> None:
    ear.send("a")
    ear.crash(LIMIT + 1)
    ear.has(0, dead=1)
    with Connection(ear.url) as connection, connection.channel() as channel:
        channel.queue_delete(queue_name(ear.name))
    status, said = ear.command("move")
    assert status == 1
    assert said.startswith("refused: The broker refused")
    ear.hear()
    ear.has(0, dead=1)


def test_the_exporter_counts_them_and_says_nothing_when_it_cannot(ear: Ear) -> None:
    ear.send("a", "b")
    ear.crash(2 * (LIMIT + 1))
    ear.has(0, dead=2)
    gone = "amqp://guest:guest@127.0.0.1:9/%2F"
    sources = [Source(ear.name, "", [], ear.url), Source("away", "", [], gone), Source("direct", "", [])]
    found = {
        sample.labels["service"]: sample.value
        for family in DatabaseFigures(sources).collect()
        if family.name == "billhook_dead_messages"
        for sample in family.samples
    }
    assert found == {ear.name: 2}


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1001", "²"])
def test_a_limit_that_is_none_is_refused(ear: Ear, limit: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        ear.command("move", "--limit", limit)


@pytest.mark.parametrize("step", ["list", "move"])
def test_without_a_broker_it_says_so(ear: Ear, step: str) -> None:
    assert ear.command(step, url="")[1].startswith("refused: There is no broker")
    status, said = ear.command(step, url="amqp://guest:guest@127.0.0.1:9/%2F")
    assert (status, said.split(".")[0]) == (1, "refused: The broker refused or does not answer")


def test_bytes_that_are_no_event_are_shown_by_their_length(ear: Ear) -> None:
    with Connection(ear.url) as connection, connection.channel() as channel:
        message = channel.prepare_message(b"\xffsecret", content_type=CONTENT_TYPE, content_encoding="binary")
        channel.basic_publish(message, EXCHANGE, address(ear.name))
    ear.crash(LIMIT + 1)
    ear.has(0, dead=1)
    shown = ear.command("list")[1]
    assert "7 bytes that are not JSON" in shown
    assert "secret" not in shown


def test_every_service_has_the_command() -> None:
    code = "from billhook_common.testing.sample import sample_service; sample_service().main()"
    environment = {**os.environ, "BILLHOOK_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    environment.pop("BILLHOOK_BROKER_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", code, "dead", "list"],
        check=False, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split(".")[0]) == (1, "refused: There is no broker"), done.stderr
