"""What was decided, change by change: the latest one counts, the others are the history."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.config import ServiceConfig
from billhook_common.db import AnySelect
from billhook_common.errors import Invalid
from billhook_common.etags import check_version
from billhook_common.settings.declared import Setting
from billhook_common.tables import setting_change

T = TypeVar("T")

EVERYONE = UUID(int=0)
"""Stands where a partner's id would: the decision is for all who have none of their own."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The latest decision on a setting; ``reset``: back to the default. Version 0: nobody ever decided."""

    version: int = 0
    value: Any = None
    reset: bool = True
    at: dt.datetime | None = None
    by: str = ""


def read_setting(session: Session, config: ServiceConfig, setting: Setting[T], *, partner_id: UUID | None = None) -> T:
    """What counts now: the partner's own value, else everyone's, else the default.

    Read in the caller's transaction, by one look into an index, so that what it writes and what it read agree.
    """
    scopes = [EVERYONE, partner_id] if partner_id and setting.by_partner else [EVERYONE]
    found = latest(session, [setting.name], scopes)
    for scope in reversed(scopes):
        decided = found.get((setting.name, scope))
        if decided is not None and not decided.reset:
            return setting.kept(decided.value, config)
    return setting.default_in(config)


def latest(
    session: Session, names: Iterable[str], scopes: Iterable[UUID] | None = None
) -> dict[tuple[str, UUID], Decided]:
    """The latest decision by setting and scope; all scopes unless some are named."""
    change = setting_change.c
    statement = (
        select(setting_change)
        .where(change.name.in_(list(names)))
        .ext(distinct_on(change.name, change.partner_id))
        .order_by(change.name, change.partner_id, change.version.desc())
    )
    if scopes is not None:
        statement = statement.where(change.partner_id.in_(list(scopes)))
    rows = session.execute(statement)
    return {
        (row.name, row.partner_id): Decided(row.version, row.value, row.reset, row.at, row.changed_by) for row in rows
    }


def latest_value(name: LiteralString) -> LiteralString:
    """SQL of everyone's value of a setting as JSON, null for the default: for statements that are read anyway."""
    return (
        "(SELECT CASE WHEN NOT reset THEN value END FROM setting_change WHERE name = '"  # noqa: S608  (no outside text)
        + name
        + "' AND partner_id = '00000000-0000-0000-0000-000000000000' ORDER BY version DESC LIMIT 1)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A decision: a new value, or back to the default; ``version`` is the one that was seen."""

    partner_id: UUID = EVERYONE
    version: int | None
    value: Any = None
    reset: bool = False
    by: str


def change_setting(session: Session, clock: Clock, config: ServiceConfig, setting: Setting[Any], change: Change) -> int:
    """Write the decision down; returns its version. Raises Invalid, VersionGone."""
    value = None if change.reset else _checked(setting, config, change.value)
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('setting'), hashtext(:name))"), {"name": setting.name})
    before = latest(session, [setting.name], [change.partner_id]).get((setting.name, change.partner_id), Decided())
    check_version(session, None, seen=change.version, present=before.version, changed=(before.at, before.by))
    session.execute(
        insert(setting_change).values(
            name=setting.name,
            partner_id=change.partner_id,
            version=before.version + 1,
            value=value,
            reset=change.reset,
            at=clock.now(),
            changed_by=change.by,
        )
    )
    partner = {} if change.partner_id == EVERYONE else {"partner_id": change.partner_id}
    default = setting.write(setting.default_in(config))
    old, new = (default if reset else stored for reset, stored in ((before.reset, before.value), (change.reset, value)))
    audit(session, clock, "setting_changed", before={setting.name: old}, after={setting.name: new, **partner})
    return before.version + 1


def history_of(name: str, scope: UUID) -> AnySelect:
    """The changes of a setting."""
    return select(setting_change).where(setting_change.c.name == name, setting_change.c.partner_id == scope)


def _checked(setting: Setting[T], config: ServiceConfig, value: object) -> Any:
    """The value as it is stored."""
    try:
        read = setting.read(value)
        if setting.allowed is not None:
            setting.allowed(read, config)
    except ValueError as error:
        raise Invalid(str(error), pointer="/value") from error
    return setting.write(read)
