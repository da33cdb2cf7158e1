"""One service under test, reached through its public doors: HTTP, events, jobs."""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from billhook_common.auth import Identity, SigningKey
from billhook_common.clock import FixedClock
from billhook_common.contracts import Fact, publisher_of
from billhook_common.db import Database, Lease
from billhook_common.events.envelope import Envelope, encode
from billhook_common.events.handlers import Context
from billhook_common.events.inbox import Inbox
from billhook_common.events.retention import retention_job
from billhook_common.ids import uuid7
from billhook_common.scope import EVERYTHING, Scope
from billhook_common.service import Service
from billhook_common.tables import inbox as inbox_table
from billhook_common.tables import outbox
from billhook_common.worker import Member, job_step

ZONE = "Europe/Prague"
START = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)
TEST_KEY = SigningKey("test", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
F = TypeVar("F", bound=Fact)


class Client:
    """Calls one service's API with a token, as the gateway does; commands get a fresh Idempotency-Key by default."""

    def __init__(self, harness: "ServiceHarness", identity: Identity | None) -> None:
        self._harness = harness
        self._identity = identity
        self._client = harness.app.test_client()

    def get(self, path: str, **query: Any) -> TestResponse:
        """GET with query parameters."""
        return self._send("GET", path, query_string=query)

    def post(self, path: str, body: Any = None, *, key: str | None = "", **options: Any) -> TestResponse:
        """POST a JSON body; ``key=None`` sends no Idempotency-Key."""
        return self._command("POST", path, body, key, options)

    def put(self, path: str, body: Any = None, *, key: str | None = "", **options: Any) -> TestResponse:
        """PUT a JSON body; ``seen``: the version for If-Match."""
        return self._command("PUT", path, body, key, options)

    def patch(self, path: str, body: Any = None, *, key: str | None = "", **options: Any) -> TestResponse:
        """PATCH with a JSON body; ``seen``: the version for If-Match."""
        return self._command("PATCH", path, body, key, options)

    def delete(self, path: str, *, key: str | None = "") -> TestResponse:
        """DELETE."""
        return self._command("DELETE", path, None, key, {})

    def _command(self, method: str, path: str, body: Any, key: str | None, options: dict[str, Any]) -> TestResponse:
        headers = dict(options.pop("headers", {}))
        seen = options.pop("seen", None)
        if seen is not None:
            headers["If-Match"] = f'"{seen}"'
        if key is not None:
            headers["Idempotency-Key"] = key or str(uuid4())
        if body is not None:
            options["data"] = msgspec.json.encode(body)
            options["content_type"] = "application/json"
        return self._send(method, path, headers=headers, **options)

    def _send(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> TestResponse:
        headers = dict(headers or {})
        if self._identity is not None:
            headers.setdefault("Authorization", f"Bearer {TEST_KEY.sign(self._identity, self._harness.service.name)}")
        return self._client.open(path, method=method, headers=headers, **options)


class ServiceHarness:
    """A service on its own database, with a clock that stands still until told otherwise."""

    def __init__(self, service: Service, dsn: str, clock: FixedClock | None = None, **settings: Any) -> None:
        self.service = service
        self.clock = clock or FixedClock(START, ZONE)
        self.config = service.config(database_url=dsn, gateway_keys=public_key_file(), zone=ZONE, **settings)
        self.database = Database(self.config, service.name)
        self.app = service.api(self.config, self.clock, self.database)
        self.inbox = Inbox(self.database, service.handlers, self.clock, self.config, service.name)
        self._member = Member(service, self.config, self.database, self.inbox)

    def client(
        self, *permissions: str, name: str = "Test", customer_id: UUID | None = None, scope: Scope = EVERYTHING
    ) -> Client:
        """A caller with these rights; with none, all rights."""
        rights = frozenset(permissions or ("*",))
        return Client(self, Identity(f"user:{name.lower()}", name, rights, customer_id, scope))

    def stranger(self) -> Client:
        """A caller without a token."""
        return Client(self, None)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction on the service's database."""
        with self.database.transaction() as session:
            yield session

    def deliver(self, *facts: Fact, **attributes: Any) -> list[UUID]:
        """Bring events in as their publishers would; returns the event ids."""
        raws, ids = [], []
        for fact in facts:
            raw, event_id = wire(fact, self.clock.now(), **attributes)
            raws.append(raw)
            ids.append(event_id)
        self.inbox.accept(raws)
        return ids

    def published(self, kind: type[F]) -> list[F]:
        """The events of one type in the outbox, oldest first."""
        with self.session() as session:
            rows = session.scalars(select(outbox.c.data).where(outbox.c.type == kind.TYPE).order_by(outbox.c.seq))
            return [msgspec.json.decode(row, type=kind) for row in rows]

    def run_jobs(self, *names: str) -> bool:
        """Run each job (or the named ones) until it has nothing more to do; True when something was done."""
        worked = False
        for job in self.service.jobs:
            if names and job.name not in names:
                continue
            lease = Lease(self.database, f"job:{job.name}")
            step = job_step(job, self._member, lease, self.clock)
            try:
                while step():
                    worked = True
            finally:
                lease.release()
        return worked

    def retry(self) -> int:
        """Try again, at once, every event that failed or waits; returns how many are done."""
        return self.inbox.retry_due(at_once=True)

    def unfinished(self) -> list[dict[str, Any]]:
        """Events that are not done: type, state, reason."""
        with self.session() as session:
            rows = session.execute(
                select(inbox_table.c.type, inbox_table.c.state, inbox_table.c.reason, inbox_table.c.fingerprint)
                .where(inbox_table.c.state != "done")
            )  # fmt: skip
            return [dict(row._mapping) for row in rows]

    def close(self) -> None:
        """Give the connections back."""
        self.database.close()


def wire(
    fact: Fact,
    at: dt.datetime,
    *,
    event_id: UUID | None = None,
    source: str | None = None,
    subject: UUID | None = None,
    version: int | None = None,
) -> tuple[bytes, UUID]:
    """``fact`` as it would come over the wire, and its event id."""
    event_id = event_id or uuid7()
    envelope = Envelope(
        specversion="1.0",
        id=event_id,
        source=source or publisher_of(fact.TYPE),
        type=fact.TYPE,
        subject=subject or uuid7(),
        time=at,
        customerid=getattr(fact, "customer_id", None),
        version=version or getattr(fact, "version", None),
        data=msgspec.Raw(encode(fact)),
    )
    return encode(envelope), event_id


def public_key_file() -> str:
    """The public half of TEST_KEY, in the file where services read it."""
    path = Path(tempfile.gettempdir()) / f"billhook-test-keys-{TEST_KEY.key_id}.json"
    document = TEST_KEY.public_document()
    if not path.exists() or path.read_text() != document:
        scratch = path.with_suffix(f".{uuid4().hex}")
        scratch.write_text(document)
        scratch.replace(path)
    return str(path)


def forget_all(ctx: Context) -> None:
    """Delete what retention no longer keeps, of every table."""
    job = retention_job()
    while job.function(ctx):
        pass
