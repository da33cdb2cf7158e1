"""The one way in which money of customers is recorded and told: numbers without a gap, rows, events."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.contracts.payments import EntryUnmatched, NamedDocument, PaymentReceived
from billhook_common.db import copy_rows
from billhook_common.events import Outgoing, publish_many
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_common.trace import current_trace

_TAKE_NUMBERS = text("UPDATE number_series SET last = last + :count WHERE name = :name RETURNING last")
_REMEMBER = text("""
    INSERT INTO payer AS mine (account, customer_id, times, taken_back)
    SELECT known.*, false FROM unnest(CAST(:accounts AS text[]), CAST(:customers AS uuid[]), CAST(:times AS bigint[]))
        AS known
    ON CONFLICT (account, customer_id) DO UPDATE SET times = mine.times + excluded.times
""")
_PAYMENT_COLUMNS = (
    "id", "seq", "number", "customer_id", "amount", "currency", "method", "received_on", "booked_on", "reference",
    "note", "entry_id", "source_key", "entered_by", "entered_at", "state",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """A document and how much of it is paid; ``is_stated``: a person said so, else it is what was open."""

    document_id: UUID
    amount: Money
    is_stated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPayment:
    """Money of a customer; ``entry_id`` is the bank's entry, which waited in suspense or not."""

    customer_id: UUID
    amount: Money
    method: str
    received_on: dt.date
    booked_on: dt.date
    entered_by: str
    documents: Sequence[Share] = ()
    reference: str = ""
    note: str = ""
    entry_id: UUID | None = None
    from_suspense: bool = False


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A credit of nobody known, which billing keeps in suspense (R30)."""

    entry_id: UUID
    amount: Money
    booked_on: dt.date
    reason: str


def post_payments(session: Session, clock: Clock, payments: Sequence[NewPayment]) -> list[UUID]:
    """Number and record the payments, in their order, and tell billing; returns their ids.

    The numbers are held until the transaction ends: post last what takes long to prepare.
    """
    if not payments:
        return []
    first = take_numbers(session, "PAY", len(payments))
    numbered = [(uuid7(), seq, payment) for seq, payment in enumerate(payments, first)]
    trace, now = current_trace(), clock.now()
    copy_rows(
        session,
        "payment",
        _PAYMENT_COLUMNS,
        (
            (
                payment_id, seq, payment_number(seq), one.customer_id, one.amount.minor, one.amount.currency,
                one.method, one.received_on, one.booked_on, one.reference, one.note, one.entry_id, trace.source_key,
                one.entered_by, now, "confirmed",
            )
            for payment_id, seq, one in numbered
        ),
    )  # fmt: skip
    copy_rows(
        session,
        "payment_document",
        ("payment_id", "document_id", "place", "amount"),
        (
            (payment_id, share.document_id, place, share.amount.minor)
            for payment_id, _, one in numbered
            for place, share in enumerate(one.documents, 1)
        ),
    )
    publish_many(session, clock, (_received(*item) for item in numbered))
    return [payment_id for payment_id, _, _ in numbered]


def take_numbers(session: Session, series: str, count: int) -> int:
    """The first of ``count`` numbers that nobody else has or will have."""
    last: int = session.execute(_TAKE_NUMBERS, {"name": series, "count": count}).scalar_one()
    return last - count + 1


def payment_number(seq: int) -> str:
    """How people see a payment: ``PAY-000001``."""
    return f"PAY-{seq:06d}"


def tell_unmatched(session: Session, clock: Clock, entries: Iterable[Unmatched]) -> None:
    """Have billing keep the money in suspense."""
    publish_many(
        session,
        clock,
        (
            Outgoing(
                fact=EntryUnmatched(
                    entry_id=one.entry_id, amount=one.amount, booked_on=one.booked_on, reason=one.reason
                ),
                subject=one.entry_id,
            )
            for one in entries
        ),
    )


def remember_payers(session: Session, payers: Iterable[tuple[str, UUID]]) -> None:
    """Note that each account paid for the customer once more; blank accounts are nobody's."""
    times = Counter((account, customer_id) for account, customer_id in payers if account)
    known = sorted(times)
    if known:
        session.execute(
            _REMEMBER,
            {
                "accounts": [account for account, _ in known],
                "customers": [customer_id for _, customer_id in known],
                "times": [times[one] for one in known],
            },
        )


def share_out(amount: Money, documents: Iterable[tuple[UUID, Money]]) -> Iterator[Share]:
    """The payment over documents with their open amounts, in the given order; a rest stays credit."""
    left = amount
    for document_id, open_amount in documents:
        if open_amount.currency == left.currency:
            share = min(open_amount, left)
            yield Share(document_id, share)
            left -= share


def _received(payment_id: UUID, seq: int, one: NewPayment) -> Outgoing:
    fact = PaymentReceived(
        payment_id=payment_id,
        number=payment_number(seq),
        customer_id=one.customer_id,
        amount=one.amount,
        method=one.method,
        received_on=one.received_on,
        booked_on=one.booked_on,
        # Without an amount billing takes as much as is open when the event arrives.
        documents=tuple(
            NamedDocument(document_id=share.document_id, amount=share.amount.amount if share.is_stated else None)
            for share in one.documents
        ),
        from_suspense=one.entry_id if one.from_suspense else None,
        reference=one.reference,
    )
    return Outgoing(fact=fact, subject=payment_id, customer_id=one.customer_id)
