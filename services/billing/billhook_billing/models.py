"""Tables of billing: plans and subscriptions, the ledger and its open items, billing runs; a mirror of customers.

Posted amounts are minor units of the account's currency, signed from the customer's side: a credit is above 0.
"""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, Numeric, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from billhook_common.db import COLUMN_TYPES, CurrencyCode, UnitPrice, service_metadata
from billhook_common.imports import add_import_tables


class Base(DeclarativeBase):
    """This service's tables."""

    metadata = service_metadata()
    type_annotation_map = COLUMN_TYPES


class Account(Base):
    """A customer's account: the mirror of crm's customer, how they are billed (C2), and the balance.

    ``balance`` is maintained with every entry; ``version`` counts the postings and orders what others hear.
    """

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("billing_day BETWEEN 1 AND 31", name="billing_day"),
        CheckConstraint("prepaid_months BETWEEN 0 AND 12", name="prepaid_months"),
        CheckConstraint("mode IN ('invoice', 'no_invoice')", name="mode"),
        Index("uq_account_login", text("lower(login)"), unique=True),
        Index("ix_account_balance_customer_id", "balance", "customer_id"),
    )

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_version: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    login: Mapped[str]
    name: Mapped[str]
    lifecycle: Mapped[str]
    partner: Mapped[str] = mapped_column(server_default=text("'main'"))
    currency: Mapped[CurrencyCode]
    mode: Mapped[str] = mapped_column(server_default=text("'invoice'"))
    billing_day: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    prepaid_months: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    due_days: Mapped[int] = mapped_column(SmallInteger, server_default=text("14"))
    balance: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int] = mapped_column(server_default=text("0"))


class Plan(Base):
    """What is sold (P1); ``price`` is for one period of ``period_months``."""

    __tablename__ = "plan"
    __table_args__ = (
        Index("uq_plan_name", text("lower(name)"), unique=True),
        CheckConstraint("kind IN ('internet', 'voice', 'recurring', 'one_time', 'bundle')", name="kind"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("tax_rate BETWEEN 0 AND 100", name="tax_rate"),
        CheckConstraint("period_months BETWEEN 1 AND 12", name="period_months"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]
    description: Mapped[str] = mapped_column(server_default=text("''"))
    price: Mapped[UnitPrice]
    currency: Mapped[CurrencyCode]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    tax_included: Mapped[bool]
    period_months: Mapped[int] = mapped_column(SmallInteger)
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))


