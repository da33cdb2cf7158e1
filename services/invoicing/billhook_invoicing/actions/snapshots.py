"""What other services mirror of invoicing, told as it is now: the documents."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.contracts.billing import TaxLine
from billhook_common.contracts.invoicing import InvoiceIssued
from billhook_common.events import Outgoing
from billhook_common.events.snapshots import Snapshot
from billhook_common.money import Money
from billhook_invoicing.models import Document, DocumentLine


def documents(session: Session, _: Clock, after: UUID | None, most: int) -> Sequence[Outgoing]:
    """Invoices, by id."""
    rows = select(Document).order_by(Document.id).limit(most)
    if after is not None:
        rows = rows.where(Document.id > after)
    found = session.scalars(rows).all()
    taxes = _taxes(session, found)
    return [
        Outgoing(fact=_issued(document, taxes[document.id]), subject=document.id, customer_id=document.customer_id)
        for document in found
    ]


def _issued(document: Document, taxes: list[TaxLine]) -> InvoiceIssued:
    net, tax, gross = (
        Money.from_minor(amount, document.currency).amount for amount in (document.net, document.tax, document.gross)
    )
    return InvoiceIssued(
        document_id=document.id,
        number=document.number,
        customer_id=document.customer_id,
        charge_id=document.charge_id,
        currency=document.currency,
        taxes=taxes,
        net=net,
        tax=tax,
        gross=gross,
        issued_on=document.issued_on,
        tax_point_on=document.tax_point_on,
        due_on=document.due_on,
        payment_reference=document.payment_reference,
    )


def _taxes(session: Session, documents: Iterable[Document]) -> dict[UUID, list[TaxLine]]:
    """The tax of each document by rate: the sums of its lines, which add up to it."""
    currencies = {document.id: document.currency for document in documents}
    rows = session.execute(
        select(
            DocumentLine.document_id,
            DocumentLine.tax_rate,
            func.sum(DocumentLine.net).label("net"),
            func.sum(DocumentLine.tax).label("tax"),
        )
        .where(DocumentLine.document_id.in_(currencies))
        .group_by(DocumentLine.document_id, DocumentLine.tax_rate)
        .order_by(DocumentLine.document_id, DocumentLine.tax_rate)
    )
    taxes: dict[UUID, list[TaxLine]] = defaultdict(list)
    for document_id, rate, net, tax in rows:
        currency = currencies[document_id]
        amounts = [Money.from_minor(int(amount), currency).amount for amount in (net, tax)]
        taxes[document_id].append(TaxLine(rate=rate, net=amounts[0], tax=amounts[1]))
    return taxes


SNAPSHOTS = (Snapshot("documents", documents),)
