"""Keep the mirror of customers."""

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.contracts.crm import CustomerSnapshot
from billhook_inventory.models import Customer


def mirror_customer(session: Session, customer: CustomerSnapshot) -> None:
    """Keep the newest version of the customer, in whatever order they come (G4)."""
    row = {
        "id": customer.customer_id,
        "version": customer.version,
        "number": customer.number,
        "name": customer.name,
    }
    statement = upsert(Customer).values(row)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Customer.id], set_=row, where=Customer.version < statement.excluded.version
        )
    )
