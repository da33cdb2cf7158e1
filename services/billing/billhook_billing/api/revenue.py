"""Recurring revenue by month: its movement, and the customers behind each figure."""

import datetime as dt
from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import ARRAY, ColumnElement, Date, and_, cast, func, select
from sqlalchemy.sql.selectable import Subquery

from billhook_billing.domain.revenue import MOVEMENTS
from billhook_billing.models import Account, RevenueChange
from billhook_common.api import AnyRow, Blueprint, MoneyField, PageSchema, ctx, page_of
from billhook_common.auth import requires
from billhook_common.lists import ListQuery
from billhook_common.money import Money

blueprint = Blueprint("revenue", __name__, url_prefix="/revenue", description="Recurring revenue by month")

MONTHS = 12


class RevenueMonthSchema(Schema):
    """Net revenue a month at the end of the month, and how it moved in it; contraction and churn are negative."""

    month = fields.String(metadata={"example": "2026-11"})
    opening = MoneyField()
    new = MoneyField()
    expansion = MoneyField()
    contraction = MoneyField()
    churn = MoneyField()
    closing = MoneyField()


class RevenueSchema(Schema):
    """The months that end with this one, oldest first; of the present one as of its last day, as far as is known."""

    items = fields.List(fields.Nested(RevenueMonthSchema))


class MovedCustomerSchema(Schema):
    """Whose revenue moved."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class MovedSchema(Schema):
    """A customer's net revenue a month before and after a month; ``change`` is the difference."""

    customer = fields.Nested(MovedCustomerSchema)
    movement = fields.String(validate=validate.OneOf(MOVEMENTS))
    opening = MoneyField()
    closing = MoneyField()
    change = MoneyField()


class MovedTotalSchema(Schema):
    """How many customers the filter leaves, and the sum of their changes."""

    count = fields.Integer()
    change = MoneyField()


class MovedPageSchema(PageSchema):
    """A page of customers; ``totals`` when they were asked for."""

    items = fields.List(fields.Nested(MovedSchema))
    totals = fields.Nested(MovedTotalSchema)


class MovedFilterSchema(ListQuery):
    """Which month, the present one by default, and which movement."""

    month = fields.String(validate=validate.Regexp(r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])\Z"))
    movement = fields.String(validate=validate.OneOf(MOVEMENTS))
    totals = fields.Boolean(load_default=False)


