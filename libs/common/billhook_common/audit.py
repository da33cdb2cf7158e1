"""Audit rows: who did what, in the transaction of the command itself; a failing row fails the command."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import insert
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.ids import uuid7
from billhook_common.tables import audit_entry
from billhook_common.trace import current_trace


def audit(
    session: Session,
    clock: Clock,
    action: str,
    subject: UUID | None = None,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note ``action`` (past tense, snake case) on ``subject`` with what changed."""
    trace = current_trace()
    session.execute(
        insert(audit_entry).values(
            id=uuid7(),
            at=clock.now(),
            actor=trace.actor,
            action=action,
            subject=subject,
            before=msgspec.to_builtins(before) if before is not None else None,
            after=msgspec.to_builtins(after) if after is not None else None,
            request_id=trace.correlation_id or None,
            ip=trace.ip,
        )
    )