class Subscription(Base):
    """A plan on a customer (P2); the terms are its own from the start, so that a new plan price changes nothing.

    ``stops`` are days on which it was not provided (R20): ``{from, until}`` in order, ``until`` null if it is stopped.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'active', 'stopped', 'disabled', 'archived')", name="state"),
        # A disabled service without an end would be billed for ever in other systems (P4).
        CheckConstraint("state <> 'disabled' OR ends_before IS NOT NULL", name="disabled_has_end"),
        CheckConstraint("ends_before IS NULL OR ends_before > starts_on", name="ends_after_start"),
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_subscription_customer_id_id", "customer_id", "id"),
        Index("ix_subscription_plan_id_starts_on", "plan_id", "starts_on", "id"),
        Index("ix_subscription_starts_on", "starts_on", "id"),
        Index(
            "ix_subscription_ends_before",
            "ends_before",
            postgresql_where=text("ends_before IS NOT NULL AND state NOT IN ('disabled', 'archived')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("account.customer_id"))
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plan.id"))
    state: Mapped[str]
    description: Mapped[str]
    price: Mapped[UnitPrice]
    quantity: Mapped[UnitPrice] = mapped_column(server_default=text("1"))
    currency: Mapped[CurrencyCode]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    tax_included: Mapped[bool]
    period_months: Mapped[int] = mapped_column(SmallInteger)
    starts_on: Mapped[dt.date]
    ends_before: Mapped[dt.date | None]
    charged_until: Mapped[dt.date | None]
    discounts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))
    stops: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))


class RevenueChange(Base):
    """What a subscription adds to its customer's net revenue a month since a day, or takes from it.

    Days to come are known too: an end, a discount that runs out. The sum up to a day is the revenue of that day.
    """

    __tablename__ = "revenue_change"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_revenue_change_since", "since", "customer_id"),
        Index("ix_revenue_change_customer_id", "customer_id"),
    )

    subscription_id: Mapped[UUID] = mapped_column(ForeignKey("subscription.id"), primary_key=True)
    since: Mapped[dt.date] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    currency: Mapped[CurrencyCode]
    amount: Mapped[int]


class LedgerTransaction(Base):
    """One posting (L1, L2): append-only, balanced, and named by what makes it unique, so a repetition meets itself.

    ``amount`` is what it changes on the customer's balance, ``correlation_id`` the request that it comes from.
    """

    __tablename__ = "ledger_transaction"
    __table_args__ = (
        Index("ix_ledger_transaction_customer_id_seq", "customer_id", "seq"),
        Index("ix_ledger_transaction_kind_seq", "kind", "seq"),
        Index("ix_ledger_transaction_posted_on_seq", "posted_on", "seq"),
        Index("ix_ledger_transaction_source_key", "source_key", postgresql_where=text("source_key IS NOT NULL")),
        Index(
            "uq_ledger_transaction_reverses_id",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index("ix_ledger_transaction_run_id_seq", "run_id", "seq", postgresql_where=text("run_id IS NOT NULL")),
        Index(
            "ix_ledger_transaction_correlation_id",
            "correlation_id",
            "seq",
            postgresql_where=text("correlation_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Identity(always=True), unique=True)
    kind: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.customer_id"))
    currency: Mapped[CurrencyCode]
    amount: Mapped[int]
    posted_on: Mapped[dt.date]
    effective_on: Mapped[dt.date]
    description: Mapped[str]
    period_from: Mapped[dt.date | None]
    period_until: Mapped[dt.date | None]
    source: Mapped[str]
    source_key: Mapped[str | None]
    charge_id: Mapped[UUID | None]
    run_id: Mapped[UUID | None]
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("ledger_transaction.id"))
    created_at: Mapped[dt.datetime]
    actor: Mapped[str]
    correlation_id: Mapped[str | None]


class LedgerEntry(Base):
    """One leg of a posting; ``balance_after`` and ``customer_id`` on the customers account only."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        Index("ix_ledger_entry_customer_id_id", "customer_id", "id", postgresql_where=text("customer_id IS NOT NULL")),
        Index("ix_ledger_entry_account_id", "account", "id"),
        Index("ix_ledger_entry_transaction_id", "transaction_id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"))
    account: Mapped[str]
    customer_id: Mapped[UUID | None]
    currency: Mapped[CurrencyCode]
    amount: Mapped[int]
    tax_rate: Mapped[Decimal | None] = mapped_column(Numeric(9, 6))
    balance_after: Mapped[int | None]


class ChargedLine(Base):
    """Why an amount was charged (R18): one line of a charge. A period of a subscription is charged once (R11)."""

    __tablename__ = "charged_line"
    __table_args__ = (UniqueConstraint("subscription_id", "period_from", "charge_version"),)

    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), primary_key=True)
    line: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    subscription_id: Mapped[UUID] = mapped_column(ForeignKey("subscription.id"))
    charge_version: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    text: Mapped[str]
    period_from: Mapped[dt.date]
    period_until: Mapped[dt.date]
    days: Mapped[int] = mapped_column(SmallInteger)
    period_days: Mapped[int] = mapped_column(SmallInteger)
    rule: Mapped[str]
    quantity: Mapped[UnitPrice]
    unit_price: Mapped[UnitPrice]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(9, 6))
    tax_included: Mapped[bool]
    discount: Mapped[int]
    net: Mapped[int]
    tax: Mapped[int]


