"""Products are named."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import Conflict
from billhook_common.ids import uuid7
from billhook_inventory.models import Product


class ProductExists(Conflict):
    """There is a product of this name, letter case apart."""

    title = "The product exists already"


def add_product(session: Session, clock: Clock, *, name: str) -> UUID:
    """A new product; returns the id. Raises ProductExists."""
    made: UUID | None = session.scalar(
        upsert(Product)
        .values(id=uuid7(), version=1, name=name, name_key=name.casefold())
        .on_conflict_do_nothing(index_elements=[Product.name_key])
        .returning(Product.id)
    )
    if made is None:
        raise ProductExists(f"“{name}” is there already.", pointer="/name")
    audit(session, clock, "product_added", made, after={"name": name})
    return made


def product_named(session: Session, clock: Clock, *, name: str) -> UUID:
    """The product of this name, letter case apart; made if there is none."""
    known: UUID | None = session.scalar(select(Product.id).where(Product.name_key == name.casefold()))
    return known or add_product(session, clock, name=name)
