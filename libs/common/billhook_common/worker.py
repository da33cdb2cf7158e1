"""The worker process: relay, consumer, retries and jobs, each in a loop of its own."""

import datetime as dt
import gc
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import psycopg
import structlog
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.config import ServiceConfig
from billhook_common.db import CONNECTION, TRANSIENT, Bell, Database, Lease, is_transient
from billhook_common.events.broker import BrokerDelivery, PublishFailed
from billhook_common.events.consumer import TRANSIENT_SECONDS, EventConsumer
from billhook_common.events.handlers import Context
from billhook_common.events.inbox import Inbox
from billhook_common.events.reconcile import positions_job
from billhook_common.events.relay import Delivery, DirectDelivery, Relay
from billhook_common.events.retention import retention_job
from billhook_common.figures import Source
from billhook_common.ids import uuid7
from billhook_common.job_history import JobHistory, note_failure
from billhook_common.jobs import Job, latest_day
from billhook_common.logs import get_logger
from billhook_common.metrics import JOB_RUNS, JOB_SECONDS
from billhook_common.trace import Trace, tracing

if TYPE_CHECKING:
    from billhook_common.service import Service

log = get_logger()

POLL_SECONDS = 0.5
"""The relay looks at least this often; the bell only makes it sooner."""
RETRY_SECONDS = 1.0
STUCK_SECONDS = 90.0
"""A step that takes this long is hung; only leaving the process ends it, the supervisor restarts."""
BACKOFF_SECONDS = (0.2, 5.0)
STOP_SECONDS = 10.0
SEEN_SECONDS = 60.0
"""How often an idle job says that it is alive."""


class Waiter(Protocol):
    """How a loop waits between two steps; returns early when there may be work."""

    def wait(self, seconds: float) -> None:
        """Wait at most ``seconds``."""
        ...

    def close(self) -> None:
        """Give its connection back."""
        ...


@dataclass
class Loop:
    """Calls ``step`` again at once while it returns True, else after a wait; errors are logged and waited out."""

    name: str
    step: Callable[[], bool]
    idle_seconds: float
    stop: threading.Event
    waiter: Waiter | None = None
    on_stop: Callable[[], None] | None = None
    longest_seconds: float = STUCK_SECONDS
    busy_since: float | None = field(default=None, init=False)

    def is_stuck(self) -> bool:
        """Whether the step in hand takes longer than any honest one; a loop that waits is well."""
        began = self.busy_since
        return began is not None and time.monotonic() - began > self.longest_seconds

    def run(self) -> None:
        """Until ``stop`` is set."""
        structlog.contextvars.bind_contextvars(service=self.name.partition("-")[0])
        pause = BACKOFF_SECONDS[0]
        while not self.stop.is_set():
            self.busy_since = time.monotonic()
            try:
                again = self.step()
                self.busy_since = None
                pause = BACKOFF_SECONDS[0]
            except Exception as error:
                self.busy_since = None
                expected = isinstance(error, (*TRANSIENT, PublishFailed, OSError, psycopg.Error))
                log.warning("loop_error", loop=self.name, error=repr(error)[:300], exc_info=None if expected else error)
                self.stop.wait(pause)
                pause = min(pause * 2, BACKOFF_SECONDS[1])
                continue
            if not again:
                (self.waiter or self.stop).wait(self.idle_seconds)
        if self.on_stop is not None:
            self.on_stop()
        if self.waiter is not None:
            self.waiter.close()


