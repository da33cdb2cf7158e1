"""Figures for dashboards, each equal to the list that it links to."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import func, select

from billhook_billing.actions.subscriptions import recurring_revenue
from billhook_billing.api.revenue import RevenueSchema, revenue_months
from billhook_billing.models import LedgerTransaction, OpenItem
from billhook_common.api import Blueprint, MoneyField, ctx, json_response
from billhook_common.auth import requires
from billhook_common.money import Money

blueprint = Blueprint("panels", __name__, url_prefix="/panels", description="Figures for dashboards")


_BUCKETS = ((1, 30), (31, 60), (61, 90), (91, None))
"""Days past due, without overlap (features A13)."""


class CountedSumSchema(Schema):
    """How many, and how much."""

    count = fields.Integer()
    sum = MoneyField()


class BucketSchema(Schema):
    """Open items that are so many days past due; ``until_days`` is included, null in the last bucket."""

    from_days = fields.Integer()
    until_days = fields.Integer(allow_none=True)
    count = fields.Integer()
    sum = MoneyField()


class ReceivablesSchema(Schema):
    """What is open (equals the list of open items), how much of it is overdue, and since when (A13)."""

    owed = MoneyField()
    owed_count = fields.Integer()
    overdue = MoneyField()
    overdue_count = fields.Integer()
    not_due = MoneyField()
    buckets = fields.List(fields.Nested(BucketSchema))


class ChargedSchema(Schema):
    """Charges of a month; equals the list of transactions of kind ``charge`` posted in it."""

    from_ = fields.Date(data_key="from")
    until = fields.Date()
    count = fields.Integer()
    sum = MoneyField()


@blueprint.route("/receivables", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, ReceivablesSchema)
def receivables() -> Response:
    """Open items by age, in the home currency."""
    currency, today = ctx.config.currency, ctx.clock.today()
    found = {}
    for from_days, until_days in _BUCKETS:
        latest = today - dt.timedelta(days=from_days)
        statement = select(func.count(), func.sum(OpenItem.open)).where(
            OpenItem.open > 0, OpenItem.currency == currency, OpenItem.due_on <= latest
        )
        if until_days is not None:
            statement = statement.where(OpenItem.due_on >= today - dt.timedelta(days=until_days))
        found[from_days] = ctx.session.execute(statement).one()
    not_due = ctx.session.execute(
        select(func.count(), func.sum(OpenItem.open)).where(
            OpenItem.open > 0, OpenItem.currency == currency, OpenItem.due_on >= today
        )
    ).one()

    def money(rows: Iterable[Any]) -> Money:
        return Money.from_minor(sum(int(total or 0) for _, total in rows), currency)

    return json_response(
        {
            "owed": money([*found.values(), not_due]),
            "owed_count": sum(count for count, _ in found.values()) + not_due[0],
            "overdue": money(found.values()),
            "overdue_count": sum(count for count, _ in found.values()),
            "not_due": money([not_due]),
            "buckets": [
                {"from_days": from_days, "until_days": until_days, "count": found[from_days][0],
                 "sum": money([found[from_days]])}
                for from_days, until_days in _BUCKETS
            ],
        }
    )  # fmt: skip


@blueprint.route("/charged", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, ChargedSchema)
def charged() -> Response:
    """What was charged this month, in the home currency."""
    first, next_first = month_of(ctx.clock.today())
    statement = select(func.count(), -func.sum(LedgerTransaction.amount)).where(
        LedgerTransaction.kind == "charge",
        LedgerTransaction.currency == ctx.config.currency,
        LedgerTransaction.posted_on >= first,
        LedgerTransaction.posted_on < next_first,
    )
    return json_response({"from": first, "until": next_first, **_counted(statement)})


@blueprint.route("/recurring", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, CountedSumSchema)
def recurring() -> Response:
    """Monthly recurring revenue today: active services at their net value a month, after discounts (A13)."""
    count, revenue = recurring_revenue(ctx.session, ctx.config.currency, ctx.clock.today())
    return json_response({"count": count, "sum": revenue})


@blueprint.route("/revenue", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, RevenueSchema)
def revenue() -> Response:
    """Twelve months of recurring revenue in the home currency and how it moved; each sum equals a list of /revenue."""
    return json_response({"items": revenue_months(ctx.clock.today())})


def month_of(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first day of the month of ``day`` and of the next one."""
    first = day.replace(day=1)
    return first, (first + dt.timedelta(days=32)).replace(day=1)


def _counted(statement: Any) -> dict[str, Any]:
    count, total = ctx.session.execute(statement).one()
    return {"count": count, "sum": Money.from_minor(int(total or 0), ctx.config.currency)}
