"""Tables of payments: bank accounts, files and statements, their entries, payments and refunds; two mirrors.

Amounts are minor units of the currency beside them; those of entries are signed from the account holder's side, all
others are above 0. A day range is half-open.
"""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billhook_common.db import COLUMN_TYPES, CurrencyCode, service_metadata


class Base(DeclarativeBase):
    """This service's tables."""

    metadata = service_metadata()
    type_annotation_map = COLUMN_TYPES | {bytes: LargeBinary(), list[str]: ARRAY(TEXT), dict[str, Any]: JSONB()}


class Customer(Base):
    """Mirror of crm's customers; ``search`` holds the folded words by which people look for them."""

    __tablename__ = "customer"
    __table_args__ = (
        Index("ix_customer_search", "search", postgresql_using="gin", postgresql_ops={"search": "gin_trgm_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    login: Mapped[str]
    name: Mapped[str]
    lifecycle: Mapped[str]
    payment_reference: Mapped[str]
    search: Mapped[str]


class GivenReference(Base):
    """A payment reference that a customer has or had: payers go on using the old one (R70)."""

    __tablename__ = "given_reference"
    __table_args__ = (Index("ix_given_reference_reference", "reference"),)

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(primary_key=True)


class Document(Base):
    """Mirror of invoices with what is open of them.

    The invoice comes from invoicing, the open amount (``item_version`` above 0) from billing, in any order: until the
    invoice is here it has no number.
    """

    __tablename__ = "document"
    __table_args__ = (
        Index("ix_document_open", "customer_id", postgresql_where="open > 0"),
        Index("ix_document_issued_on", "issued_on"),
        Index("ix_document_number_key", "number_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    number: Mapped[str | None]
    number_key: Mapped[str | None]
    currency: Mapped[CurrencyCode]
    gross: Mapped[int]
    issued_on: Mapped[dt.date | None]
    due_on: Mapped[dt.date]
    payment_reference: Mapped[str]
    item_version: Mapped[int]
    open: Mapped[int]


class BankAccount(Base):
    """An account of the operator, known to banks by its IBAN or by a local number."""

    __tablename__ = "bank_account"
    __table_args__ = (CheckConstraint("iban IS NOT NULL OR local_number IS NOT NULL", name="number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    name: Mapped[str]
    holder: Mapped[str]
    iban: Mapped[str | None] = mapped_column(unique=True)
    local_number: Mapped[str | None] = mapped_column(unique=True)
    bic: Mapped[str]
    currency: Mapped[CurrencyCode]
    review_first: Mapped[bool]
    created_at: Mapped[dt.datetime]


class BankFile(Base):
    """An uploaded file, byte for byte; ``sha256`` makes the same file meet itself."""

    __tablename__ = "bank_file"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    size_bytes: Mapped[int]
    format: Mapped[str]
    format_version: Mapped[str]
    uploaded_by: Mapped[str]
    uploaded_at: Mapped[dt.datetime]
    content: Mapped[bytes] = mapped_column(deferred=True)


class Statement(Base):
    """One account over some days, as a bank wrote it; only one of kind ``statement`` is final."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "identity"),
        CheckConstraint("kind IN ('statement', 'report', 'notification')", name="kind"),
        CheckConstraint("proof IN ('proved', 'gap', 'control_totals', 'no_balances')", name="proof"),
        Index("ix_statement_account_id_closing_on", "account_id", "closing_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("bank_account.id"))
    file_id: Mapped[UUID] = mapped_column(ForeignKey("bank_file.id"))
    kind: Mapped[str]
    identity: Mapped[bytes]
    reference: Mapped[str]
    sequence: Mapped[str]
    page: Mapped[int]
    covers_from: Mapped[dt.date]
    covers_until: Mapped[dt.date]
    currency: Mapped[CurrencyCode]
    opening: Mapped[int | None]
    opening_on: Mapped[dt.date | None]
    closing: Mapped[int | None]
    closing_on: Mapped[dt.date | None]
    entries: Mapped[int]
    credits: Mapped[int]
    debits: Mapped[int]
    proof: Mapped[str]
    gap: Mapped[int]
    warnings: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    imported_by: Mapped[str]
    imported_at: Mapped[dt.datetime]
    posted_at: Mapped[dt.datetime | None]


class StatementFile(Base):
    """A file that brought a statement, and how many of its lines were ``known`` before and ``added`` by it."""

    __tablename__ = "statement_file"

    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("bank_file.id"), primary_key=True)
    known: Mapped[int]
    added: Mapped[int]


class Entry(Base):
    """A payment on a bank account: a line of a statement, or one of the payments inside a batch line (``part``).

    ``identity`` says what the bank booked and for the how-manieth time, so that overlapping files meet it again.
    The decision: ``customer_id``, ``score``, ``evidence``, ``candidates`` (minor units), ``rules_version``,
    ``decided_by``. ``in_suspense``: billing was told that nobody is known for it (R30).
    """

    __tablename__ = "entry"
    __table_args__ = (
        UniqueConstraint("account_id", "identity", "part"),
        CheckConstraint(
            "state IN ('pending', 'information', 'auto', 'proposed', 'queued', 'processed', 'manually_paired', "
            "'ignored')",
            name="state",
        ),
        Index(
            "ix_entry_waiting",
            "booked_on",
            "id",
            postgresql_where="state IN ('auto', 'proposed', 'queued')",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("bank_account.id"))
    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id"))
    identity: Mapped[bytes]
    part: Mapped[int]
    position: Mapped[int]
    place: Mapped[str]
    booked_on: Mapped[dt.date]
    value_on: Mapped[dt.date | None]
    amount: Mapped[int]
    currency: Mapped[CurrencyCode]
    payer_name: Mapped[str]
    payer_account: Mapped[str]
    payer_bic: Mapped[str]
    remittance: Mapped[list[str]]
    refs: Mapped[dict[str, Any]]
    type_code: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str]
    customer_id: Mapped[UUID | None]
    score: Mapped[int]
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    rules_version: Mapped[str]
    decided_by: Mapped[str]
    decided_at: Mapped[dt.datetime | None]
    in_suspense: Mapped[bool]


class StatementLine(Base):
    """That an entry stands on a statement: statements overlap, entries are kept once."""

    __tablename__ = "statement_line"
    __table_args__ = (Index("ix_statement_line_entry_id", "entry_id"),)

    statement_id: Mapped[UUID] = mapped_column(ForeignKey("statement.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("entry.id"), primary_key=True)


class Payer(Base):
    """A bank account that paid for a customer, how often, and whether that was taken back once (R52)."""

    __tablename__ = "payer"

    account: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    times: Mapped[int]
    taken_back: Mapped[bool]


class NumberSeries(Base):
    """The last number given out; taken in the transaction that uses it, so that none is missing."""

    __tablename__ = "number_series"

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


class Payment(Base):
    """Money of a customer. It is never changed; what was wrong is voided, with a reason, and stays."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("method IN ('cash', 'card', 'bank_transfer', 'other')", name="method"),
        CheckConstraint("state IN ('confirmed', 'voided')", name="state"),
        CheckConstraint("(state = 'voided') = (voided_at IS NOT NULL)", name="voided"),
        Index("ix_payment_customer_id_seq", "customer_id", "seq"),
        Index("ix_payment_received_on_seq", "received_on", "seq"),
        Index("ix_payment_amount_seq", "amount", "seq"),
        Index("ix_payment_entry_id", "entry_id"),
        Index("ix_payment_source_key", "source_key"),
        Index("ix_payment_reference", "reference", postgresql_ops={"reference": "text_pattern_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(unique=True)
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    amount: Mapped[int]
    currency: Mapped[CurrencyCode]
    method: Mapped[str]
    received_on: Mapped[dt.date]
    booked_on: Mapped[dt.date]
    reference: Mapped[str]
    note: Mapped[str]
    entry_id: Mapped[UUID | None] = mapped_column(ForeignKey("entry.id"))
    source_key: Mapped[str | None]
    entered_by: Mapped[str]
    entered_at: Mapped[dt.datetime]
    state: Mapped[str]
    voided_at: Mapped[dt.datetime | None]
    voided_by: Mapped[str | None]
    void_reason: Mapped[str | None]


class PaymentDocument(Base):
    """A document that a payment was made for, and how much of it that was when it was named."""

    __tablename__ = "payment_document"
    __table_args__ = (Index("ix_payment_document_document_id", "document_id"),)

    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    place: Mapped[int]
    amount: Mapped[int]


class Refund(Base):
    """Money that went back to a customer."""

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("method IN ('cash', 'card', 'bank_transfer', 'other')", name="method"),
        Index("ix_refund_customer_id_seq", "customer_id", "seq"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(unique=True)
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customer.id"))
    amount: Mapped[int]
    currency: Mapped[CurrencyCode]
    method: Mapped[str]
    sent_on: Mapped[dt.date]
    note: Mapped[str]
    source_key: Mapped[str | None]
    entered_by: Mapped[str]
    entered_at: Mapped[dt.datetime]
