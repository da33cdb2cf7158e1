"""Partners and locations: made, renamed, archived, and found for customers by id or by name."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.crm import LocationChanged, PartnerChanged
from billhook_common.errors import Conflict, Invalid, NotFound
from billhook_common.etags import check_version
from billhook_common.events import Outgoing, publish_many
from billhook_common.ids import derive_id, uuid7
from billhook_common.scope import EVERYTHING, Scope
from billhook_crm.domain.details import CustomerDetails
from billhook_crm.domain.keys import fold
from billhook_crm.models import Customer, Group, Location, Partner

G = TypeVar("G", bound=Group)

FIRST_PARTNER = "main"
FIRST_PARTNER_ID = derive_id("crm", "partner", FIRST_PARTNER)
"""Whom customers belong to where nobody says otherwise; the same in every installation."""
_HOLD = text("SELECT pg_advisory_xact_lock(hashtext('crm_groups'))")


class NameTaken(Conflict):
    """Two of one name could not be told apart."""

    title = "There is one of this name already"


class NeededAlways(Conflict):
    """Customers of whom nobody says otherwise belong to the first partner."""

    title = "The first partner stays"


class NoSuchGroup(Invalid):
    """It is not there, archived, or outside of the caller's scope."""

    title = "There is no such partner or location"


@dataclass(frozen=True, slots=True)
class GroupDetails:
    """What is decided about a partner or location."""

    name: str
    archived: bool


def make_group(session: Session, clock: Clock, kind: type[G], name: str) -> G:
    """A new partner or location. Raises NameTaken."""
    _first(session, clock)
    session.execute(_HOLD)
    if session.scalar(select(kind.id).where(kind.name_key == fold(name))):
        raise NameTaken(f"“{name}” is there already.", pointer="/name")
    (made,) = _make(session, clock, kind, [name])
    audit(session, clock, f"{kind.__tablename__}_created", made.id, after={"name": name})
    return made


def change_group(
    session: Session, clock: Clock, kind: type[G], group_id: UUID, seen: int | None, wanted: GroupDetails
) -> G:
    """Rename or archive; an archived one keeps its customers and gets no new ones.

    Customers are told under the new name when they change next; what counts is the id. Raises NotFound, NameTaken,
    NeededAlways, VersionGone.
    """
    found = session.get(kind, group_id, with_for_update=True)
    if found is None:
        raise NotFound(f"There is no such {kind.__tablename__}.")
    check_version(session, group_id, seen=seen, present=found.version)
    if wanted.archived and group_id == FIRST_PARTNER_ID:
        raise NeededAlways("Customers without a partner of their own belong to it.", pointer="/archived")
    before = GroupDetails(found.name, found.archived)
    if before == wanted:
        return found
    found.name, found.name_key, found.archived = wanted.name, fold(wanted.name), wanted.archived
    found.version += 1
    try:
        session.flush()
    except IntegrityError as error:
        raise NameTaken(f"“{wanted.name}” is there already.", pointer="/name") from error
    audit(session, clock, f"{kind.__tablename__}_changed", group_id, before=asdict(before), after=asdict(wanted))
    publish_many(session, clock, [told(found)])
    return found


def told(group: Group) -> Outgoing:
    """The group as the others hear of it."""
    fact: PartnerChanged | LocationChanged
    if isinstance(group, Partner):
        fact = PartnerChanged(partner_id=group.id, version=group.version, name=group.name, archived=group.archived)
    else:
        fact = LocationChanged(location_id=group.id, version=group.version, name=group.name, archived=group.archived)
    return Outgoing(fact=fact, subject=group.id, version=group.version)


def belonging(session: Session, clock: Clock, customers: Sequence[CustomerDetails]) -> list[CustomerDetails]:
    """The customers with ids and names of partner and location; what is named and not known is made."""
    first = _first(session, clock)
    partner_wanted = [(one.partner_id or (None if one.partner else first), one.partner) for one in customers]
    partners = _found(session, clock, Partner, partner_wanted)
    locations = _found(session, clock, Location, [(one.location_id, one.location) for one in customers])
    return [
        dataclasses.replace(
            one,
            partner_id=partner.id if partner else None,
            partner=partner.name if partner else "",
            location_id=location.id if location else None,
            location=location.name if location else "",
        )
        for one, partner, location in zip(customers, partners, locations, strict=True)
    ]


