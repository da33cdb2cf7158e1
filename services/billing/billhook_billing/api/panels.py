"""Figures for dashboards, each equal to the list that it links to."""

import datetime as dt
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import func, select

from billhook_billing.actions.due import terms_of
from billhook_billing.actions.subscriptions import monthly_net, with_terms
from billhook_billing.models import Account, LedgerTransaction, OpenItem, Subscription
from billhook_common.api import Blueprint, MoneyField, ctx, json_response
from billhook_common.auth import requires
from billhook_common.money import Money

blueprint = Blueprint("panels", __name__, url_prefix="/panels", description="Figures for dashboards")


class CountedSumSchema(Schema):
    """How many, and how much."""

    count = fields.Integer()
    sum = MoneyField()


class OwedSchema(Schema):
    """``owing`` equals the list of accounts below 0, ``open`` and ``overdue`` the lists of open items."""

    owing = fields.Nested(CountedSumSchema)
    open = fields.Nested(CountedSumSchema)
    overdue = fields.Nested(CountedSumSchema)


class ChargedSchema(Schema):
    """Charges of a month; equals the list of transactions of kind ``charge`` posted in it."""

    from_ = fields.Date(data_key="from")
    until = fields.Date()
    count = fields.Integer()
    sum = MoneyField()


@blueprint.route("/owed", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, OwedSchema)
def owed() -> Response:
    """What customers owe, in the home currency."""
    currency = ctx.config.currency
    accounts = select(func.count(), -func.sum(Account.balance)).where(Account.balance < 0, Account.currency == currency)
    items = select(func.count(), func.sum(OpenItem.open)).where(OpenItem.open > 0, OpenItem.currency == currency)
    overdue = items.where(OpenItem.due_on < ctx.clock.today())
    answer = {"owing": _counted(accounts), "open": _counted(items), "overdue": _counted(overdue)}
    return json_response(answer)


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
    currency, today = ctx.config.currency, ctx.clock.today()
    statement = with_terms().where(
        Subscription.state == "active", Subscription.currency == currency, Subscription.starts_on <= today
    )
    count = minor = 0
    for row in ctx.session.execute(statement.execution_options(yield_per=5_000)):
        count += 1
        minor += monthly_net(terms_of(row), today).minor
    return json_response({"count": count, "sum": Money.from_minor(minor, currency)})


def month_of(day: dt.date) -> tuple[dt.date, dt.date]:
    """The first day of the month of ``day`` and of the next one."""
    first = day.replace(day=1)
    return first, (first + dt.timedelta(days=32)).replace(day=1)


def _counted(statement: Any) -> dict[str, Any]:
    count, total = ctx.session.execute(statement).one()
    return {"count": count, "sum": Money.from_minor(int(total or 0), ctx.config.currency)}
