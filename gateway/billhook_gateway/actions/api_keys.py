"""API keys: issue, touch, revoke (S4)."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import Invalid, NotFound
from billhook_common.ids import uuid7
from billhook_gateway.domain.api_keys import new_key
from billhook_gateway.domain.roles import check_within
from billhook_gateway.models import ApiKey


class KeyExpiresInThePast(Invalid):
    """A key that is over before it begins is a slip."""

    title = "The key would have expired already"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedKey:
    """What a new key is for; without ``expires_at`` it is good until it is revoked."""

    name: str
    permissions: frozenset[str]
    expires_at: dt.datetime | None = None


def issue_key(
    session: Session, clock: Clock, allows: Callable[[str], bool], created_by: str, wanted: WantedKey
) -> tuple[ApiKey, str]:
    """A new key and its text, which is not kept. Raises RightsExceeded, KeyExpiresInThePast."""
    check_within(allows, wanted.permissions)
    if wanted.expires_at is not None and wanted.expires_at <= clock.now():
        raise KeyExpiresInThePast(pointer="/expires_at")
    parts = new_key()
    key = ApiKey(
        id=uuid7(),
        prefix=parts.prefix,
        digest=parts.digest,
        name=wanted.name,
        permissions=sorted(wanted.permissions),
        created_by=created_by,
        created_at=clock.now(),
        expires_at=wanted.expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    session.add(key)
    session.flush()
    audit(session, clock, "api_key_issued", key.id, after={"name": key.name, "permissions": key.permissions})
    return key, parts.text


def touch_key(session: Session, clock: Clock, key_id: UUID) -> None:
    """Note that the key was used just now."""
    session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=clock.now()))


def revoke_key(session: Session, clock: Clock, allows: Callable[[str], bool], key_id: UUID) -> ApiKey:
    """End a key at once; ending it again changes nothing. Raises NotFound, RightsExceeded."""
    key = session.get(ApiKey, key_id, with_for_update=True)
    if key is None:
        raise NotFound("There is no such key.")
    check_within(allows, key.permissions)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        audit(session, clock, "api_key_revoked", key.id, after={"name": key.name})
    return key