@blueprint.route("", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(MovedFilterSchema, location="query")
@blueprint.response(200, MovedPageSchema)
def list_moved(wanted: dict[str, Any]) -> Response:
    """The customers whose revenue moved in a month, by number."""
    first = dt.date.fromisoformat(f"{wanted['month']}-01") if "month" in wanted else ctx.clock.today().replace(day=1)
    moved = _moved(first, ctx.config.currency)
    is_wanted = _is_movement(moved, wanted["movement"]) if "movement" in wanted else moved.c.opening != moved.c.closing
    statement = (
        select(Account.customer_id, Account.number, Account.name, moved.c.opening, moved.c.closing)
        .join(moved, moved.c.customer_id == Account.customer_id)
        .where(is_wanted)
    )
    totals = None
    if wanted["totals"]:
        sums = select(func.count().label("number"), func.sum(moved.c.closing - moved.c.opening).label("total"))
        row = ctx.session.execute(sums.where(is_wanted)).one()
        totals = {"count": row.number, "change": _money(row.total)}
    return page_of(ctx.session, statement, [(Account.number, "asc")], _item, totals)


def revenue_months(today: dt.date) -> list[dict[str, Any]]:
    """The months that end with the one of ``today``, as RevenueMonthSchema has them."""
    firsts = [_first_of(today, back) for back in range(MONTHS - 1, -2, -1)]
    opening = _revenue_before(firsts[0])
    sums = _movements(firsts)
    found = []
    for first in firsts[:-1]:
        month = f"{first:%Y-%m}"
        moved = {name: sums.get((month, name), 0) for name in MOVEMENTS}
        closing = opening + sum(moved.values())
        values = {"opening": opening, **moved, "closing": closing}
        found.append({"month": month, **{name: _money(value) for name, value in values.items()}})
        opening = closing
    return found


def _revenue_before(first: dt.date) -> int:
    total = select(func.sum(RevenueChange.amount)).where(
        RevenueChange.since < first, RevenueChange.currency == ctx.config.currency
    )
    return int(ctx.session.scalar(total) or 0)


def _movements(firsts: list[dt.date]) -> dict[tuple[str, str], int]:
    """By month and movement; only customers who moved at all in these months are looked at."""
    first, until = firsts[0], firsts[-1]
    # Months by their place, from 1 on; what was before the first is one change, of place 0.
    place = func.width_bucket(RevenueChange.since, cast(firsts, ARRAY(Date))).label("month")
    touched = select(RevenueChange.customer_id).where(RevenueChange.since >= first, RevenueChange.since < until)
    monthly = (
        select(RevenueChange.customer_id, place, func.sum(RevenueChange.amount).label("change"))
        .where(RevenueChange.since < until, RevenueChange.currency == ctx.config.currency)
        .where(RevenueChange.customer_id.in_(touched))
        .group_by(RevenueChange.customer_id, place)
        .subquery()
    )
    closing = func.sum(monthly.c.change).over(partition_by=monthly.c.customer_id, order_by=monthly.c.month)
    running = select(
        monthly.c.month, (closing - monthly.c.change).label("opening"), closing.label("closing")
    ).subquery()
    sums = [
        func.coalesce(func.sum(running.c.closing - running.c.opening).filter(_is_movement(running, name)), 0)
        for name in MOVEMENTS
    ]
    rows = ctx.session.execute(select(running.c.month, *sums).where(running.c.month >= 1).group_by(running.c.month))
    return {(f"{firsts[row[0] - 1]:%Y-%m}", name): int(row[at]) for row in rows for at, name in enumerate(MOVEMENTS, 1)}


def _moved(first: dt.date, currency: str) -> Subquery:
    """The customers with a change in the month that begins on ``first``: their revenue before and after it."""
    until = _first_of(first, -1)
    touched = select(RevenueChange.customer_id).where(RevenueChange.since >= first, RevenueChange.since < until)
    before = func.coalesce(func.sum(RevenueChange.amount).filter(RevenueChange.since < first), 0)
    return (
        select(
            RevenueChange.customer_id, before.label("opening"), func.sum(RevenueChange.amount).label("closing")
        )
        .where(RevenueChange.since < until, RevenueChange.currency == currency)
        .where(RevenueChange.customer_id.in_(touched))
        .group_by(RevenueChange.customer_id)
        .subquery()
    )  # fmt: skip


def _is_movement(moved: Subquery, name: str) -> ColumnElement[bool]:
    opening, closing = moved.c.opening, moved.c.closing
    return {
        "new": and_(opening == 0, closing > 0),
        "expansion": and_(opening > 0, closing > opening),
        "contraction": and_(closing > 0, closing < opening),
        "churn": and_(opening > 0, closing == 0),
    }[name]


def _movement(opening: int, closing: int) -> str:
    if opening == 0:
        return "new"
    if closing == 0:
        return "churn"
    return "expansion" if closing > opening else "contraction"


def _item(row: AnyRow) -> dict[str, Any]:
    opening, closing = int(row.opening), int(row.closing)
    return {
        "customer": {"id": row.customer_id, "number": row.number, "name": row.name},
        "movement": _movement(opening, closing),
        "opening": _money(opening),
        "closing": _money(closing),
        "change": _money(closing - opening),
    }


def _money(minor: int | None) -> Money:
    return Money.from_minor(int(minor or 0), ctx.config.currency)


def _first_of(day: dt.date, months_back: int) -> dt.date:
    number = day.year * 12 + day.month - 1 - months_back
    return dt.date(number // 12, number % 12 + 1, 1)
