"""Money that a person records: a payment over the counter, its reversal, a refund."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.payments import RefundSent
from billhook_common.errors import NotFound
from billhook_common.events import publish
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_common.trace import current_trace
from billhook_payments.actions.name_documents import Named, check_customer, check_home, name_documents
from billhook_payments.actions.post import NewPayment, post_payments, take_numbers
from billhook_payments.actions.review import undo_entry
from billhook_payments.actions.void import void_payments
from billhook_payments.domain.money_rules import AmountNotPositive, DateInFuture, PartOfSplit, PaymentVoided
from billhook_payments.models import Payment, Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualPayment:
    """What a person took; ``reference`` is a receipt number or what the payer wrote."""

    customer_id: UUID
    amount: Money
    method: str
    received_on: dt.date
    documents: Sequence[Named] = ()
    reference: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefund:
    """What was paid back."""

    customer_id: UUID
    amount: Money
    method: str
    sent_on: dt.date
    note: str = ""


def take_payment(session: Session, clock: Clock, taken: ManualPayment, *, home: str, by: str) -> UUID:
    """Record money that came in, in the currency ``home`` (Y1).

    Raises AmountNotPositive, DateInFuture, NotHomeCurrency, NotKnownYet, and as name_documents.
    """
    _check(clock, taken.amount, taken.received_on, "/received_on")
    check_home(taken.amount.currency, home, pointer="/amount/currency")
    check_customer(session, taken.customer_id, taken.amount.currency)
    payment = NewPayment(
        customer_id=taken.customer_id,
        amount=taken.amount,
        method=taken.method,
        received_on=taken.received_on,
        booked_on=taken.received_on,
        entered_by=by,
        documents=name_documents(session, taken.customer_id, taken.amount, taken.documents),
        reference=taken.reference,
        note=taken.note,
    )
    [payment_id] = post_payments(session, clock, [payment])
    audit(session, clock, "payment_taken", payment_id, after={"amount": str(taken.amount), "method": taken.method})
    return payment_id


def reverse_payment(session: Session, clock: Clock, payment_id: UUID, *, reason: str, by: str) -> None:
    """Void a payment; one from a bank statement puts its entry back into the queue, for the money is still there.

    Raises NotFound, PaymentVoided, PartOfSplit.
    """
    payment = session.get(Payment, payment_id)
    if payment is None:
        raise NotFound("There is no such payment.")
    if payment.entry_id is None:
        session.refresh(payment, with_for_update=True)
        _check_confirmed(payment)
        void_payments(session, clock, [payment], reason=reason, reason_code="voided", by=by)
        return
    _check_confirmed(payment)
    standing = select(func.count()).where(Payment.entry_id == payment.entry_id, Payment.state == "confirmed")
    if session.scalar(standing) != 1:
        raise PartOfSplit
    undo_entry(session, clock, payment.entry_id, reason=reason, by=by)


def send_refund(session: Session, clock: Clock, new: NewRefund, *, home: str, by: str) -> Refund:
    """Record money that went back; whether the customer has that credit is billing's to say (R12).

    Raises AmountNotPositive, DateInFuture, NotHomeCurrency, NotKnownYet, WrongCurrency.
    """
    _check(clock, new.amount, new.sent_on, "/sent_on")
    check_home(new.amount.currency, home, pointer="/amount/currency")
    check_customer(session, new.customer_id, new.amount.currency)
    seq = take_numbers(session, "REF", 1)
    refund = Refund(
        id=uuid7(),
        seq=seq,
        number=f"REF-{seq:06d}",
        customer_id=new.customer_id,
        amount=new.amount.minor,
        currency=new.amount.currency,
        method=new.method,
        sent_on=new.sent_on,
        note=new.note,
        source_key=current_trace().source_key,
        entered_by=by,
        entered_at=clock.now(),
    )
    session.add(refund)
    session.flush()
    fact = RefundSent(
        refund_id=refund.id,
        customer_id=new.customer_id,
        amount=new.amount,
        sent_on=new.sent_on,
        method=new.method,
    )
    publish(session, clock, fact, subject=refund.id, customer_id=new.customer_id)
    audit(session, clock, "refund_sent", refund.id, after={"amount": str(new.amount), "method": new.method})
    return refund


def _check(clock: Clock, amount: Money, day: dt.date, pointer: str) -> None:
    if amount.minor <= 0:
        raise AmountNotPositive(pointer="/amount")
    if day > clock.today():
        raise DateInFuture(f"Today is {clock.today()}.", pointer=pointer)


def _check_confirmed(payment: Payment) -> None:
    if payment.state == "voided":
        raise PaymentVoided(f"{payment.number} was voided by {payment.voided_by}.")
