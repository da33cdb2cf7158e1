"""Documents, as invoicing tells them: linked to their charge, or posted when made by hand; credit notes (R24, R25)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.accounts import lock_accounts
from billhook_billing.actions.post import NewTransaction, post
from billhook_billing.actions.rows import write_rows
from billhook_billing.actions.settle import settle_customers, settle_new
from billhook_billing.actions.tell import ItemState, item_changed, told
from billhook_billing.domain import ledger
from billhook_common.clock import Clock
from billhook_common.contracts.invoicing import CreditNoteIssued, InvoiceIssued
from billhook_common.errors import Conflict
from billhook_common.events import Event, NotYet
from billhook_common.ids import derive_id
from billhook_common.money import Money, exponent

_CHARGED = text(
    "SELECT charge_id, transaction_id, customer_id, currency, total, due_on, wants_document, document_id "
    "FROM open_item WHERE charge_id = ANY(:ids)"
)
# A filter, not a condition: it would find all tax entries there are through their account.
_TAX = text(
    "SELECT transaction_id, CAST(coalesce(sum(amount) FILTER (WHERE account = 'tax'), 0) AS bigint) "
    "FROM ledger_entry WHERE transaction_id = ANY(:ids) GROUP BY transaction_id"
)
_LINK = text("""
    UPDATE open_item SET document_id = new.document_id, document_number = new.number, due_on = new.due_on,
        wants_document = true, version = version + 1
    FROM unnest(CAST(:charges AS uuid[]), CAST(:documents AS uuid[]), CAST(:numbers AS text[]), CAST(:dues AS date[]))
        AS new(charge_id, document_id, number, due_on)
    WHERE open_item.charge_id = new.charge_id
    RETURNING transaction_id, customer_id, version, currency, total, open, open_item.due_on, open_item.document_id
""")
_WAITED_FOR = text("SELECT document_id FROM named_allocation WHERE document_id = ANY(:documents)")
# Joined row by row, as in settle_new.
_PASSES = text("""
    SELECT DISTINCT moved.customer_id
    FROM unnest(CAST(:customers AS uuid[]), CAST(:items AS uuid[]), CAST(:before AS date[]), CAST(:after AS date[]))
        AS moved(customer_id, item_id, before, after)
    CROSS JOIN LATERAL (
        SELECT FROM open_item AS other
        WHERE other.customer_id = moved.customer_id AND other.transaction_id <> moved.item_id
            AND other.due_on BETWEEN least(before, after) AND greatest(before, after)
        LIMIT 1) AS other
