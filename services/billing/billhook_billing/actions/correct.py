"""Postings by hand: corrections outside tax and opening balances, and taking back what no document shows (R27)."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_billing.actions.accounts import lock_accounts
from billhook_billing.actions.post import NewTransaction, post
from billhook_billing.actions.receive import reversal_id
from billhook_billing.actions.settle import settle_customers, settle_new
from billhook_billing.domain import ledger
from billhook_billing.domain.ledger import Kind
from billhook_billing.models import Credit, LedgerTransaction, OpenItem
from billhook_billing.queries import StoredTransaction, stored_transaction
from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.billing import Side
from billhook_common.errors import Conflict, Invalid, NotFound
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_common.periods import checked_day
from billhook_common.trace import current_trace

ManualKind = Literal["correction", "opening"]

_REVERSIBLE = frozenset({Kind.CHARGE, Kind.CORRECTION, Kind.CREDIT, Kind.OPENING, Kind.WRITE_OFF})
"""Payments, refunds and unmatched money are taken back where they were entered."""


class DayInFuture(Invalid):
    """What has not happened is not posted."""

    title = "The date is in the future"


class CannotBeReversed(Conflict):
    """Money that moved is taken back where it was entered; a reversal is not reversed but posted again."""

    title = "This kind of transaction is not reversed here"


class ReversedAlready(Conflict):
    """A transaction is taken back once."""

    title = "The transaction is reversed already"


class HasDocument(Conflict):
    """What a document shows is corrected by a credit note, so that nothing is credited twice (events.md, rule 6)."""

    title = "Issue a credit note: a document shows this transaction, or is on its way"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualTransaction:
    """A posting that a person asks for; ``amount`` is above 0, ``side`` says which way it moves the balance."""

    customer_id: UUID
    kind: ManualKind
    side: Side
    amount: Money
    description: str
    on: dt.date | None = None
    due_on: dt.date | None = None


def post_manual(session: Session, clock: Clock, wanted: ManualTransaction) -> UUID:
    """Post and settle; returns the transaction's id.

    Raises NotKnownYet, CurrencyMismatch, AmountNotPositive, DayInFuture, DateOutOfRange.
    """
    if wanted.amount.minor <= 0:
        raise ledger.AmountNotPositive(f"{wanted.amount} is not more than 0", pointer="/amount")
    on = checked_day(wanted.on or clock.today(), "/date")
    if on > clock.today():
        raise DayInFuture(f"{on} is after today", pointer="/date")
    due_on = checked_day(wanted.due_on, "/due_on") if wanted.due_on else None
    signed = wanted.amount if wanted.side == "credit" else -wanted.amount
    make = ledger.correction if wanted.kind == "correction" else ledger.opening
    transaction = NewTransaction(
        id=uuid7(),
        posting=make(wanted.customer_id, signed),
        customer_id=wanted.customer_id,
        posted_on=on,
        due_on=due_on,
        description=wanted.description,
        source_key=current_trace().source_key,
    )
    settle_new(session, clock, post(session, clock, [transaction]))
    audit(
        session, clock, "transaction_posted", transaction.id,
        after={"customer_id": wanted.customer_id, "kind": wanted.kind, "change": signed, "on": on},
    )  # fmt: skip
    return transaction.id


def reverse_transaction(session: Session, clock: Clock, transaction_id: UUID, *, reason: str) -> UUID:
    """Take back what no document shows, today; returns the reversal's id.

    Raises NotFound, CannotBeReversed, ReversedAlready, HasDocument.
    """
    original = stored_transaction(session, transaction_id)
    if original is None:
        raise NotFound("There is no such transaction.")
    if original.posting.kind not in _REVERSIBLE or original.customer_id is None:
        raise CannotBeReversed(f"A {original.posting.kind.value} is not reversed here.")
    lock_accounts(session, {original.customer_id})
    _check_reversible(session, original)
    reversal = NewTransaction(
        id=reversal_id(original.id),
        posting=ledger.reversal(original.posting),
        customer_id=original.customer_id,
        posted_on=clock.today(),
        description=f"{original.description} taken back" + (f": {reason}" if reason else ""),
        source_key=current_trace().source_key,
        reverses_id=original.id,
    )
    post(session, clock, [reversal])
    settle_customers(session, clock, {original.customer_id})
    audit(session, clock, "transaction_reversed", original.id, after={"reversal_id": reversal.id, "reason": reason})
    return reversal.id


def _check_reversible(session: Session, original: StoredTransaction) -> None:
    reversed_by = session.scalar(select(LedgerTransaction.id).where(LedgerTransaction.reverses_id == original.id))
    if reversed_by is not None:
        raise ReversedAlready(f"Transaction {reversed_by} took it back.")
    wants_document = session.scalar(select(OpenItem.wants_document).where(OpenItem.transaction_id == original.id))
    document_id = session.scalar(select(Credit.document_id).where(Credit.transaction_id == original.id))
    if wants_document or document_id is not None:
        raise HasDocument("A credit note corrects it.")
