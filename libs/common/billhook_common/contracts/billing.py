"""What billing tells: plans, subscriptions, charges, transactions and open items.

Amounts inside one document are decimals in the document's ``currency``; lone amounts are ``Money``.
"""

import datetime as dt
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

import msgspec

from billhook_common.contracts import Fact
from billhook_common.money import Money

TransactionKind = Literal[
    "charge", "payment", "correction", "credit", "reversal", "refund", "write_off", "transfer", "opening"
]
Side = Literal["debit", "credit"]


class PlanChanged(Fact, frozen=True, kw_only=True):
    """A plan is new or changed; a reader keeps the highest ``version``."""

    TYPE: ClassVar[str] = "billing.plan.changed.v1"
    plan_id: UUID
    version: int
    name: str
    kind: str
    price: Decimal
    currency: str
    tax_rate: Decimal
    tax_included: bool
    period_months: int
    enabled: bool


class SubscriptionSnapshot(Fact, frozen=True, kw_only=True):
    """The state of a plan sold to a customer; ``monthly`` is its net value a month."""

    subscription_id: UUID
    version: int
    customer_id: UUID
    plan_id: UUID
    plan_name: str
    state: Literal["pending", "active", "stopped", "disabled", "archived"]
    price: Decimal
    quantity: Decimal
    currency: str
    monthly: Money
    billing_day: int
    starts_on: dt.date
    ends_before: dt.date | None = None


class SubscriptionActivated(SubscriptionSnapshot, frozen=True, kw_only=True):
    """The service is to be provided."""

    TYPE: ClassVar[str] = "billing.subscription.activated.v1"


class SubscriptionChanged(SubscriptionSnapshot, frozen=True, kw_only=True):
    """Price, quantity or plan is new."""

    TYPE: ClassVar[str] = "billing.subscription.changed.v1"


class SubscriptionEnded(SubscriptionSnapshot, frozen=True, kw_only=True):
    """The service ends; ``ends_before`` is the first day not provided."""

    TYPE: ClassVar[str] = "billing.subscription.ended.v1"


class ChargeLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a charge; ``amount`` is net, or gross where ``tax_included``, with ``discount`` off (R18)."""

    subscription_id: UUID
    text: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    net: Decimal
    tax: Decimal
    tax_rate: Decimal
    period_from: dt.date
    period_until: dt.date
    days: int
    period_days: int
    rule: str
    discount: Decimal = Decimal(0)


class TaxLine(msgspec.Struct, frozen=True, kw_only=True):
    """The tax of one rate on a document."""

    rate: Decimal
    net: Decimal
    tax: Decimal


class CustomerCharged(Fact, frozen=True, kw_only=True):
    """A charge was posted; invoicing issues the invoice when ``wants_document``."""

    TYPE: ClassVar[str] = "billing.customer.charged.v1"
    charge_id: UUID
    transaction_id: UUID
    customer_id: UUID
    run_id: UUID | None = None
    request_id: UUID | None = None
    bill_date: dt.date
    due_on: dt.date
    period_from: dt.date
    period_until: dt.date
    currency: str
    tax_included: bool
    tax_rounding: Literal["document", "line"] = "document"
    lines: list[ChargeLine]
    taxes: list[TaxLine]
    net: Decimal
    tax: Decimal
    gross: Decimal
    balance_after: Money
    account_version: int
    wants_document: bool


class TransactionPosted(Fact, frozen=True, kw_only=True):
    """Any posting but a charge; ``amount`` is positive, ``side`` says which way."""

    TYPE: ClassVar[str] = "billing.transaction.posted.v1"
    transaction_id: UUID
    customer_id: UUID
    kind: TransactionKind
    side: Side
    amount: Money
    balance_after: Money
    account_version: int
    posted_on: dt.date
    description: str


class ItemChanged(Fact, frozen=True, kw_only=True):
    """What is still open of a debit; ``document_id`` once it is invoiced."""

    TYPE: ClassVar[str] = "billing.item.changed.v1"
    transaction_id: UUID
    version: int
    customer_id: UUID
    document_id: UUID | None = None
    total: Money
    open: Money
    due_on: dt.date


class AccountStated(Fact, frozen=True, kw_only=True):
    """An account as it stands, told when mirrors are rebuilt; a reader keeps the highest ``account_version``."""

    TYPE: ClassVar[str] = "billing.account.stated.v1"
    customer_id: UUID
    account_version: int
    balance_after: Money
    last_paid_on: dt.date | None = None


class ChargeRunCompleted(Fact, frozen=True, kw_only=True):
    """A billing run has charged everyone it could."""

    TYPE: ClassVar[str] = "billing.charge_run.completed.v1"
    run_id: UUID
    run_date: dt.date
    charged: int
    skipped: int
    failed: int
    gross: Money
