"""Tables of crm: customers, and mirrors of what billing says about them; beside them the files to import.

Amounts are minor units of the currency beside them, signed from the customer's side: a credit is above 0.
"""

import datetime as dt
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Sequence, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billhook_common.db import COLUMN_TYPES, CurrencyCode, service_metadata
from billhook_common.imports import add_import_tables


class Base(DeclarativeBase):
    """This service's tables."""

    metadata = service_metadata()
    type_annotation_map = COLUMN_TYPES


customer_number = Sequence("customer_number", start=10_000_001, metadata=Base.metadata)


class Group(Base):
    """What customers belong to; ``name_key`` is the name as it is compared."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    archived: Mapped[bool]


class Partner(Group):
    """A brand or reseller that customers belong to (K4)."""

    __tablename__ = "partner"


class Location(Group):
    """Where customers are served (K5)."""

    __tablename__ = "location"


class Customer(Base):
    """A customer (K1). ``login_key``, ``sort_name``, ``search`` and ``status`` are derived from the rest."""

    __tablename__ = "customer"
    __table_args__ = (
        CheckConstraint("category IN ('person', 'company')", name="category"),
        CheckConstraint("lifecycle IN ('new', 'active', 'archived')", name="lifecycle"),
        CheckConstraint("imported_status IN ('', 'blocked', 'inactive')", name="imported_status"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="place"),
        Index("ix_customer_sort_name_id", "sort_name", "id"),
        Index("ix_customer_created_on_id", "created_on", "id"),
        Index("ix_customer_status_sort_name_id", "status", "sort_name", "id"),
        Index("ix_customer_location_id_sort_name_id", "location_id", "sort_name", "id"),
        Index("ix_customer_partner_id_sort_name_id", "partner_id", "sort_name", "id"),
        Index("ix_customer_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    login: Mapped[str]
    login_key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    sort_name: Mapped[str]
    search: Mapped[str]
    category: Mapped[str]
    contact_person: Mapped[str]
    company_number: Mapped[str]
    tax_id: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]
    street: Mapped[str]
    city: Mapped[str]
    zip: Mapped[str]
    country: Mapped[str]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    birth_date: Mapped[dt.date | None]
    contract_number: Mapped[str]
    lifecycle: Mapped[str]
    imported_status: Mapped[str]
    status: Mapped[str]
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("partner.id"))
    location_id: Mapped[UUID | None] = mapped_column(ForeignKey("location.id"))
    payment_reference: Mapped[str]
    language: Mapped[str]
    note: Mapped[str]
    created_on: Mapped[dt.date]


class GivenReference(Base):
    """What payers may write to mean a customer: numbers and payment references, kept for ever (R70)."""

    __tablename__ = "given_reference"
    key: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))


class CustomerSummary(Base):
    """Mirror of a customer's account in billing: the balance of the highest ``account_version``, the last payment.

    Every customer has a row from the start, so that lists sort by balance through an index.
    """

    __tablename__ = "customer_summary"
    __table_args__ = (Index("ix_customer_summary_balance_customer_id", "balance", "customer_id"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_version: Mapped[int]
    balance: Mapped[int]
    currency: Mapped[CurrencyCode]
    last_payment_on: Mapped[dt.date | None]


class Subscription(Base):
    """Mirror of what a customer is sold; ``monthly`` is its net value a month."""

    __tablename__ = "subscription"
    __table_args__ = (Index("ix_subscription_customer_id", "customer_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[UUID]
    plan_name: Mapped[str]
    state: Mapped[str]
    monthly: Mapped[int]
    currency: Mapped[CurrencyCode]
    billing_day: Mapped[int]
    ends_before: Mapped[dt.date | None]


class OpenItem(Base):
    """Mirror of billing's open items; settled ones stay, so that a late event cannot open them again."""

    __tablename__ = "open_item"
    __table_args__ = (
        Index("ix_open_item_customer_id_due_on", "customer_id", "due_on", postgresql_where=text("open > 0")),
    )

    transaction_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[UUID]
    open: Mapped[int]
    currency: Mapped[CurrencyCode]
    due_on: Mapped[dt.date]


add_import_tables(Base.metadata)
