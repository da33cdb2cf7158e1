"""Keep the mirror of customers."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from billhook_common.contracts.crm import CustomerSnapshot
from billhook_common.events import keep_newest, newest
from billhook_inventory.models import Customer


def mirror_customers(session: Session, customers: Iterable[CustomerSnapshot]) -> None:
    """Keep the newest version of each customer, in whatever order they come (G4)."""
    rows = [
        {"id": row.customer_id, "version": row.version, "number": row.number, "name": row.name}
        for row in newest((customer.customer_id, customer) for customer in customers)
    ]
    keep_newest(session, Customer, rows)
