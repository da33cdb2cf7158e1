"""Money that moved, as payments tells it: received, reversed, refunded, unmatched (R12, R30)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from billhook_billing.actions.post import NamedDocument, NewTransaction, post
from billhook_billing.actions.settle import settle_customers, settle_new
from billhook_billing.domain import ledger
from billhook_billing.queries import stored_transaction
from billhook_common.clock import Clock
from billhook_common.contracts.payments import EntryUnmatched, PaymentReceived, PaymentReversed, RefundSent
from billhook_common.errors import Conflict
from billhook_common.events import Event, NotYet
from billhook_common.ids import derive_id
from billhook_common.money import Money

_ACCOUNTS = {"cash": ledger.Account.CASH, "card": ledger.Account.CARD, "online": ledger.Account.CARD}
"""Where money of a method is; every other method is a bank transfer."""


class ReversalDiffers(Conflict):
    """A payment is taken back as a whole."""

    title = "The reversal is not of this payment's customer and amount"


def receive_payments(session: Session, clock: Clock, payments: Sequence[Event[PaymentReceived]]) -> None:
    """Credit the customers and settle. Raises NotKnownYet, CurrencyMismatch, AmountNotPositive."""
    settle_new(session, clock, post(session, clock, [_payment(event) for event in payments]))


def _payment(event: Event[PaymentReceived]) -> NewTransaction:
    payment = event.data
    account = ledger.Account.SUSPENSE if payment.from_suspense else _account(payment.method)
    reference = f", {payment.reference}" if payment.reference else ""
    return NewTransaction(
        id=payment_transaction_id(payment.payment_id),
        posting=ledger.payment(payment.customer_id, payment.amount, account=account),
        customer_id=payment.customer_id,
        posted_on=payment.booked_on,
        effective_on=payment.received_on,
        description=f"Payment {payment.number}{reference}",
        source="payments",
        source_key=event.source_key,
        correlation_id=event.correlation_id,
        named=_named(payment),
    )


def _account(method: str) -> ledger.Account:
    return _ACCOUNTS.get(method, ledger.Account.BANK)


def payment_transaction_id(payment_id: UUID) -> UUID:
    """The ledger transaction of a payment: a repeated event meets it."""
    return derive_id("payment", payment_id)


def _named(payment: PaymentReceived) -> list[NamedDocument]:
    """Each document once: amounts of one that is named twice add up, "as much as fits" covers any amount."""
    named: dict[UUID, int | None] = {}
    for document in payment.documents:
        minor = None if document.amount is None else Money.of(document.amount, payment.amount.currency).minor
        if document.document_id in named:
            before = named[document.document_id]
            minor = None if minor is None or before is None else before + minor
        named[document.document_id] = minor
    return list(named.items())


def reverse_payment(session: Session, clock: Clock, event: Event[PaymentReversed]) -> None:
    """Take a payment back; its items are open again, with their own due date.

    Raises NotYet while the payment is not here (O13), ReversalDiffers.
    """
    reversal = event.data
    payment = stored_transaction(session, payment_transaction_id(reversal.payment_id))
    if payment is None:
        raise NotYet(f"payment {reversal.payment_id} has not arrived")
    received = Money.from_minor(payment.posting.change_of(reversal.customer_id), payment.posting.currency)
    if received != reversal.amount:
        raise ReversalDiffers(f"{reversal.amount} are taken back, {received} were received from this customer.")
    reason = reversal.reason or reversal.reason_code
    transaction = NewTransaction(
        id=reversal_id(payment.id),
        posting=ledger.reversal(payment.posting),
        customer_id=reversal.customer_id,
        posted_on=reversal.reversed_on,
        description=f"{payment.description} taken back: {reason}",
        source="payments",
        source_key=event.source_key,
        correlation_id=event.correlation_id,
        reverses_id=payment.id,
    )
    post(session, clock, [transaction])
    settle_customers(session, clock, {reversal.customer_id})


def reversal_id(transaction_id: UUID) -> UUID:
    """The transaction that takes another one back: there is one at most."""
    return derive_id("reversal", transaction_id)


def send_refunds(session: Session, clock: Clock, refunds: Sequence[Event[RefundSent]]) -> None:
    """Money went back to customers: a debit that their credit pays. Raises NotKnownYet, CurrencyMismatch."""
    transactions = [
        NewTransaction(
            id=derive_id("refund", event.data.refund_id),
            posting=ledger.refund(event.data.customer_id, event.data.amount, account=_account(event.data.method)),
            customer_id=event.data.customer_id,
            posted_on=event.data.sent_on,
            description="Refund",
            source="payments",
            source_key=event.source_key,
            correlation_id=event.correlation_id,
        )
        for event in refunds
    ]
    settle_new(session, clock, post(session, clock, transactions))


def keep_unmatched(session: Session, clock: Clock, entries: Sequence[Event[EntryUnmatched]]) -> None:
    """Money of nobody known waits in suspense, so that the books agree with the bank (R30)."""
    transactions = [
        NewTransaction(
            id=derive_id("unmatched", event.data.entry_id),
            posting=ledger.unmatched(event.data.amount),
            customer_id=None,
            posted_on=event.data.booked_on,
            description=f"Unmatched: {event.data.reason}",
            source="payments",
            source_key=event.source_key,
            correlation_id=event.correlation_id,
        )
        for event in entries
    ]
    post(session, clock, transactions)
