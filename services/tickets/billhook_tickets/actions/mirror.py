"""Keep the mirror of customers."""

from collections.abc import Iterable

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.contracts.crm import CustomerSnapshot
from billhook_common.events import newest
from billhook_tickets.models import Customer


def mirror_customers(session: Session, customers: Iterable[CustomerSnapshot]) -> None:
    """Keep the newest version of each customer, in whatever order they come (G4)."""
    rows = newest((customer.customer_id, customer) for customer in customers)
    statement = upsert(Customer).values(
        [
            {
                "id": row.customer_id,
                "version": row.version,
                "number": row.number,
                "name": row.name,
                "email": row.email,
            }
            for row in rows
        ]
    )
    new = statement.excluded
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Customer.id],
            set_={"version": new.version, "number": new.number, "name": new.name, "email": new.email},
            where=Customer.version < new.version,
        )
    )
