"""A person decides about bank entries: accept, split, leave out, take back; post what waited for review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import NotFound
from billhook_common.money import Money
from billhook_payments.actions.name_documents import Named, check_customer, check_home, name_documents
from billhook_payments.actions.post import (
    NewPayment,
    Share,
    Unmatched,
    post_payments,
    remember_payers,
    share_out,
    tell_unmatched,
)
from billhook_payments.actions.void import void_payments
from billhook_payments.domain.money_rules import AmountNotPositive, PartsDiffer, WrongCurrency
from billhook_payments.domain.pairing import PairingRules
from billhook_payments.domain.states import PAIRED, WAITING, State, check_decided, check_ignored, check_waiting
from billhook_payments.domain.words import reason_in_words, reference_in_words
from billhook_payments.models import Document, Entry, Payer, Statement
from billhook_payments.queries import documents_by_id, find_statement, on_statement, payments_of_entry


@dataclass(frozen=True, slots=True)
class Part:
    """A customer's part of an entry; ``documents`` None: those that the rules found in the payment."""

    customer_id: UUID
    amount: Money
    documents: Sequence[Named] | None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Whose the whole entry is, for which documents; ``remember``: the payer's account is theirs from now on."""

    customer_id: UUID
    documents: Sequence[Named] | None = None
    remember: bool = True


def accept_entry(session: Session, clock: Clock, entry_id: UUID, accepted: Acceptance, *, home: str, by: str) -> Entry:
    """Post the entry for one customer.

    Raises NotFound, EntryDecided, EntryNotPayment, NotHomeCurrency, and what ``name_documents`` raises.
    """
    entry = _locked(session, entry_id)
    check_waiting(entry.state)
    check_home(entry.currency, home, pointer="/customer_id")
    part = Part(accepted.customer_id, _amount(entry), accepted.documents)
    return _decide(session, clock, entry, [part], by=by, remember=accepted.remember)


def split_entry(session: Session, clock: Clock, entry_id: UUID, parts: Sequence[Part], *, home: str, by: str) -> Entry:
    """Post one entry for several customers.

    Raises NotFound, EntryDecided, EntryNotPayment, NotHomeCurrency, PartsDiffer, and what ``name_documents`` raises.
    """
    entry = _locked(session, entry_id)
    check_waiting(entry.state)
    check_home(entry.currency, home, pointer="/parts")
    total = 0
    for place, part in enumerate(parts):
        if part.amount.currency != entry.currency:
            raise WrongCurrency(f"The entry is in {entry.currency}.", pointer=f"/parts/{place}/amount")
        if part.amount.minor <= 0:
            raise AmountNotPositive(pointer=f"/parts/{place}/amount")
        total += part.amount.minor
    if total != entry.amount:
        raise PartsDiffer(
            f"The parts are {Money.from_minor(total, entry.currency)}, the entry is {_amount(entry)}.", pointer="/parts"
        )
    # Who pays for several customers tells nothing about the next payment.
    return _decide(session, clock, entry, parts, by=by, remember=False)


def ignore_entry(session: Session, clock: Clock, entry_id: UUID, *, reason: str, by: str) -> Entry:
    """It is no customer's money; it stays in suspense and on its statement. Raises NotFound, EntryDecided."""
    entry = _locked(session, entry_id)
    check_waiting(entry.state)
    _settle(clock, entry, "ignored", by)
    entry.reason = reason
    audit(session, clock, "entry_ignored", entry.id, after={"reason": reason})
    session.flush()
    return entry


def restore_entry(session: Session, clock: Clock, entry_id: UUID) -> Entry:
    """It waits again after having been ignored. Raises NotFound, EntryUndecided, EntryDecided."""
    entry = _locked(session, entry_id)
    check_ignored(entry.state)
    return _reopen(session, clock, entry, "entry_restored")


def undo_entry(session: Session, clock: Clock, entry_id: UUID, *, reason: str, by: str) -> Entry:
    """Take the decision back: what was posted is reversed, and the entry waits again (R52).

    Raises NotFound, EntryNotPayment, EntryUndecided.
    """
    entry = _locked(session, entry_id)
    check_decided(entry.state)
    if entry.state in PAIRED:
        payments = payments_of_entry(session, entry.id)
        void_payments(session, clock, payments, reason=reason, reason_code="wrong_pairing", by=by)
        _distrust_payer(session, entry, [payment.customer_id for payment in payments])
        _to_suspense(session, clock, entry, reason)
    return _reopen(session, clock, entry, "entry_taken_back")


def post_statement(session: Session, clock: Clock, statement_id: UUID, *, by: str) -> Statement:
    """Post what is certain on a statement that waited for review; the rest goes to suspense (R30). Raises NotFound."""
    statement = find_statement(session, statement_id)
    entries = session.scalars(
        select(Entry)
        .where(on_statement(statement_id), Entry.amount > 0, ~Entry.in_suspense)
        .where(Entry.state.in_((*WAITING, "ignored")))
        .order_by(Entry.id)
        .with_for_update()
    ).all()
    certain = [entry for entry in entries if entry.state == "auto"]
    waiting = [entry for entry in entries if entry.state != "auto"]
    tell_unmatched(session, clock, [Unmatched(one.id, _amount(one), one.booked_on, one.reason) for one in waiting])
    known = documents_by_id(session, {found for entry in certain for found in _documents_found(entry)})
    post_payments(session, clock, [_certain_payment(clock, entry, known, by) for entry in certain])
    remember_payers(session, [(one.payer_account, one.customer_id) for one in certain if one.customer_id])
    for entry in waiting:
        entry.in_suspense = True
    for entry in certain:
        _settle(clock, entry, "processed", by)
    statement.posted_at = clock.now()
    audit(session, clock, "statement_posted", statement.id, after={"payments": len(certain)})
    session.flush()
    return statement