def chosen(session: Session, clock: Clock, details: CustomerDetails, scope: Scope = EVERYTHING) -> CustomerDetails:
    """One customer's details, with partner and location as a person or program chose them: by id, else by name.

    Raises NoSuchGroup for one that is not there, archived, or outside of ``scope``.
    """
    wanted = details.partner_id or (None if details.partner else _first(session, clock))
    partner = _choice(session, Partner, wanted, details.partner)
    location: Location | None = None
    if details.location_id or details.location:
        location = _choice(session, Location, details.location_id, details.location)
    location_id = location.id if location else None
    if not scope.holds(partner.id, location_id):
        outside = "partner_id" if scope.partners and partner.id not in scope.partners else "location_id"
        raise NoSuchGroup("Choose one of yours.", pointer=f"/{outside}")
    return dataclasses.replace(
        details,
        partner_id=partner.id,
        partner=partner.name,
        location_id=location_id,
        location=location.name if location else "",
    )


def chosen_again(
    session: Session, clock: Clock, new: CustomerDetails, changes: Mapping[str, Any], scope: Scope
) -> CustomerDetails:
    """Changed details, with partner and location found by what was sent: the id, else the name. Raises NoSuchGroup."""
    for kind in ("partner", "location"):
        if f"{kind}_id" in changes:
            new = _with(new, kind, changes[f"{kind}_id"], "")
        elif kind in changes:
            new = _with(new, kind, None, changes[kind])
    return belonging(session, clock, [chosen(session, clock, new, scope)])[0]


def _with(details: CustomerDetails, kind: str, group_id: UUID | None, name: str) -> CustomerDetails:
    if kind == "partner":
        return dataclasses.replace(details, partner_id=group_id, partner=name)
    return dataclasses.replace(details, location_id=group_id, location=name)


def with_names(session: Session, details: CustomerDetails) -> CustomerDetails:
    """Stored details with the names that their ids have now."""
    partner = session.get_one(Partner, details.partner_id)
    location = session.get_one(Location, details.location_id) if details.location_id else None
    return dataclasses.replace(details, partner=partner.name, location=location.name if location else "")


def count_customers(session: Session, kind: type[Group], ids: Iterable[UUID], scope: Scope) -> Mapping[UUID, int]:
    """How many customers inside of ``scope`` each has, archived ones left out."""
    column = Customer.partner_id if kind is Partner else Customer.location_id
    rows = session.execute(
        select(column, func.count())
        .where(column.in_(list(ids)), Customer.lifecycle != "archived")
        .where(*scope.conditions(Customer.partner_id, Customer.location_id))
        .group_by(column)
    )
    return {group_id: number for group_id, number in rows if group_id is not None}


def _choice(session: Session, kind: type[G], group_id: UUID | None, name: str) -> G:
    found = session.scalar(select(kind).where(kind.id == group_id if group_id else kind.name_key == fold(name)))
    if found is None or found.archived:
        field = f"{kind.__tablename__}{'_id' if group_id else ''}"
        raise NoSuchGroup(f"There is no {kind.__tablename__} “{group_id or name}”.", pointer=f"/{field}")
    return found


def _found(session: Session, clock: Clock, kind: type[G], wanted: Sequence[tuple[UUID | None, str]]) -> list[G | None]:
    """For each the group with that id, else of that name; None where neither is given."""
    ids = {group_id for group_id, _ in wanted if group_id}
    names = {fold(name): name for group_id, name in wanted if name and not group_id}
    by_id = {one.id: one for one in session.scalars(select(kind).where(kind.id.in_(ids)))} if ids else {}
    by_key = _by_key(session, kind, names)
    if names.keys() - by_key.keys():
        session.execute(_HOLD)
        by_key = _by_key(session, kind, names)
        by_key |= {one.name_key: one for one in _make(session, clock, kind, [
            name for key, name in sorted(names.items()) if key not in by_key
        ])}  # fmt: skip
    return [by_id[group_id] if group_id else by_key[fold(name)] if name else None for group_id, name in wanted]


def _by_key(session: Session, kind: type[G], names: Mapping[str, str]) -> dict[str, G]:
    if not names:
        return {}
    return {one.name_key: one for one in session.scalars(select(kind).where(kind.name_key.in_(list(names))))}


def _first(session: Session, clock: Clock) -> UUID:
    """The first partner, made when it is first needed."""
    if session.get(Partner, FIRST_PARTNER_ID) is None:
        session.execute(_HOLD)
        if session.get(Partner, FIRST_PARTNER_ID) is None:
            _make(session, clock, Partner, [FIRST_PARTNER], FIRST_PARTNER_ID)
    return FIRST_PARTNER_ID


def _make(session: Session, clock: Clock, kind: type[G], names: Iterable[str], group_id: UUID | None = None) -> list[G]:
    made = [
        kind(
            id=group_id or uuid7(),
            version=1,
            name=name,
            name_key=fold(name),
            archived=False,
        )
        for name in names
    ]
    session.add_all(made)
    session.flush()
    publish_many(session, clock, [told(one) for one in made])
    return made
