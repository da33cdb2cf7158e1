"""What other services mirror of crm, told as it is now."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.contracts.crm import CustomerChanged
from billhook_common.events import Outgoing
from billhook_common.events.snapshots import Snapshot
from billhook_crm.actions.belong import told
from billhook_crm.actions.change import details_of
from billhook_crm.actions.register import snapshot
from billhook_crm.models import Customer, Group, Location, Partner


def customers(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Customers, by id."""
    rows = select(Customer).order_by(Customer.id).limit(most)
    if after is not None:
        rows = rows.where(Customer.id > after)
    return [
        Outgoing(
            fact=snapshot(CustomerChanged, row.id, row.version, details_of(session, row)),
            subject=row.id,
            customer_id=row.id,
            version=row.version,
        )
        for row in session.scalars(rows)
    ]


def partners(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Partners, by id."""
    return _groups(session, Partner, after, most)


def locations(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Locations, by id."""
    return _groups(session, Location, after, most)


def _groups(session: Session, kind: type[Group], after: UUID | None, most: int) -> list[Outgoing]:
    rows = select(kind).order_by(kind.id).limit(most)
    return [told(row) for row in session.scalars(rows if after is None else rows.where(kind.id > after))]


SNAPSHOTS = (Snapshot("partners", partners), Snapshot("locations", locations), Snapshot("customers", customers))