def _decide(session: Session, clock: Clock, entry: Entry, parts: Sequence[Part], *, by: str, remember: bool) -> Entry:
    payments = [
        _payment(clock, entry, part, _documents(session, entry, part, place), by) for place, part in enumerate(parts)
    ]
    post_payments(session, clock, payments)
    if remember:
        remember_payers(session, [(entry.payer_account, part.customer_id) for part in parts])
    entry.customer_id = parts[0].customer_id if len(parts) == 1 else None
    if len(parts) > 1:
        entry.reason = f"Split over {len(parts)} customers"
    _settle(clock, entry, "manually_paired", by)
    audited = [{"customer_id": part.customer_id, "amount": str(part.amount)} for part in parts]
    audit(session, clock, "entry_paired", entry.id, after={"parts": audited})
    session.flush()
    return entry


def _documents(session: Session, entry: Entry, part: Part, place: int) -> list[Share]:
    check_customer(session, part.customer_id, entry.currency, pointer=f"/parts/{place}/customer_id")
    if part.documents is not None:
        return name_documents(session, part.customer_id, part.amount, part.documents)
    ids = _documents_found(entry, part.customer_id)
    return _shares(part.amount, ids, documents_by_id(session, ids))


def _certain_payment(clock: Clock, entry: Entry, known: Mapping[UUID, Document], by: str) -> NewPayment:
    assert entry.customer_id is not None, "who is certain has a customer"
    part = Part(entry.customer_id, _amount(entry), None)
    shares = _shares(part.amount, _documents_found(entry, part.customer_id), known)
    return _payment(clock, entry, part, shares, by)


def _payment(clock: Clock, entry: Entry, part: Part, documents: Sequence[Share], by: str) -> NewPayment:
    return NewPayment(
        customer_id=part.customer_id,
        amount=part.amount,
        method="bank_transfer",
        received_on=entry.value_on or entry.booked_on,
        # Money leaves suspense on the day on which its customer is found (R30).
        booked_on=max(clock.today(), entry.booked_on) if entry.in_suspense else entry.booked_on,
        entered_by=by,
        documents=documents,
        reference=reference_in_words(entry.remittance, entry.refs),
        entry_id=entry.id,
        from_suspense=entry.in_suspense,
    )


def _documents_found(entry: Entry, customer_id: UUID | None = None) -> list[UUID]:
    """The documents that the rules found in the payment for the customer (the proposed one)."""
    wanted = str(customer_id or entry.customer_id)
    return [UUID(found) for one in entry.candidates if one["customer_id"] == wanted for found in one["documents"]]


def _shares(amount: Money, ids: Sequence[UUID], known: Mapping[UUID, Document]) -> list[Share]:
    """The payment over the documents, by what is open of them now."""
    opened = [(one, Money.from_minor(known[one].open, known[one].currency)) for one in ids if one in known]
    return list(share_out(amount, opened))


def _to_suspense(session: Session, clock: Clock, entry: Entry, reason: str) -> None:
    """The reversal took the money out of the bank's books, where it still is; from suspense it came back there."""
    if entry.in_suspense:
        return
    booked_on = max(clock.today(), entry.booked_on)
    tell_unmatched(session, clock, [Unmatched(entry.id, _amount(entry), booked_on, reason)])
    entry.in_suspense = True


def _distrust_payer(session: Session, entry: Entry, customer_ids: Sequence[UUID]) -> None:
    session.execute(
        update(Payer)
        .where(Payer.account == entry.payer_account, Payer.customer_id.in_(customer_ids))
        .values(taken_back=True)
    )


def _settle(clock: Clock, entry: Entry, state: State, by: str) -> None:
    entry.state = state
    entry.decided_by = by
    entry.decided_at = clock.now()


def _reopen(session: Session, clock: Clock, entry: Entry, action: str) -> Entry:
    """The entry waits again, with the proposal of the rules if they had left one."""
    audit(session, clock, action, entry.id, before={"state": entry.state, "by": entry.decided_by})
    best = entry.candidates[0] if entry.candidates else None
    is_proposed = best is not None and best["score"] >= PairingRules().propose
    entry.customer_id = UUID(best["customer_id"]) if best is not None and is_proposed else None
    entry.state = "proposed" if is_proposed else "queued"
    entry.reason = reason_in_words(entry.evidence)
    entry.decided_by, entry.decided_at = "", None
    session.flush()
    return entry


def _locked(session: Session, entry_id: UUID) -> Entry:
    entry = session.get(Entry, entry_id, with_for_update=True)
    if entry is None:
        raise NotFound("There is no such bank entry.")
    return entry


def _amount(entry: Entry) -> Money:
    return Money.from_minor(entry.amount, entry.currency)
