"""Refunds: list, record, read."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, MoneyField, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.db import AnySelect
from billhook_common.errors import NotFound
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery
from billhook_common.money import Money
from billhook_payments.actions.take import NewRefund, send_refund
from billhook_payments.api.payments import METHODS
from billhook_payments.api.shown_entries import PayingCustomerSchema
from billhook_payments.models import Customer, Refund

blueprint = Blueprint("refunds", __name__, url_prefix="/refunds", description="Money that went back to customers")


class NewRefundSchema(Schema):
    """What was paid back."""

    customer_id = fields.UUID(required=True)
    amount = MoneyField(required=True)
    method = fields.String(load_default="bank_transfer", validate=validate.OneOf(METHODS))
    sent_on = fields.Date()
    note = PlainText(2_000, lines=True, load_default="")


class RefundSchema(Schema):
    """A refund."""

    id = fields.UUID()
    number = fields.String()
    customer = fields.Nested(PayingCustomerSchema)
    amount = MoneyField()
    method = fields.String(validate=validate.OneOf(METHODS))
    sent_on = fields.Date()
    note = fields.String()
    source_key = fields.String(allow_none=True)
    entered_by = fields.String()
    entered_at = fields.AwareDateTime()


class RefundPageSchema(PageSchema):
    """A page of refunds."""

    items = fields.List(fields.Nested(RefundSchema))


class RefundFilterSchema(ListQuery):
    """Which refunds to list."""

    customer_id = fields.UUID()


@blueprint.route("", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(RefundFilterSchema, location="query")
@blueprint.response(200, RefundPageSchema)
def list_refunds(wanted: dict[str, Any]) -> Response:
    """Newest first."""
    statement = _listed()
    if "customer_id" in wanted:
        statement = statement.where(Refund.customer_id == wanted["customer_id"])
    return page_of(ctx.session, statement, [(Refund.seq, "desc")], _item)


@blueprint.route("", methods=["POST"])
@requires("payments:reverse", key=True)
@blueprint.arguments(NewRefundSchema)
@blueprint.response(201, RefundSchema)
def post_refund(body: dict[str, Any]) -> Response:
    """Record money that was paid back to a customer."""
    new = NewRefund(**{"sent_on": ctx.clock.today(), **body})
    by, home = ctx.identity.name, ctx.config.currency
    return _one(send_refund(ctx.session, ctx.clock, new, home=home, by=by).id, 201)


@blueprint.route("/<uuid:refund_id>", methods=["GET"])
@requires("payments:read")
@blueprint.response(200, RefundSchema)
def get_refund(refund_id: UUID) -> Response:
    """One refund."""
    return _one(refund_id)


def _listed() -> AnySelect:
    return select(Refund, Customer.number.label("customer_number"), Customer.name.label("customer_name")).join(
        Customer, Customer.id == Refund.customer_id
    )


def _one(refund_id: UUID, status: int = 200) -> Response:
    row = ctx.session.execute(_listed().where(Refund.id == refund_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such refund.")
    return json_response(_item(row), status)


def _item(row: AnyRow) -> dict[str, Any]:
    refund: Refund = row.Refund
    return {
        "id": refund.id,
        "number": refund.number,
        "customer": {"id": refund.customer_id, "number": row.customer_number, "name": row.customer_name},
        "amount": Money.from_minor(refund.amount, refund.currency),
        "method": refund.method,
        "sent_on": refund.sent_on,
        "note": refund.note,
        "source_key": refund.source_key,
        "entered_by": refund.entered_by,
        "entered_at": refund.entered_at,
    }
