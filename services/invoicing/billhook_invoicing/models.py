"""Tables of invoicing: issued documents and their numbers; mirrors of customers, the company and open items.

Amounts are minor units of the document's currency. A document never changes once it is issued; what changes about it,
what is still open, is the row of ``open_item`` beside it.
"""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Numeric, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billhook_common.db import COLUMN_TYPES, CurrencyCode, UnitPrice, service_metadata


class Base(DeclarativeBase):
    """This service's tables."""

    metadata = service_metadata()
    type_annotation_map = COLUMN_TYPES


class Customer(Base):
    """Mirror of crm's customers. ``bill_to`` is what a document says about them; ``search`` is the name, folded."""

    __tablename__ = "customer"
    __table_args__ = (
        Index("ix_customer_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    name: Mapped[str]
    search: Mapped[str]
    payment_reference: Mapped[str]
    language: Mapped[str]
    bill_to: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Company(Base):
    """The operator as documents name it: a row for each version that arrived, since documents refer to them."""

    __tablename__ = "company"

    version: Mapped[int] = mapped_column(primary_key=True)
    seller: Mapped[dict[str, Any]] = mapped_column(JSONB)
    vat_payer: Mapped[bool]
    iban: Mapped[str]
    bic: Mapped[str]


class Series(Base):
    """How documents of a kind are numbered (I3); its row is held while numbers are given out."""

    __tablename__ = "series"
    __table_args__ = (CheckConstraint("reset IN ('never', 'year', 'month')", name="reset"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    kind: Mapped[str] = mapped_column(unique=True)
    pattern: Mapped[str]
    reset: Mapped[str]
    last_issued_on: Mapped[dt.date | None]


class Counter(Base):
    """The counter of a series for one year or month (R10): ``start`` was the first value, ``next`` comes next."""

    __tablename__ = "counter"
    __table_args__ = (CheckConstraint("start >= 1 AND next >= start", name="values"),)

    series_id: Mapped[UUID] = mapped_column(ForeignKey("series.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    start: Mapped[int]
    next: Mapped[int]


class Document(Base):
    """An issued invoice, append-only (R9): all that is printed is here or on its lines, as it was then (I19).

    ``counter`` is its place among the numbers of ``counter_key``; ``seq`` is the order of issue. ``paid`` is what
    was settled when it was issued. ``company_version`` is empty where the company's data had not arrived.
    """

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("net + tax = gross AND gross >= 0", name="gross"),
        CheckConstraint("paid BETWEEN 0 AND gross", name="paid"),
        Index("uq_document_number", "number", "series_id", unique=True),
        # The counter comes first, so that people find a number by its last digits.
        Index("uq_document_counter", "counter", "counter_key", "series_id", unique=True),
        Index("ix_document_issued_on_seq", "issued_on", "seq"),
        Index("ix_document_due_on_seq", "due_on", "seq"),
        Index("ix_document_gross_seq", "gross", "seq"),
        Index("ix_document_customer_id", "customer_id"),
        Index("ix_document_run_id_issued_on_seq", "run_id", "issued_on", "seq"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Identity(always=True))
    series_id: Mapped[UUID]
    counter_key: Mapped[str]
    counter: Mapped[int]
    number: Mapped[str]
    customer_id: Mapped[UUID]
    charge_id: Mapped[UUID]
    transaction_id: Mapped[UUID]
    run_id: Mapped[UUID | None]
    bill_date: Mapped[dt.date]
    issued_on: Mapped[dt.date]
    tax_point_on: Mapped[dt.date]
    due_on: Mapped[dt.date]
    period_from: Mapped[dt.date]
    period_until: Mapped[dt.date]
    currency: Mapped[CurrencyCode]
    tax_included: Mapped[bool]
    tax_rounding: Mapped[str]
    net: Mapped[int]
    tax: Mapped[int]
    gross: Mapped[int]
    paid: Mapped[int]
    payment_reference: Mapped[str]
    language: Mapped[str]
    buyer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    company_version: Mapped[int | None]
    created_at: Mapped[dt.datetime]


class DocumentLine(Base):
    """One line and why it costs what it costs (R18), append-only; the lines of a document sum to it."""

    __tablename__ = "document_line"

    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    subscription_id: Mapped[UUID]
    text: Mapped[str]
    period_from: Mapped[dt.date]
    period_until: Mapped[dt.date]
    days: Mapped[int]
    period_days: Mapped[int]
    rule: Mapped[str]
    quantity: Mapped[UnitPrice]
    unit_price: Mapped[UnitPrice]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    tax_included: Mapped[bool]
    discount: Mapped[int]
    net: Mapped[int]
    tax: Mapped[int]


class IssuedDay(Base):
    """What was issued on a day, counted and summed as it is issued: dashboards and totals add days, not documents."""

    __tablename__ = "issued_day"

    issued_on: Mapped[dt.date] = mapped_column(primary_key=True)
    currency: Mapped[CurrencyCode] = mapped_column(primary_key=True)
    count: Mapped[int]
    net: Mapped[int]
    gross: Mapped[int]


class DocumentPdf(Base):
    """The printed document, append-only: made when somebody first wants it, the same bytes ever after."""

    __tablename__ = "document_pdf"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("document.id"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[dt.datetime]


class OpenItem(Base):
    """Mirror of billing's open items. Those of documents carry their order of issue and their days.

    An item may come before its document, and one without document stays without.
    """

    __tablename__ = "open_item"
    __table_args__ = (
        Index("uq_open_item_document_id", "document_id", unique=True),
        Index("ix_open_item_unpaid", "issued_on", "seq", postgresql_where=text("open > 0 AND document_id IS NOT NULL")),
        Index("ix_open_item_open_seq", "open", "seq"),
    )

    transaction_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    currency: Mapped[CurrencyCode]
    total: Mapped[int]
    open: Mapped[int]
    changed_at: Mapped[dt.datetime]
    document_id: Mapped[UUID | None]
    seq: Mapped[int | None]
    issued_on: Mapped[dt.date | None]
    due_on: Mapped[dt.date | None]