""")


class TotalsDiffer(Conflict):
    """Tax is computed once; whoever hears of it stores it and checks the sums (events.md, rule 5)."""

    title = "The totals of the document are not those of its lines or charge"


class ChargeHasDocument(Conflict):
    """A charge is shown by one document."""

    title = "Another document shows this charge already"


@dataclass(frozen=True, slots=True)
class _Charged:
    """A charge as it was posted; amounts in minor units of ``currency``."""

    charge_id: UUID
    transaction_id: UUID
    customer_id: UUID
    currency: str
    total: int
    due_on: dt.date
    wants_document: bool
    document_id: UUID | None


def take_invoices(session: Session, clock: Clock, invoices: Sequence[Event[InvoiceIssued]]) -> None:
    """Link invoices to their charges; post those made by hand. Waiting payments then find what they name (O2, O3).

    Raises NotYet for an unknown charge, NotKnownYet for an unknown customer, TotalsDiffer, ChargeHasDocument.
    """
    for event in invoices:
        _check_sums(event.data)
    # All accounts at once, since locks are taken in the order of ids.
    lock_accounts(session, {event.data.customer_id for event in invoices})
    charged = _by_charge(event.data for event in invoices)
    by_hand = [event for event in invoices if event.data.charge_id is None]
    moved = _link(session, clock, charged) if charged else set()
    settle_customers(session, clock, moved)
    if by_hand:
        settle_new(session, clock, post(session, clock, [_invoice_by_hand(event) for event in by_hand]))


def post_credit_notes(session: Session, clock: Clock, notes: Sequence[Event[CreditNoteIssued]]) -> None:
    """Post the credits; each pays the invoice that it corrects first (O8, O9). Raises NotKnownYet, TotalsDiffer."""
    for event in notes:
        _check_sums(event.data)
    settle_new(session, clock, post(session, clock, [_credit_note(event) for event in notes]))


def _by_charge(invoices: Iterable[InvoiceIssued]) -> dict[UUID, InvoiceIssued]:
    charged: dict[UUID, InvoiceIssued] = {}
    for invoice in invoices:
        if invoice.charge_id is not None:
            known = charged.setdefault(invoice.charge_id, invoice)
            _check_document(invoice, known.document_id)
    return charged


def _link(session: Session, clock: Clock, invoices: dict[UUID, InvoiceIssued]) -> set[UUID]:
    """Write the documents on the items; returns the customers whose settlement may change."""
    charges = [_Charged(**row._mapping) for row in session.execute(_CHARGED, {"ids": list(invoices)})]
    missing = invoices.keys() - {charge.charge_id for charge in charges}
    if missing:
        raise NotYet(f"charge {min(missing)} is not known")
    rows = session.execute(_TAX, {"ids": [charge.transaction_id for charge in charges]})
    taxes = {transaction_id: tax for transaction_id, tax in rows}
    for charge in charges:
        _check_charge(charge, taxes[charge.transaction_id], invoices[charge.charge_id])
    unlinked = [charge for charge in charges if charge.document_id is None]
    if not unlinked:
        return set()
    documents = [invoices[charge.charge_id] for charge in unlinked]
    linked = session.execute(
        _LINK,
        {
            "charges": [charge.charge_id for charge in unlinked],
            "documents": [document.document_id for document in documents],
            "numbers": [document.number for document in documents],
            "dues": [document.due_on for document in documents],
        },
    )
    events = [item_changed(ItemState(**row._mapping)) for row in linked]
    write_rows(session, [told(session, clock, events)])
    return _moved(session, unlinked, documents)


def _moved(session: Session, linked: list[_Charged], documents: list[InvoiceIssued]) -> set[UUID]:
    """The customers whose money waited for the document, or whose item may pass another one in the order of payment."""
    waited_for = set(session.scalars(_WAITED_FOR, {"documents": [document.document_id for document in documents]}))
    passes = session.scalars(
        _PASSES,
        {
            "customers": [charge.customer_id for charge in linked],
            "items": [charge.transaction_id for charge in linked],
            "before": [charge.due_on for charge in linked],
            "after": [document.due_on for document in documents],
        },
    )
    moved = {document.customer_id for document in documents if document.document_id in waited_for}
    return moved.union(passes, [charge.customer_id for charge in linked if not charge.wants_document])


def _check_charge(charge: _Charged, tax_minor: int, invoice: InvoiceIssued) -> None:
    if charge.document_id is not None:
        _check_document(invoice, charge.document_id)
    gross, tax = _decimal(charge.total, charge.currency), _decimal(tax_minor, charge.currency)
    posted = (charge.customer_id, charge.currency, gross, tax)
    if posted != (invoice.customer_id, invoice.currency, invoice.gross, invoice.tax):
        raise TotalsDiffer(
            f"Invoice {invoice.number}: {invoice.gross} with {invoice.tax} of tax in {invoice.currency}; its charge "
            f"was posted with {gross} and {tax} in {charge.currency}."
        )


def _decimal(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency))


def _check_document(invoice: InvoiceIssued, document_id: UUID) -> None:
    if invoice.document_id != document_id:
        raise ChargeHasDocument(f"Charge {invoice.charge_id} is on document {document_id}.")


def _check_sums(document: InvoiceIssued | CreditNoteIssued) -> None:
    net, tax = _total(row.net for row in document.taxes), _total(row.tax for row in document.taxes)
    if (net, tax, net + tax) != (document.net, document.tax, document.gross):
        raise TotalsDiffer(
            f"Document {document.number}: {document.net} + {document.tax} = {document.gross}, its rates sum to "
            f"{net} + {tax}."
        )


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _invoice_by_hand(event: Event[InvoiceIssued]) -> NewTransaction:
    invoice = event.data
    nets, taxes = _minor(invoice)
    return NewTransaction(
        id=derive_id("document", invoice.document_id),
        posting=ledger.charge(invoice.customer_id, invoice.currency, nets=nets, taxes=taxes),
        customer_id=invoice.customer_id,
        posted_on=invoice.issued_on,
        effective_on=invoice.tax_point_on,
        due_on=invoice.due_on,
        description=f"Invoice {invoice.number}",
        source="invoicing",
        source_key=event.source_key,
        wants_document=True,
        document_id=invoice.document_id,
        document_number=invoice.number,
    )


def _credit_note(event: Event[CreditNoteIssued]) -> NewTransaction:
    note = event.data
    nets, taxes = _minor(note)
    return NewTransaction(
        id=derive_id("document", note.document_id),
        posting=ledger.credit_note(note.customer_id, note.currency, nets=nets, taxes=taxes),
        customer_id=note.customer_id,
        posted_on=note.issued_on,
        description=f"Credit note {note.number}",
        source="invoicing",
        source_key=event.source_key,
        document_id=note.document_id,
        document_number=note.number,
        is_credit_note=True,
        named=[(note.refers_to, None)],
    )


def _minor(document: InvoiceIssued | CreditNoteIssued) -> tuple[list[int], list[tuple[Decimal, int]]]:
    """Net and tax by rate, in minor units. Raises AmountOutOfRange."""
    currency = document.currency
    nets = [Money.of(row.net, currency).minor for row in document.taxes]
    taxes = [(row.rate, Money.of(row.tax, currency).minor) for row in document.taxes]
    return nets, taxes
