"""Figures for dashboards, each equal to the list that it links to."""

import datetime as dt
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select

from billhook_common.api import Blueprint, MoneyField, ctx, json_response
from billhook_common.auth import requires
from billhook_common.money import Money
from billhook_payments.api.payments import MethodTotalSchema, totals_of
from billhook_payments.api.shown_entries import PayingCustomerSchema
from billhook_payments.api.statements import CountedSumSchema
from billhook_payments.domain.states import TO_CHECK
from billhook_payments.models import Customer, Document, Entry, Payment
from billhook_payments.queries import in_states, payment_conditions, payment_totals

blueprint = Blueprint("panels", __name__, url_prefix="/panels", description="Figures for dashboards")

MONTHS = 12
TOP = 10


class MonthSchema(Schema):
    """A month, the present one by default."""

    month = fields.String(validate=validate.Regexp(r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])\Z"))


class MonthTotalSchema(CountedSumSchema):
    """The payments of one month, in the home currency."""

    month = fields.String()


class PaymentsPanelSchema(CountedSumSchema):
    """Payments received in the month: equals the list of confirmed ones from ``from`` until ``until``.

    ``count`` is over all currencies, ``sum`` and ``months`` (the last twelve) in the home currency.
    """

    month = fields.String()
    from_ = fields.Date(data_key="from")
    until = fields.Date()
    by_method = fields.List(fields.Nested(MethodTotalSchema))
    months = fields.List(fields.Nested(MonthTotalSchema))


class UnmatchedPanelSchema(CountedSumSchema):
    """What a person has to check: equals the list of entries; ``sum`` in the home currency."""

    oldest = fields.Date(allow_none=True)
    proposed = fields.Nested(CountedSumSchema)
    queued = fields.Nested(CountedSumSchema)


class PayerSchema(Schema):
    """A customer and what came from them."""

    customer = fields.Nested(PayingCustomerSchema)
    count = fields.Integer()
    amount = MoneyField()


class PayersPanelSchema(Schema):
    """Who paid most in the month, in the home currency."""

    month = fields.String()
    items = fields.List(fields.Nested(PayerSchema))


@blueprint.route("/payments", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(MonthSchema, location="query")
@blueprint.response(200, PaymentsPanelSchema)
def payments(wanted: dict[str, Any]) -> Response:
    """What was received in a month, by method."""
    first, next_first = _month(wanted)
    rows = ctx.session.execute(payment_totals(_received(first, next_first))).all()
    answer = {
        "month": f"{first:%Y-%m}",
        "from": first,
        "until": next_first,
        **totals_of(rows, ctx.config.currency),
        "months": _months(next_first),
    }
    return json_response(answer)


@blueprint.route("/unmatched", methods=["GET"])
@requires("payments:read")
@blueprint.response(200, UnmatchedPanelSchema)
def unmatched() -> Response:
    """Bank credits that wait for a person."""
    home = ctx.config.currency
    rows = ctx.session.execute(
        select(
            Entry.state, func.count().label("number"), func.min(Entry.booked_on).label("oldest"),
            func.coalesce(func.sum(Entry.amount).filter(Entry.currency == home), 0).label("total"),
        )
        .where(in_states(TO_CHECK))
        .group_by(Entry.state)
    ).all()  # fmt: skip
    figures = {row.state: _counted(row.number, int(row.total), home) for row in rows}
    answer = {
        **_counted(sum(row.number for row in rows), sum(int(row.total) for row in rows), home),
        "oldest": min((row.oldest for row in rows), default=None),
        "proposed": figures.get("proposed", _counted(0, 0, home)),
        "queued": figures.get("queued", _counted(0, 0, home)),
    }
    return json_response(answer)


@blueprint.route("/documents", methods=["GET"])
@requires("payments:read")
@blueprint.response(200, CountedSumSchema)
def documents() -> Response:
    """Invoices that payments can be paired with: how many are known here, and what is open of them."""
    home = ctx.config.currency
    row = ctx.session.execute(
        select(func.count().label("number"), func.coalesce(func.sum(Document.open), 0).label("total")).where(
            Document.number.is_not(None), Document.currency == home
        )
    ).one()
    return json_response(_counted(row.number, int(row.total), home))


@blueprint.route("/payers", methods=["GET"])
@requires("payments:read")
@blueprint.arguments(MonthSchema, location="query")
@blueprint.response(200, PayersPanelSchema)
def payers(wanted: dict[str, Any]) -> Response:
    """Who paid most in a month."""
    first, next_first = _month(wanted)
    home = ctx.config.currency
    total = func.sum(Payment.amount)
    rows = ctx.session.execute(
        select(Customer.id, Customer.number, Customer.name, func.count().label("payments"), total.label("total"))
        .join(Payment, Payment.customer_id == Customer.id)
        .where(Payment.currency == home, *payment_conditions(_received(first, next_first)))
        .group_by(Customer.id)
        .order_by(total.desc(), Customer.id)
        .limit(TOP)
    ).all()
    items = [
        {
            "customer": {"id": row.id, "number": row.number, "name": row.name},
            "count": row.payments,
            "amount": Money.from_minor(int(row.total), home),
        }
        for row in rows
    ]
    return json_response({"month": f"{first:%Y-%m}", "items": items})


def _months(until: dt.date) -> list[dict[str, Any]]:
    """The twelve months before ``until``, also those in which nothing came."""
    firsts = [_first_of(until, back) for back in range(MONTHS, 0, -1)]
    home = ctx.config.currency
    # By day, for which the database need not write a million dates.
    rows = ctx.session.execute(
        select(Payment.received_on, func.count().label("number"), func.sum(Payment.amount).label("total"))
        .where(Payment.currency == home, *payment_conditions(_received(firsts[0], until)))
        .group_by(Payment.received_on)
    )
    sums: dict[str, tuple[int, int]] = {}
    for row in rows:
        number, total = sums.get(f"{row.received_on:%Y-%m}", (0, 0))
        sums[f"{row.received_on:%Y-%m}"] = (number + row.number, total + int(row.total))
    found = {month: _counted(number, total, home) for month, (number, total) in sums.items()}
    names = [f"{first:%Y-%m}" for first in firsts]
    return [{"month": name, **found.get(name, _counted(0, 0, home))} for name in names]


def _received(first: dt.date, until: dt.date) -> dict[str, Any]:
    return {"state": "confirmed", "from_": first, "until": until}


def _month(wanted: dict[str, Any]) -> tuple[dt.date, dt.date]:
    today: dt.date = ctx.clock.today()
    first = dt.date.fromisoformat(f"{wanted['month']}-01") if "month" in wanted else today.replace(day=1)
    return first, _first_of(first, -1)


def _first_of(first: dt.date, months_back: int) -> dt.date:
    number = first.year * 12 + first.month - 1 - months_back
    return dt.date(number // 12, number % 12 + 1, 1)


def _counted(count: int, minor: int, currency: str) -> dict[str, Any]:
    return {"count": count, "sum": Money.from_minor(minor, currency)}
