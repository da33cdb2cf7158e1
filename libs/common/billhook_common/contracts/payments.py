"""What payments tells: money that moved."""

import datetime as dt
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

import msgspec

from billhook_common.contracts import Fact
from billhook_common.money import Money


class NamedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document that the payer named; without ``amount`` as much of it as the payment covers."""

    document_id: UUID
    amount: Decimal | None = None


class PaymentReceived(Fact, frozen=True, kw_only=True):
    """Money for a customer; ``from_suspense`` is the entry that waited unmatched until now."""

    TYPE: ClassVar[str] = "payments.payment.received.v1"
    payment_id: UUID
    number: str
    customer_id: UUID
    amount: Money
    method: str
    received_on: dt.date
    booked_on: dt.date
    documents: tuple[NamedDocument, ...] = ()
    from_suspense: UUID | None = None
    reference: str = ""


class EntryUnmatched(Fact, frozen=True, kw_only=True):
    """A bank credit without a known customer; billing keeps it in suspense (R30)."""

    TYPE: ClassVar[str] = "payments.entry.unmatched.v1"
    entry_id: UUID
    amount: Money
    booked_on: dt.date
    reason: str


class PaymentReversed(Fact, frozen=True, kw_only=True):
    """A payment is taken back; its items open again with their own due date."""

    TYPE: ClassVar[str] = "payments.payment.reversed.v1"
    reversal_id: UUID
    payment_id: UUID
    customer_id: UUID
    amount: Money
    reversed_on: dt.date
    reason_code: str
    reason: str = ""


class RefundSent(Fact, frozen=True, kw_only=True):
    """Money was paid back to a customer."""

    TYPE: ClassVar[str] = "payments.refund.sent.v1"
    refund_id: UUID
    customer_id: UUID
    amount: Money
    sent_on: dt.date
    method: str = "bank_transfer"


class StatementImported(Fact, frozen=True, kw_only=True):
    """A bank statement was read completely."""

    TYPE: ClassVar[str] = "payments.statement.imported.v1"
    statement_id: UUID
    account: str
    period_from: dt.date
    period_until: dt.date
    entries: int
    credits: Money
    debits: Money
    proof: str
