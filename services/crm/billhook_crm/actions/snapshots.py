"""What other services mirror of crm, told as it is now."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.contracts.crm import CustomerChanged
from billhook_common.events import Outgoing
from billhook_common.events.snapshots import Snapshot
from billhook_crm.actions.change import details_of
from billhook_crm.actions.register import snapshot
from billhook_crm.models import Customer


def customers(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Customers, by id."""
    rows = select(Customer).order_by(Customer.id).limit(most)
    if after is not None:
        rows = rows.where(Customer.id > after)
    return [
        Outgoing(
            fact=snapshot(CustomerChanged, row.id, row.version, details_of(row)),
            subject=row.id,
            customer_id=row.id,
            version=row.version,
        )
        for row in session.scalars(rows)
    ]


SNAPSHOTS = (Snapshot("customers", customers),)
