"""Reads used twice: what a payment can be recognised by, and what lists and figures are counted from."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Uuid, any_, bindparam, false, func, literal, or_, select, union
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Session

from billhook_common.db import AnySelect
from billhook_common.errors import NotFound
from billhook_common.money import Money
from billhook_payments.domain.index import KnownCustomer, KnownDocument, PairingIndex
from billhook_payments.domain.search import search_words
from billhook_payments.models import (
    Customer,
    Document,
    Entry,
    GivenReference,
    Payer,
    Payment,
    PaymentDocument,
    Statement,
    StatementLine,
)


def pairing_index(session: Session, payers: Collection[str], paid_since: dt.date) -> PairingIndex:
    """All customers, what they owe, what they paid lately (issued from ``paid_since`` on), and who these payers are."""
    known_payers: defaultdict[str, dict[UUID, int]] = defaultdict(dict)
    taken_back = set()
    # An array, since a file may name more payers than a statement has parameters.
    wanted = literal(sorted(payers), ARRAY(TEXT))
    for row in session.scalars(select(Payer).where(Payer.account == any_(wanted))):
        known_payers[row.account][row.customer_id] = row.times
        if row.taken_back:
            taken_back.add(row.account)
    return PairingIndex(
        _known_customers(session), _known_documents(session, paid_since), known_payers, frozenset(taken_back)
    )


def _known_customers(session: Session) -> Iterable[KnownCustomer]:
    references: defaultdict[UUID, list[str]] = defaultdict(list)
    for customer_id, reference in session.execute(select(GivenReference.customer_id, GivenReference.reference)):
        references[customer_id].append(reference)
    rows = session.execute(
        select(Customer.id, Customer.number, Customer.login, Customer.name, Customer.lifecycle).order_by(Customer.id)
    )
    for row in rows:
        yield KnownCustomer(
            row.id, row.number, row.login, (row.name,), tuple(references.get(row.id, ())), row.lifecycle == "archived"
        )


def _known_documents(session: Session, paid_since: dt.date) -> Iterable[KnownDocument]:
    wanted = or_(Document.open > 0, Document.issued_on >= paid_since)
    statement = select(
        Document.id, Document.customer_id, Document.number, Document.open, Document.currency, Document.issued_on,
        Document.payment_reference,
    ).where(Document.number.is_not(None), wanted).order_by(Document.id)  # fmt: skip
    for row in session.execute(statement):
        open_amount = Money.from_minor(row.open, row.currency)
        yield KnownDocument(row.id, row.customer_id, row.number, open_amount, row.issued_on, row.payment_reference)


def documents_by_id(session: Session, ids: Collection[UUID]) -> dict[UUID, Document]:
    """Those of the documents that have arrived with their number."""
    if not ids:
        return {}
    # An array, since a whole statement may name more than a query has parameters.
    wanted = Document.id == any_(literal(sorted(ids), ARRAY(Uuid)))
    rows = session.scalars(select(Document).where(wanted, Document.number.is_not(None)))
    return {row.id: row for row in rows}


def customers_by_id(session: Session, ids: Collection[UUID]) -> dict[UUID, Customer]:
    """Those of the customers that have arrived."""
    if not ids:
        return {}
    return {row.id: row for row in session.scalars(select(Customer).where(Customer.id.in_(ids)))}


def open_documents_of(session: Session, customer_ids: Collection[UUID]) -> dict[UUID, list[Document]]:
    """What each customer still owes by document, what is due first at the front."""
    found: defaultdict[UUID, list[Document]] = defaultdict(list)
    statement = (
        select(Document)
        .where(Document.customer_id.in_(customer_ids), Document.open > 0, Document.number.is_not(None))
        .order_by(Document.due_on, Document.number)
    )
    for document in session.scalars(statement) if customer_ids else ():
        found[document.customer_id].append(document)
    return found


def payments_of_entry(session: Session, entry_id: UUID) -> list[Payment]:
    """The payments that an entry became and that still stand."""
    return list(
        session.scalars(
            select(Payment).where(Payment.entry_id == entry_id, Payment.state == "confirmed").order_by(Payment.seq)
        )
    )


def find_statement(session: Session, statement_id: UUID) -> Statement:
    """The statement; raises NotFound."""
    statement = session.get(Statement, statement_id)
    if statement is None:
        raise NotFound("There is no such statement.")
    return statement


def in_states(states: Collection[str]) -> ColumnElement[bool]:
    """That an entry is in one of the states; written into the query, so that the index of waiting entries serves it."""
    return Entry.state.in_([bindparam(None, state, literal_execute=True) for state in states])


def on_statement(statement_id: UUID) -> ColumnElement[bool]:
    """That an entry stands on the statement."""
    return Entry.id.in_(select(StatementLine.entry_id).where(StatementLine.statement_id == statement_id))


def counted_by_state(session: Session, statement_id: UUID) -> list[Any]:
    """Rows (state, currency, number, total in minor units) of a statement's entries."""
    return list(
        session.execute(
            select(Entry.state, Entry.currency, func.count().label("number"), func.sum(Entry.amount).label("total"))
            .where(on_statement(statement_id))
            .group_by(Entry.state, Entry.currency)
        )
    )


def payment_conditions(wanted: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """The filters of the list of payments; the keys are its query parameters. Days are days of receipt."""
    found: list[ColumnElement[bool]] = [column == wanted[name] for name, column in _EQUAL.items() if name in wanted]
    if "from_" in wanted:
        found.append(Payment.received_on >= wanted["from_"])
    if "until" in wanted:
        found.append(Payment.received_on < wanted["until"])
    if wanted.get("q"):
        found.append(Payment.id.in_(_found_by(wanted["q"])))
    if "document_id" in wanted:
        naming = select(PaymentDocument.payment_id).where(PaymentDocument.document_id == wanted["document_id"])
        found.append(Payment.id.in_(naming))
    return found


def payment_totals(wanted: Mapping[str, Any]) -> AnySelect:
    """Rows (method, currency, number, total in minor units) of the payments that the filters leave (Y3)."""
    return (
        select(Payment.method, Payment.currency, func.count().label("number"), func.sum(Payment.amount).label("total"))
        .where(*payment_conditions(wanted))
        .group_by(Payment.method, Payment.currency)
        .order_by(Payment.method, Payment.currency)
    )


def customers_like(query: str) -> list[ColumnElement[bool]]:
    """That every word of the query is in what the customer is found by."""
    return [Customer.search.contains(word, autoescape=True) for word in search_words(query)] or [false()]


_EQUAL = {
    "customer_id": Payment.customer_id,
    "method": Payment.method,
    "state": Payment.state,
    "source_key": Payment.source_key,
    "entry_id": Payment.entry_id,
}
_PAYMENT_NUMBER = re.compile(r"(?:PAY-?)?0*([0-9]{1,12})", re.IGNORECASE)


def _found_by(query: str) -> CompoundSelect[UUID]:
    """Payments by number, by how their reference begins, or by their customer: one index each."""
    number = _PAYMENT_NUMBER.fullmatch(query.strip())
    customers = select(Customer.id).where(*customers_like(query))
    return union(
        select(Payment.id).where(Payment.seq == int(number[1])) if number else select(Payment.id).where(false()),
        select(Payment.id).where(Payment.reference.startswith(query.strip(), autoescape=True)),
        select(Payment.id).where(Payment.customer_id.in_(customers)),
    )
