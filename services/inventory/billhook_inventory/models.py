"""Tables of inventory: products, items and their movements; a mirror of customers' names."""

import datetime as dt
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billhook_common.db import COLUMN_TYPES, service_metadata


class Base(DeclarativeBase):
    """This service's tables."""

    metadata = service_metadata()
    type_annotation_map = COLUMN_TYPES


class Customer(Base):
    """Mirror of crm's customers: whom an item is shown at."""

    __tablename__ = "customer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    name: Mapped[str]


class Product(Base):
    """A kind of thing (N2); ``name_key`` makes the name unique, letter case apart."""

    __tablename__ = "product"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)


class Item(Base):
    """One thing (N4); ``search`` is serial and barcode in upper case. At a customer exactly while it is assigned."""

    __tablename__ = "item"
    __table_args__ = (
        CheckConstraint("status IN ('in_stock', 'assigned', 'internal_usage')", name="status"),
        CheckConstraint("condition IN ('new', 'used', 'broken')", name="condition"),
        CheckConstraint("(status = 'assigned') = (customer_id IS NOT NULL)", name="customer"),
        Index("ix_item_status_id", "status", "id"),
        Index("ix_item_product_id_id", "product_id", "id"),
        Index("ix_item_location_id", "location", "id"),
        Index("ix_item_customer_id_id", "customer_id", "id", postgresql_where=text("customer_id IS NOT NULL")),
        Index("ix_item_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    product_id: Mapped[UUID] = mapped_column(ForeignKey("product.id"))
    serial: Mapped[str]
    serial_key: Mapped[str] = mapped_column(unique=True)
    barcode: Mapped[str]
    search: Mapped[str]
    status: Mapped[str]
    condition: Mapped[str]
    location: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer.id"))
    note: Mapped[str]


class Movement(Base):
    """What happened to an item, append-only: who did it when, and how the item stood afterwards."""

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint("action IN ('received', 'assigned', 'used', 'returned', 'changed')", name="action"),
        Index("ix_movement_item_id_id", "item_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id"))
    action: Mapped[str]
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    status: Mapped[str]
    condition: Mapped[str]
    location: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customer.id"))
    note: Mapped[str]
