"""How bank entries are shown: in lists, and one with its candidates and the payments that it became."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate
from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.api import AnyRow, MoneyField, PageSchema
from billhook_common.db import AnySelect
from billhook_common.errors import NotFound
from billhook_common.money import Money
from billhook_payments.domain.account_number import masked
from billhook_payments.domain.states import PAIRED, STATES, WAITING
from billhook_payments.domain.words import sentences, short_reasons
from billhook_payments.models import Customer, Document, Entry, Payment
from billhook_payments.queries import customers_by_id, documents_by_id, open_documents_of, payments_of_entry


class PayingCustomerSchema(Schema):
    """Who pays."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class CandidateDocumentSchema(Schema):
    """A document that the payer named, or that is open."""

    id = fields.UUID()
    number = fields.String()
    open = MoneyField()
    due_on = fields.Date()


class CandidateSchema(Schema):
    """A customer that the payment may be of: why, and what is open. ``document``: there is just one."""

    customer = fields.Nested(PayingCustomerSchema)
    document = fields.Nested(CandidateDocumentSchema, allow_none=True)
    documents = fields.List(fields.Nested(CandidateDocumentSchema))
    open = MoneyField(allow_none=True)
    score = fields.Integer()
    reasons = fields.List(fields.String())


class EntrySchema(Schema):
    """A line in a list; ``candidates`` holds whom it is paired with or proposed for, if anybody."""

    id = fields.UUID()
    statement_id = fields.UUID()
    position = fields.Integer()
    part = fields.Integer()
    booked_on = fields.Date()
    value_on = fields.Date(allow_none=True)
    amount = MoneyField()
    payer = fields.String()
    iban_masked = fields.String()
    remittance = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    reason = fields.String()
    score = fields.Integer()
    reasons = fields.List(fields.String())
    customer = fields.Nested(PayingCustomerSchema, allow_none=True)
    candidates = fields.List(fields.Nested(CandidateSchema))
    can_split = fields.Boolean()
    in_suspense = fields.Boolean()
    decided_by = fields.String()
    decided_at = fields.AwareDateTime(allow_none=True)


class EvidenceSchema(Schema):
    """What one rule says; a ``veto`` forbids to pair without a person."""

    rule = fields.String()
    points = fields.Integer()
    text = fields.String()
    veto = fields.Boolean()


class EntryPaymentSchema(Schema):
    """What the entry became."""

    id = fields.UUID()
    number = fields.String()
    amount = MoneyField()
    customer = fields.Nested(PayingCustomerSchema)


class OneEntrySchema(EntrySchema):
    """An entry with everything that the bank said and the rules found."""

    place = fields.String(metadata={"description": "Where it is in the file."})
    lines = fields.List(fields.String())
    references = fields.Dict(keys=fields.String(), values=fields.String())
    type_code = fields.String()
    evidence = fields.List(fields.Nested(EvidenceSchema))
    rules_version = fields.String()
    payment_number = fields.String(allow_none=True)
    payments = fields.List(fields.Nested(EntryPaymentSchema))


class EntryPageSchema(PageSchema):
    """A page of entries."""

    items = fields.List(fields.Nested(EntrySchema))


def listed_entries() -> AnySelect:
    """Entries with whom they are paired with or proposed for."""
    return select(Entry, Customer.number.label("customer_number"), Customer.name.label("customer_name")).outerjoin(
        Customer, Customer.id == Entry.customer_id
    )


def entry_detail(session: Session, entry_id: UUID) -> dict[str, Any]:
    """One entry with everything that is known of it. Raises NotFound."""
    row = session.execute(listed_entries().where(Entry.id == entry_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such bank entry.")
    entry: Entry = row.Entry
    payments = payments_of_entry(session, entry.id)
    answer = {
        **entry_item(row),
        "place": entry.place,
        "lines": entry.remittance,
        "references": entry.refs,
        "type_code": entry.type_code,
        "evidence": [{"veto": False, **one} for one in entry.evidence],
        "rules_version": entry.rules_version,
        "payment_number": ", ".join(payment.number for payment in payments) or None,
        "payments": _payments(session, payments),
    }
    if entry.state in WAITING:
        answer["candidates"] = _candidates(session, entry)
    return answer


def _payments(session: Session, payments: Iterable[Payment]) -> list[dict[str, Any]]:
    customers = customers_by_id(session, {payment.customer_id for payment in payments})
    return [
        {
            "id": payment.id,
            "number": payment.number,
            "amount": Money.from_minor(payment.amount, payment.currency),
            "customer": _customer(customers[payment.customer_id]),
        }
        for payment in payments
    ]


def _candidates(session: Session, entry: Entry) -> list[dict[str, Any]]:
    """The candidates of the rules with the open amounts of now."""
    customers = customers_by_id(session, {UUID(one["customer_id"]) for one in entry.candidates})
    named = documents_by_id(session, {UUID(found) for one in entry.candidates for found in one["documents"]})
    owed = open_documents_of(session, customers.keys())
    candidates = []
    for one in entry.candidates:
        customer_id = UUID(one["customer_id"])
        found = [named[UUID(document)] for document in one["documents"] if UUID(document) in named]
        shown = found or owed.get(customer_id, [])
        same = [document for document in shown if document.currency == entry.currency]
        documents = [_document(document) for document in found]
        candidates.append(
            {
                "customer": _customer(customers[customer_id]),
                "document": documents[0] if len(documents) == 1 else None,
                "documents": documents,
                "open": Money.from_minor(sum(document.open for document in same), entry.currency) if same else None,
                "score": one["score"],
                "reasons": sentences(one["evidence"]),
            }
        )
    return candidates


def _document(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "number": document.number,
        "open": Money.from_minor(document.open, document.currency),
        "due_on": document.due_on,
    }


def _customer(customer: Customer) -> dict[str, Any]:
    return {"id": customer.id, "number": customer.number, "name": customer.name}


def entry_item(row: AnyRow) -> dict[str, Any]:
    """One entry of a list; a line's place on the statement asked for is ``row.line``, if there is one."""
    entry: Entry = row.Entry
    customer = {"id": entry.customer_id, "number": row.customer_number, "name": row.customer_name}
    is_known = row.customer_name is not None
    best = {"customer": customer, "score": entry.score, "reasons": sentences(entry.evidence)}
    return {
        "id": entry.id,
        "statement_id": entry.statement_id,
        "position": getattr(row, "line", entry.position),
        "part": entry.part,
        "booked_on": entry.booked_on,
        "value_on": entry.value_on,
        "amount": Money.from_minor(entry.amount, entry.currency),
        "payer": entry.payer_name,
        "iban_masked": masked(entry.payer_account),
        "remittance": " ".join(entry.remittance),
        "state": entry.state,
        "reason": entry.reason,
        "score": entry.score,
        "reasons": short_reasons(entry.evidence),
        "customer": customer if is_known and entry.state in PAIRED else None,
        "candidates": [best] if is_known else [],
        "can_split": entry.state in WAITING,
        "in_suspense": entry.in_suspense,
        "decided_by": entry.decided_by,
        "decided_at": entry.decided_at,
    }
