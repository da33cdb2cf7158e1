"""Workers of some services in processes of their own, over RabbitMQ, a database each: as separate teams run them."""

import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pika
import psycopg
from measuring import family_cpu, private_postgres

from billhook_common.clock import SystemClock
from billhook_common.config import ServiceConfig
from billhook_common.db import Database
from billhook_common.events.broker import queue_name
from billhook_common.events.inbox import Inbox
from billhook_common.local.postgres import LocalPostgres
from billhook_common.local.rabbitmq import LocalRabbitMQ
from billhook_common.service import Service
from billhook_common.testing.databases import TestDatabases
from billhook_common.testing.harness import ZONE

PATIENCE_SECONDS = 300.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.05


@dataclass
class Bill:
    """CPU seconds of a block by part of the suite, and wall seconds."""

    parts: dict[str, float] = field(default_factory=dict)
    wall: float = 0.0

    @property
    def cpu(self) -> float:
        """All parts together."""
        return sum(self.parts.values())

    def line(self, count: int) -> str:
        """CPU of one of ``count`` items, by part, and items a second."""
        parts = ", ".join(f"{name} {seconds / count * 1000:.3f}" for name, seconds in self.parts.items())
        return f"{self.cpu / count * 1000:.3f} ms CPU each ({parts}), {count / self.wall:,.0f}/s"


class Cluster:
    """The services' databases and, after ``start``, their workers."""

    def __init__(self, postgres: LocalPostgres, broker: LocalRabbitMQ, services: list[Service], folder: Path) -> None:
        self.broker = broker
        self.clock = SystemClock(ZONE)
        self.services = {service.name: service for service in services}
        databases = TestDatabases(postgres)
        self.dsns = {service.name: databases.create(service) for service in services}
        self.databases = {name: Database(self.config(name)) for name in self.services}
        self._postgres = postgres
        self._folder = folder
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._looking: dict[str, psycopg.Connection] = {}

    def config(self, name: str) -> ServiceConfig:
        """The configuration of a service."""
        return self.services[name].config(database_url=self.dsns[name], broker_url=self.broker.url, zone=ZONE)

    def accept(self, name: str, raws: list[bytes], batch: int = 500) -> None:
        """Bring events into a service past the broker, to prepare it."""
        inbox = Inbox(self.databases[name], self.services[name].handlers, self.clock, self.config(name))
        for at in range(0, len(raws), batch):
            inbox.accept(raws[at : at + batch])

    def start(self) -> None:
        """Start the workers; return when each listens to its queue."""
        environment = os.environ | {"BILLHOOK_BROKER_URL": self.broker.url, "BILLHOOK_ZONE": ZONE}
        for name, dsn in self.dsns.items():
            environment[f"BILLHOOK_{name.upper()}_DATABASE_URL"] = dsn
        for name in self.services:
            with (self._folder / f"{name}.log").open("wb") as log:
                command = [str(Path(sys.executable).parent / f"billhook-{name}"), "worker"]
                self._workers[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        for name, service in self.services.items():
            if service.handlers.types():
                self.until(lambda name=name: self._listens(name), f"{name} listens")  # type: ignore[misc]

    def end(self, *names: str) -> None:
        """Stop workers in good order."""
        ended = [self._workers.pop(name) for name in names]
        for worker in ended:
            worker.terminate()
        for worker in ended:
            worker.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Stop everything."""
        self.end(*self._workers)
        for connection in [*self._looking.values(), *self.databases.values()]:
            connection.close()

    def scalar(self, name: str, query: str) -> int:
        """The one number that a query on a service's database answers."""
        if name not in self._looking:
            self._looking[name] = psycopg.connect(self.dsns[name], autocommit=True)
        row = self._looking[name].execute(query).fetchone()  # type: ignore[arg-type]  # a literal of a benchmark
        return int(row[0]) if row else 0

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Return when it is so; a worker that has ended, or five minutes, end the benchmark."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            dead = [name for name, worker in self._workers.items() if worker.poll() is not None]
            if dead or time.monotonic() > end:
                logs = "\n".join((self._folder / f"{name}.log").read_text()[-2000:] for name in dead or self._workers)
                raise RuntimeError(f"waited in vain until {what}; {dead or 'nobody'} ended\n{logs}")
            time.sleep(LOOK_SECONDS)

    def until_published(self, name: str) -> None:
        """Return when the service's outbox has been sent."""
        left = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
        self.until(lambda: self.scalar(name, left) == 0, f"{name} has published all")

    def accepted(self, name: str, event_type: str) -> int:
        """How many events of a type the service has applied."""
        return self.scalar(name, f"SELECT count(*) FROM inbox WHERE state = 'done' AND type = '{event_type}'")

    @contextmanager
    def billed(self) -> Iterator[Bill]:
        """What the block costs in every process of the suite and in this one; read it after the block."""
        bill = Bill()
        before, began = self._spent(), time.perf_counter()
        yield bill
        bill.wall = time.perf_counter() - began
        bill.parts = {name: seconds - before[name] for name, seconds in self._spent().items()}

    def _spent(self) -> dict[str, float]:
        assert self._postgres.pid is not None and self.broker.pid is not None
        workers = {name: family_cpu(worker.pid) for name, worker in self._workers.items()}
        servers = {"databases": family_cpu(self._postgres.pid), "broker": family_cpu(self.broker.pid)}
        return {"here": time.process_time(), **workers, **servers}

    def _listens(self, name: str) -> bool:
        with pika.BlockingConnection(pika.URLParameters(self.broker.url)) as connection:
            try:
                answer = connection.channel().queue_declare(queue_name(name), passive=True)
            except pika.exceptions.ChannelClosedByBroker:
                return False
        return bool(answer.method.consumer_count)


@contextmanager
def cluster(*services: Service) -> Iterator[Cluster]:
    """Databases and a broker of their own for the services, removed at the end."""
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # Looking for a queue that is still to come is no news.
    with ExitStack() as stack:
        postgres = stack.enter_context(private_postgres())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="billhook-bench-")))
        broker = stack.enter_context(LocalRabbitMQ(folder / "rabbitmq"))
        own = Cluster(postgres, broker, list(services), folder)
        stack.callback(own.stop)
        yield own
