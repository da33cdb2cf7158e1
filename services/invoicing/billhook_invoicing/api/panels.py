"""Figures for dashboards, each equal to the list that it links to."""

import datetime as dt
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import func, select

from billhook_common.api import Blueprint, MoneyField, ctx, json_response
from billhook_common.auth import requires
from billhook_common.money import Money
from billhook_invoicing.models import Document, OpenItem
from billhook_invoicing.queries import is_in_state, issued_in, next_month, own_invoices

blueprint = Blueprint("panels", __name__, url_prefix="/panels", description="Figures for dashboards")

MONTHS = 12


class InvoicedSchema(Schema):
    """Invoices issued from ``from`` until before ``until``; equals the list of these days."""

    from_ = fields.Date(data_key="from")
    until = fields.Date()
    count = fields.Integer()
    net = MoneyField()
    gross = MoneyField()


class InvoicedMonthSchema(Schema):
    """Invoices issued in a month."""

    month = fields.String(metadata={"example": "2026-11"})
    count = fields.Integer()
    net = MoneyField()
    gross = MoneyField()


class InvoicedMonthsSchema(Schema):
    """The months that end with this one, oldest first."""

    items = fields.List(fields.Nested(InvoicedMonthSchema))


class CountedSumSchema(Schema):
    """How many, and how much is open of them."""

    count = fields.Integer()
    sum = MoneyField()


class UnpaidSchema(Schema):
    """``open`` equals the list with state=open, ``overdue`` the one with state=overdue."""

    open = fields.Nested(CountedSumSchema)
    overdue = fields.Nested(CountedSumSchema)


@blueprint.route("/invoiced", methods=["GET"])
@requires("invoicing:read")
@blueprint.response(200, InvoicedSchema)
def invoiced() -> Response:
    """What was invoiced this month, in the home currency."""
    first = ctx.clock.today().replace(day=1)
    return json_response({"from": first, "until": next_month(first), **_invoiced_in(first)})


@blueprint.route("/months", methods=["GET"])
@requires("invoicing:read")
@blueprint.response(200, InvoicedMonthsSchema)
def months() -> Response:
    """What was invoiced in each of twelve months, in the home currency."""
    first = ctx.clock.today().replace(day=1)
    items: list[dict[str, Any]] = []
    for _ in range(MONTHS):
        items.insert(0, {"month": f"{first:%Y-%m}", **_invoiced_in(first)})
        first = (first - dt.timedelta(days=1)).replace(day=1)
    return json_response({"items": items})


@blueprint.route("/unpaid", methods=["GET"])
@requires("invoicing:read")
@blueprint.response(200, UnpaidSchema)
def unpaid() -> Response:
    """What is open of invoices, and what of it is overdue, in the home currency."""
    return json_response({name: _open_in(name) for name in ("open", "overdue")})


def _invoiced_in(first_day: dt.date) -> dict[str, Any]:
    currency, own = ctx.config.currency, own_invoices(ctx.identity.customer_id)
    statement = select(func.count(), func.sum(Document.net), func.sum(Document.gross)).where(
        issued_in(first_day), Document.currency == currency, *own
    )
    count, net, gross = ctx.session.execute(statement).one()
    return {
        "count": count,
        "net": Money.from_minor(int(net or 0), currency),
        "gross": Money.from_minor(int(gross or 0), currency),
    }


def _open_in(state: str) -> dict[str, Any]:
    currency, own = ctx.config.currency, own_invoices(ctx.identity.customer_id)
    statement = select(func.count(), func.sum(OpenItem.open)).where(
        is_in_state(state, ctx.clock.today()), OpenItem.currency == currency
    )
    if own:
        statement = statement.join(Document, Document.id == OpenItem.document_id).where(*own)
    count, total = ctx.session.execute(statement).one()
    return {"count": count, "sum": Money.from_minor(int(total or 0), currency)}