class BellWaiter:
    """Waits for the bell of a service's database, at most the time given."""

    def __init__(self, dsn: str, stop: threading.Event) -> None:
        self._dsn = dsn
        self._stop = stop
        self._connection: psycopg.Connection | None = None

    def wait(self, seconds: float) -> None:
        """Return at a ring, or after ``seconds``."""
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._dsn, autocommit=True, **CONNECTION)
                self._connection.execute(f"LISTEN {Bell.CHANNEL}")
                return
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                return
        except psycopg.Error:
            self.close()
            self._stop.wait(seconds)

    def close(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def collect_seldom() -> None:
    """Have the garbage collector leave alone what start-up made, and look every 20,000 new objects instead of 700.

    A chunk of a run or an import makes hundreds of thousands, none of them in cycles: a fifth of its CPU went here.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


class Worker:
    """A set of loops, watched."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.loops: list[Loop] = []
        self.consumers: list[EventConsumer] = []
        self.inboxes: list[Inbox] = []
        self.sources: list[Source] = []
        self._threads: list[threading.Thread] = []

    def listen(self) -> None:
        """Be on every queue and subscribed to every type, before somebody else may publish for it."""
        for consumer in self.consumers:
            consumer.connect()
        for inbox in self.inboxes:
            inbox.subscribe()

    def start(self) -> None:
        """Start every loop in a thread of its own."""
        for loop in self.loops:
            thread = threading.Thread(target=loop.run, name=loop.name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def watch(self) -> None:
        """Until stopped; leaves the process when a loop hangs."""
        while not self.stop.wait(1.0):
            stuck = [loop.name for loop in self.loops if loop.is_stuck()]
            if stuck:
                log.error("loop_stuck", loops=stuck)
                os._exit(1)

    def shutdown(self) -> None:
        """Let every loop finish the step in hand."""
        self.stop.set()
        end = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Member:
    """A service with its configuration and database, as part of a worker."""

    service: "Service"
    config: ServiceConfig
    database: Database
    inbox: Inbox


def build_worker(services: Sequence[tuple["Service", ServiceConfig]], clock: Clock) -> Worker:
    """A worker for the given services: over RabbitMQ when they have a broker URL, else directly among themselves."""
    members = [
        Member(
            service,
            config,
            database := Database(config, service.name),
            Inbox(database, service.handlers, clock, config, service.name),
        )
        for service, config in services
    ]
    worker = Worker()
    for member in members:
        _add_member(worker, member, members, clock)
    return worker


def jobs_of(service: "Service", config: ServiceConfig) -> tuple[Job, ...]:
    """The jobs that every service has, and its own."""
    return (retention_job(), positions_job(service.name, config.positions_seconds), *service.jobs)


def _add_member(worker: Worker, member: Member, members: list[Member], clock: Clock) -> None:
    name, config = member.service.name, member.config
    delivery: Delivery
    if config.broker_url:
        delivery = BrokerDelivery(config.broker_url, f"billhook-{name}")
        consumer = EventConsumer(config.broker_url, name, list(member.inbox.types), member.inbox)
        loop = Loop(f"{name}-consumer", consumer.step, 0, worker.stop, on_stop=consumer.close)
        # It repeats a batch in place while the database is away: dying would count against the messages.
        loop.longest_seconds += TRANSIENT_SECONDS
        worker.consumers.append(consumer)
        worker.loops.append(loop)
    else:
        delivery = DirectDelivery([other.inbox for other in members if other.service.name != name])
        worker.inboxes.append(member.inbox)
    relay = Relay(member.database, name, clock, delivery)
    waiter = BellWaiter(config.database_url, worker.stop)
    worker.loops.append(Loop(f"{name}-relay", relay.step, POLL_SECONDS, worker.stop, waiter, relay.stop))
    worker.loops.append(Loop(f"{name}-retry", lambda: member.inbox.retry_due() > 0, RETRY_SECONDS, worker.stop))
    jobs = jobs_of(member.service, config)
    worker.sources.append(Source(name, config.database_url, [item.name for item in jobs], config.broker_url))
    for item in jobs:
        lease = Lease(member.database, f"job:{item.name}")
        step = job_step(item, member, lease, clock)
        loop = Loop(f"{name}-{item.name}", step, item.every_seconds, worker.stop, on_stop=lease.release)
        loop.longest_seconds = item.longest_seconds
        worker.loops.append(loop)


class JobSteps:
    """The steps of one job in this process: each is a transaction with its lines in the history."""

    def __init__(self, item: Job, member: Member, lease: Lease, clock: Clock) -> None:
        self._job = item
        self._member = member
        self._lease = lease
        self._clock = clock
        self._history = JobHistory(item)
        self._seen: float | None = None

    def step(self) -> bool:
        """Work once, if it is our turn; True when there may be more to do at once."""
        if not self._lease.acquire():
            return False
        began, since = self._clock.now(), time.monotonic()
        service = self._member.service.name
        with tracing(Trace(correlation_id=str(uuid7()), actor=f"job:{self._job.name}")):
            try:
                again, worked = self._work(began)
            except Exception as error:
                self._seen = None  # that it goes well again is said at once
                JOB_RUNS.labels(service, self._job.name, "failed").inc()
                JOB_SECONDS.labels(service, self._job.name).inc(time.monotonic() - since)
                # Where the database is away there is nothing to write to, and the failure is not the job's.
                if not is_transient(error):
                    note_failure(self._member.database, self._history, self._clock, began, error)
                raise
        JOB_RUNS.labels(service, self._job.name, "worked" if worked else "idle").inc()
        if worked:
            JOB_SECONDS.labels(service, self._job.name).inc(time.monotonic() - since)
        return again

    def _work(self, began: dt.datetime) -> tuple[bool, bool]:
        """Whether to go on at once, and whether anything was done."""
        with self._member.database.transaction() as session:
            if not self._lease.fence(session):
                self._lease.release()
                return False, False
            day = self._day(session)
            if self._job.daily_at is not None and day is None:
                self._look(session)
                return False, False
            again = self._job.function(Context(session, self._clock, self._member.config))
            if again or self._job.is_rare:
                self._history.note(session, self._clock, began, "worked", None)
                if day is not None and not again:
                    self._history.see(session, self._clock, day=day)
                self._seen = time.monotonic()
                return again, True
            self._look(session)
        return False, False

    def _day(self, session: Session) -> dt.date | None:
        """The day whose daily run is due; a job that was never seen begins with the next one."""
        if self._job.daily_at is None:
            return None
        latest = latest_day(self._clock.now(), self._job.daily_at, self._member.config.zone)
        done = self._history.done_day(session)
        if done is None:
            self._history.see(session, self._clock, day=latest)
            return None
        return latest if latest > done else None

    def _look(self, session: Session) -> None:
        """There was nothing to do; said once a minute, since many jobs look twice a second."""
        self._history.pause()
        if self._seen is None or time.monotonic() - self._seen > SEEN_SECONDS:
            self._history.see(session, self._clock)
            self._seen = time.monotonic()


def job_step(item: Job, member: Member, lease: Lease, clock: Clock) -> Callable[[], bool]:
    """One step of a job: one transaction, fenced by its lease."""
    return JobSteps(item, member, lease, clock).step
