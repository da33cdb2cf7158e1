"""Customers to pair a payment with: found by name, number, login, payment reference or document number."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import case, or_, select

from billhook_common.api import Blueprint, MoneyField, PageSchema, ctx, json_response
from billhook_common.auth import requires
from billhook_common.money import Money
from billhook_payments.api.shown_entries import CandidateDocumentSchema
from billhook_payments.domain.references import compact, normalise
from billhook_payments.models import Customer, Document, GivenReference
from billhook_payments.queries import customers_like, open_documents_of

blueprint = Blueprint("customers", __name__, url_prefix="/customers", description="Whom a payment may be of")

FOUND_MOST = 20
SHOWN_DOCUMENTS = 5


class SearchSchema(Schema):
    """What people type."""

    q = fields.String(required=True, validate=validate.Length(1, 200))


class FoundCustomerSchema(Schema):
    """A customer with what is open, in the currency of what is due first."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()
    login = fields.String()
    payment_reference = fields.String()
    lifecycle = fields.String()
    open = MoneyField(allow_none=True)
    documents = fields.List(fields.Nested(CandidateDocumentSchema))


class FoundPageSchema(PageSchema):
    """The best few; there is no next page."""

    items = fields.List(fields.Nested(FoundCustomerSchema))


@blueprint.route("/search", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(SearchSchema, location="query")
@blueprint.response(200, FoundPageSchema)
def search(wanted: dict[str, Any]) -> Response:
    """At most 20: exact numbers and references first, then by name."""
    query = wanted["q"].strip()
    exact = or_(
        Customer.number == query,
        Customer.payment_reference == query,
        Customer.id.in_(select(GivenReference.customer_id).where(GivenReference.reference == query)),
        Customer.id.in_(select(Document.customer_id).where(Document.number_key == compact(normalise(query)))),
    )
    like = select(Customer.id).where(*customers_like(query))
    customers = ctx.session.scalars(
        select(Customer)
        .where(or_(exact, Customer.id.in_(like)))
        .order_by(case((exact, 0), else_=1), Customer.lifecycle == "archived", Customer.name, Customer.id)
        .limit(FOUND_MOST)
    ).all()
    owed = open_documents_of(ctx.session, [customer.id for customer in customers])
    return json_response({"items": [_item(customer, owed) for customer in customers], "next": None})


def _item(customer: Customer, owed: dict[UUID, list[Document]]) -> dict[str, Any]:
    documents = owed.get(customer.id, [])
    currency = documents[0].currency if documents else ""
    same = [document for document in documents if document.currency == currency]
    return {
        "id": customer.id,
        "number": customer.number,
        "name": customer.name,
        "login": customer.login,
        "payment_reference": customer.payment_reference,
        "lifecycle": customer.lifecycle,
        "open": Money.from_minor(sum(document.open for document in same), currency) if same else None,
        "documents": [
            {
                "id": document.id,
                "number": document.number,
                "open": Money.from_minor(document.open, document.currency),
                "due_on": document.due_on,
            }
            for document in documents[:SHOWN_DOCUMENTS]
        ],
    }
