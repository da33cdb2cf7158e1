"""Idempotency-Key: a command that is sent again has one effect and gets the same answer (G6)."""

import hashlib
from dataclasses import dataclass

from flask import Request, Response
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.db import Database
from billhook_common.errors import BadRequest, BillhookError, Conflict, Invalid
from billhook_common.tables import answer

KEY_CHARACTERS = 255
WAIT_MS = 5_000
"""How long a second request with the same key waits for the first one's answer."""
_STORABLE = frozenset({400, 404, 409, 412, 422, 428})


class IdempotencyKeyMissing(BadRequest):
    """A command that moves money must bring an Idempotency-Key."""

    title = "Send an Idempotency-Key header"


class IdempotencyKeyReused(Invalid):
    """The key was used for another request."""

    title = "This Idempotency-Key was used for another request"


class StillRunning(Conflict):
    """The first request with this key has not answered yet."""

    title = "The same request is still running"
    headers = {"Retry-After": "1"}  # noqa: RUF012


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose key it is, and the hash of the request that it stands for."""

    caller: str
    key: str
    digest: bytes


def key_of(request: Request) -> str | None:
    """The request's key; raises BadRequest when it is not printable ASCII of at most 255 characters."""
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method in {"GET", "HEAD", "OPTIONS"}:
        return None
    if not key or len(key) > KEY_CHARACTERS or not key.isascii() or not key.isprintable():
        raise BadRequest(f"Idempotency-Key: 1 to {KEY_CHARACTERS} printable ASCII characters.")
    return key


def request_hash(request: Request) -> bytes:
    """What makes two requests the same: method, path, query, If-Match and body (files by their content)."""
    seen = request.headers.get("If-Match", "")
    digest = hashlib.sha256(f"{request.method} {request.full_path} {seen}\n".encode())
    if request.mimetype == "multipart/form-data":
        for name, value in sorted(request.form.items(multi=True)):
            digest.update(f"{name}={value}\n".encode())
        for name, upload in sorted(request.files.items(multi=True)):
            digest.update(f"{name}:{upload.filename}\n".encode())
            digest.update(hashlib.file_digest(upload.stream, "sha256").digest())  # type: ignore[arg-type]  # a seekable binary file
            upload.stream.seek(0)
    else:
        digest.update(request.get_data(cache=True))
    return digest.digest()


def begin(session: Session, clock: Clock, claim: Claim) -> Response | None:
    """Claim the key in the command's transaction; the stored answer when it was used before.

    Raises IdempotencyKeyReused (other request) and StillRunning (no answer within five seconds).
    """
    session.execute(text(f"SET LOCAL lock_timeout = {WAIT_MS}"))
    try:
        claimed = session.execute(
            upsert(answer)
            .values(caller=claim.caller, key=claim.key, request_hash=claim.digest, created_at=clock.now())
            .on_conflict_do_nothing()
            .returning(answer.c.key)
        ).first()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":
            raise StillRunning from error
        raise
    if claimed:
        return None
    mine = (answer.c.caller == claim.caller, answer.c.key == claim.key)
    row = session.execute(select(answer).where(*mine)).one_or_none()
    if row is None or row.status is None:
        raise StillRunning
    if row.request_hash != claim.digest:
        raise IdempotencyKeyReused
    content_type = "application/problem+json" if row.status >= 400 else "application/json"
    response = Response(row.body, status=row.status, content_type=content_type)
    response.headers["Idempotent-Replayed"] = "true"
    if row.location:
        response.headers["Location"] = row.location
    return response


def finish(session: Session, claim: Claim, response: Response) -> None:
    """Keep the answer, in the command's transaction."""
    session.execute(
        update(answer)
        .where(answer.c.caller == claim.caller, answer.c.key == claim.key)
        .values(status=response.status_code, body=response.get_data(), location=response.headers.get("Location"))
    )


def keep_refusal(database: Database, clock: Clock, claim: Claim, error: BillhookError, body: bytes) -> None:
    """Keep a refusal that would be the same again; one that asks to be retried is not kept."""
    if error.status not in _STORABLE or "Retry-After" in error.headers or isinstance(error, IdempotencyKeyReused):
        return
    with database.transaction() as session:
        session.execute(
            upsert(answer)
            .values(
                caller=claim.caller,
                key=claim.key,
                request_hash=claim.digest,
                created_at=clock.now(),
                status=error.status,
                body=body,
            )
            .on_conflict_do_nothing()
        )
