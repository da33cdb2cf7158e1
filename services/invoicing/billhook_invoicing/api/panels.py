"""Figures for dashboards, each equal to the list that it links to."""

import datetime as dt
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from billhook_common.api import Blueprint, MoneyField, ctx, json_response
from billhook_common.auth import requires
from billhook_common.money import Money
from billhook_invoicing.queries import Filter, is_in_state, issued_by_month, next_month, open_figures, total_of

blueprint = Blueprint("panels", __name__, url_prefix="/panels", description="Figures for dashboards")

MONTHS = 12


class InvoicedMonthSchema(Schema):
    """Invoices issued in a month; equals the list of it."""

    month = fields.String(metadata={"example": "2026-11"})
    count = fields.Integer()
    net = MoneyField()
    gross = MoneyField()


class InvoicedSchema(InvoicedMonthSchema):
    """This month, with its days."""

    from_ = fields.Date(data_key="from")
    until = fields.Date()


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
    (month,) = _months_from(first)
    return json_response({"from": first, "until": next_month(first), **month})


@blueprint.route("/months", methods=["GET"])
@requires("invoicing:read")
@blueprint.response(200, InvoicedMonthsSchema)
def months() -> Response:
    """What was invoiced in each of twelve months, in the home currency."""
    first = ctx.clock.today().replace(day=1)
    for _ in range(MONTHS - 1):
        first = (first - dt.timedelta(days=1)).replace(day=1)
    return json_response({"items": _months_from(first)})


@blueprint.route("/unpaid", methods=["GET"])
@requires("invoicing:read")
@blueprint.response(200, UnpaidSchema)
def unpaid() -> Response:
    """What is open of invoices, and what of it is overdue, in the home currency."""
    return json_response({name: _open_in(name) for name in ("open", "overdue")})


def _months_from(first: dt.date) -> list[dict[str, Any]]:
    """A month after the other, up to this one."""
    currency, today = ctx.config.currency, ctx.clock.today()
    issued = issued_by_month(ctx.session, first, currency)
    found = []
    while first <= today:
        count, net, gross = issued.get(f"{first:%Y-%m}", (0, 0, 0))
        sums = {"net": Money.from_minor(net, currency), "gross": Money.from_minor(gross, currency)}
        found.append({"month": f"{first:%Y-%m}", "count": count, **sums})
        first = next_month(first)
    return found


def _open_in(state: str) -> dict[str, Any]:
    currency = ctx.config.currency
    wanted = Filter(state=(is_in_state(state, ctx.clock.today()),))
    found = total_of(open_figures(ctx.session, wanted, currency))
    return {"count": found.invoices, "sum": Money.from_minor(found.open, currency)}
