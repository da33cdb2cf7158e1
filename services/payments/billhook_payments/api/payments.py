"""Payments: list with totals, take one by hand, read, reverse."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from billhook_common.api import AnyRow, Blueprint, MoneyField, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.db import AnySelect
from billhook_common.errors import NotFound
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery, Sorting
from billhook_common.money import Money, decimal_text
from billhook_payments.actions.name_documents import Named
from billhook_payments.actions.take import ManualPayment, reverse_payment, take_payment
from billhook_payments.api.entries import NamedDocumentSchema
from billhook_payments.api.shown_entries import PayingCustomerSchema
from billhook_payments.models import Customer, Document, Entry, Payment, PaymentDocument
from billhook_payments.queries import payment_conditions, payment_totals

blueprint = Blueprint("payments", __name__, url_prefix="/payments", description="Money of customers")

METHODS = ("cash", "card", "bank_transfer", "other")
PAYMENT_STATES = ("confirmed", "voided")
_SORTING = Sorting(
    "-number",
    number=(Payment.seq,),
    received_on=(Payment.received_on, Payment.seq),
    amount=(Payment.amount, Payment.seq),
)


class PaidDocumentSchema(Schema):
    """A document that the payment was made for, and how much of it when it was named; billing settles."""

    document_id = fields.UUID()
    number = fields.String(allow_none=True)
    amount = fields.String()


class PaymentSchema(Schema):
    """A payment; ``received_on`` is when the money moved, ``booked_on`` when it is in the books (Y9)."""

    id = fields.UUID()
    number = fields.String()
    customer = fields.Nested(PayingCustomerSchema)
    amount = MoneyField()
    method = fields.String(validate=validate.OneOf(METHODS))
    received_on = fields.Date()
    booked_on = fields.Date()
    state = fields.String(validate=validate.OneOf(PAYMENT_STATES))
    reference = fields.String()
    note = fields.String()
    documents = fields.List(fields.Nested(PaidDocumentSchema))
    entry_id = fields.UUID(allow_none=True)
    statement_id = fields.UUID(allow_none=True)
    source_key = fields.String(allow_none=True, metadata={"description": "The client's Idempotency-Key."})
    entered_by = fields.String()
    entered_at = fields.AwareDateTime()
    voided_at = fields.AwareDateTime(allow_none=True)
    voided_by = fields.String(allow_none=True)
    void_reason = fields.String(allow_none=True)


class MethodTotalSchema(Schema):
    """The payments of one method in one currency."""

    method = fields.String()
    count = fields.Integer()
    sum = MoneyField()


class PaymentTotalsSchema(Schema):
    """The payments of the whole filter: ``sum`` in the home currency, ``by_method`` in each."""

    count = fields.Integer()
    sum = MoneyField()
    by_method = fields.List(fields.Nested(MethodTotalSchema))


class PaymentPageSchema(PageSchema):
    """A page of payments; ``totals`` when they were asked for."""

    items = fields.List(fields.Nested(PaymentSchema))
    totals = fields.Nested(PaymentTotalsSchema)


class PaymentFilterSchema(ListQuery):
    """Which payments to list; ``from`` and ``until`` are days of receipt, half-open. ``q``: number, reference, name."""

    customer_id = fields.UUID()
    method = fields.String(validate=validate.OneOf(METHODS))
    state = fields.String(validate=validate.OneOf(PAYMENT_STATES))
    source_key = fields.String(validate=validate.Length(1, 255))
    entry_id = fields.UUID()
    document_id = fields.UUID(metadata={"description": "Payments that name this document."})
    from_ = fields.Date(data_key="from")
    until = fields.Date()
    q = fields.String(validate=validate.Length(max=200))
    sort = _SORTING.field()
    totals = fields.Boolean(load_default=False)


class NewPaymentSchema(Schema):
    """Money that a person took (Y1). Without ``documents`` billing settles what is due first."""

    customer_id = fields.UUID(required=True)
    amount = MoneyField(required=True)
    method = fields.String(required=True, validate=validate.OneOf(METHODS))
    received_on = fields.Date()
    documents = fields.List(fields.Nested(NamedDocumentSchema), load_default=list, validate=validate.Length(max=100))
    reference = PlainText(140, load_default="")
    note = PlainText(2_000, lines=True, load_default="")


class ReversalSchema(Schema):
    """Why a payment is taken back."""

    reason = PlainText(200, least=1, required=True)


@blueprint.route("", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(PaymentFilterSchema, location="query")
@blueprint.response(200, PaymentPageSchema)
def list_payments(wanted: dict[str, Any]) -> Response:
    """Newest first, or as ``sort`` says. ``totals=true`` adds count and sum by method over the whole filter (Y3)."""
    keys = _SORTING.keys(wanted["sort"])
    totals = None
    if wanted["totals"]:
        totals = totals_of(ctx.session.execute(payment_totals(wanted)).all(), ctx.config.currency)
    return page_of(ctx.session, _listed().where(*payment_conditions(wanted)), keys, _item, totals)


@blueprint.route("", methods=["POST"])
@requires("payments:write", key=True)
@blueprint.arguments(NewPaymentSchema)
@blueprint.response(201, PaymentSchema)
def post_payment(body: dict[str, Any]) -> Response:
    """Record money that a customer paid."""
    documents = [Named(one["document_id"], one["amount"]) for one in body.pop("documents")]
    taken = ManualPayment(**{"received_on": ctx.clock.today(), **body}, documents=documents)
    by, home = ctx.identity.name, ctx.config.currency
    return _one(take_payment(ctx.session, ctx.clock, taken, home=home, by=by), 201)


@blueprint.route("/<uuid:payment_id>", methods=["GET"])
@requires("payments:read")
@blueprint.response(200, PaymentSchema)
def get_payment(payment_id: UUID) -> Response:
    """One payment."""
    return _one(payment_id)


@blueprint.route("/<uuid:payment_id>/reverse", methods=["POST"])
@requires("payments:reverse", key=True)
@blueprint.arguments(ReversalSchema)
@blueprint.response(200, PaymentSchema)
def reverse(body: dict[str, Any], payment_id: UUID) -> Response:
    """Void a payment; it stays on record. One from a bank statement puts its entry back into the queue."""
    reverse_payment(ctx.session, ctx.clock, payment_id, reason=body["reason"], by=ctx.identity.name)
    return _one(payment_id)


def _listed() -> AnySelect:
    document = func.json_build_object(
        "document_id", PaymentDocument.document_id, "number", Document.number, "amount", PaymentDocument.amount
    )
    # A scalar subquery, since PostgreSQL works those out for the rows of the page only.
    documents = (
        select(func.json_agg(aggregate_order_by(document, PaymentDocument.place)))
        .outerjoin(Document, Document.id == PaymentDocument.document_id)
        .where(PaymentDocument.payment_id == Payment.id)
        .scalar_subquery()
    )
    return (
        select(
            Payment, Customer.number.label("customer_number"), Customer.name.label("customer_name"),
            Entry.statement_id, documents.label("documents"),
        )
        .join(Customer, Customer.id == Payment.customer_id)
        .outerjoin(Entry, Entry.id == Payment.entry_id)
    )  # fmt: skip


def totals_of(rows: Sequence[AnyRow], home: str) -> dict[str, Any]:
    """The figures of rows of ``payment_totals``; ``home`` is the currency of ``sum``."""
    return {
        "count": sum(row.number for row in rows),
        "sum": Money.from_minor(sum(int(row.total) for row in rows if row.currency == home), home),
        "by_method": [
            {"method": row.method, "count": row.number, "sum": Money.from_minor(int(row.total), row.currency)}
            for row in rows
        ],
    }


def _one(payment_id: UUID, status: int = 200) -> Response:
    row = ctx.session.execute(_listed().where(Payment.id == payment_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such payment.")
    return json_response(_item(row), status)


def _item(row: AnyRow) -> dict[str, Any]:
    payment: Payment = row.Payment
    return {
        "id": payment.id,
        "number": payment.number,
        "customer": {"id": payment.customer_id, "number": row.customer_number, "name": row.customer_name},
        "amount": Money.from_minor(payment.amount, payment.currency),
        "method": payment.method,
        "received_on": payment.received_on,
        "booked_on": payment.booked_on,
        "state": payment.state,
        "reference": payment.reference,
        "note": payment.note,
        "documents": [{**one, "amount": decimal_text(one["amount"], payment.currency)} for one in row.documents or ()],
        "entry_id": payment.entry_id,
        "statement_id": row.statement_id,
        "source_key": payment.source_key,
        "entered_by": payment.entered_by,
        "entered_at": payment.entered_at,
        "voided_at": payment.voided_at,
        "voided_by": payment.voided_by,
        "void_reason": payment.void_reason,
    }