class OpenItem(Base):
    """A debit of a customer and what is still open of it (R12); ``total`` is 0 once reversed.

    ``document_id`` is there once the document is issued; ``wants_document`` says at once that there will be one.
    """

    __tablename__ = "open_item"
    __table_args__ = (
        CheckConstraint("open BETWEEN 0 AND total", name="open"),
        Index("ix_open_item_customer_id_due_on", "customer_id", "due_on", "transaction_id"),
        Index("ix_open_item_due_on", "due_on", "transaction_id"),
        Index("ix_open_item_unpaid", "due_on", "transaction_id", postgresql_where=text("open > 0")),
        Index("uq_open_item_document_id", "document_id", unique=True, postgresql_where=text("document_id IS NOT NULL")),
    )

    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("account.customer_id"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    currency: Mapped[CurrencyCode]
    total: Mapped[int]
    open: Mapped[int]
    due_on: Mapped[dt.date]
    charge_id: Mapped[UUID | None] = mapped_column(unique=True)
    wants_document: Mapped[bool] = mapped_column(server_default=text("false"))
    document_id: Mapped[UUID | None]
    document_number: Mapped[str | None]


class Credit(Base):
    """Money or a credit note that pays items, and what is not allocated of it; ``total`` is 0 once reversed (R12)."""

    __tablename__ = "credit"
    __table_args__ = (
        CheckConstraint("unallocated BETWEEN 0 AND total", name="unallocated"),
        Index("ix_credit_customer_id_given_on", "customer_id", "given_on", "transaction_id"),
        Index("ix_credit_unallocated", "customer_id", postgresql_where=text("unallocated > 0")),
    )

    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("ledger_transaction.id"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("account.customer_id"))
    currency: Mapped[CurrencyCode]
    total: Mapped[int]
    unallocated: Mapped[int]
    given_on: Mapped[dt.date]
    is_credit_note: Mapped[bool]
    document_id: Mapped[UUID | None]
    document_number: Mapped[str | None]


class NamedAllocation(Base):
    """A credit that says which document it is for; it waits while the document is not known here (O3)."""

    __tablename__ = "named_allocation"
    __table_args__ = (
        CheckConstraint("amount IS NULL OR amount > 0", name="amount"),
        Index("ix_named_allocation_document_id", "document_id"),
    )

    credit_id: Mapped[UUID] = mapped_column(ForeignKey("credit.transaction_id"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int | None]


class Allocation(Base):
    """A change of what a credit pays of an item: append-only; the sum of a pair is what is allocated now."""

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        Index("ix_allocation_customer_id", "customer_id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("account.customer_id"))
    credit_id: Mapped[UUID] = mapped_column(ForeignKey("credit.transaction_id"))
    item_id: Mapped[UUID] = mapped_column(ForeignKey("open_item.transaction_id"))
    amount: Mapped[int]
    created_at: Mapped[dt.datetime]


class ChargeRun(Base):
    """A billing run (C8): previewed, confirmed, then charged chunk by chunk; ``cursor`` is the last customer done.

    ``charges``, ``lines``, ``net`` and ``tax`` are what the preview found, ``charged…`` what is charged so far.
    ``correlation_id`` is of the latest request that moved it on, which the charges come from.
    """

    __tablename__ = "charge_run"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'preview_ready', 'confirmed', 'processing', 'processed', 'failed', 'cancelled')",
            name="state",
        ),
        # One unfinished run at a time: two would preview the same periods.
        Index(
            "uq_charge_run_unfinished",
            "currency",
            unique=True,
            postgresql_where=text("state IN ('queued', 'preview_ready', 'confirmed', 'processing')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_date: Mapped[dt.date]
    state: Mapped[str]
    created_at: Mapped[dt.datetime]
    created_by: Mapped[str]
    confirmed_at: Mapped[dt.datetime | None]
    confirmed_by: Mapped[str | None]
    correlation_id: Mapped[str | None]
    finished_at: Mapped[dt.datetime | None]
    cursor: Mapped[UUID | None]
    currency: Mapped[CurrencyCode]
    catch_up_limit: Mapped[int] = mapped_column(SmallInteger, server_default=text("2"))
    customers: Mapped[int] = mapped_column(server_default=text("0"))
    charges: Mapped[int] = mapped_column(server_default=text("0"))
    lines: Mapped[int] = mapped_column(server_default=text("0"))
    net: Mapped[int] = mapped_column(server_default=text("0"))
    tax: Mapped[int] = mapped_column(server_default=text("0"))
    charged: Mapped[int] = mapped_column(server_default=text("0"))
    charged_net: Mapped[int] = mapped_column(server_default=text("0"))
    charged_tax: Mapped[int] = mapped_column(server_default=text("0"))


class ChargeRunPreview(Base):
    """What a run would charge a customer, as computed by the same code that charges (R11).

    One that catches up more periods than the run's limit is ``late``, charged only when a person ``approved`` it (R21).
    """

    __tablename__ = "charge_run_preview"
    __table_args__ = (
        Index("ix_charge_run_preview_late", "run_id", postgresql_where=text("late")),
        Index("ix_charge_run_preview_gross", "run_id", text("(net + tax) DESC"), "customer_id"),
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("charge_run.id"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("account.customer_id"), primary_key=True)
    lines: Mapped[int] = mapped_column(SmallInteger)
    net: Mapped[int]
    tax: Mapped[int]
    period_from: Mapped[dt.date]
    period_until: Mapped[dt.date]
    late: Mapped[bool]
    approved: Mapped[bool] = mapped_column(server_default=text("false"))


class ChargeRunProblem(Base):
    """A customer whom a run did not charge, with the reason: never dropped silently (R11)."""

    __tablename__ = "charge_run_problem"
    __table_args__ = (CheckConstraint("outcome IN ('skipped', 'failed')", name="outcome"),)

    run_id: Mapped[UUID] = mapped_column(ForeignKey("charge_run.id"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("account.customer_id"), primary_key=True)
    outcome: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str]


add_import_tables(Base.metadata)
