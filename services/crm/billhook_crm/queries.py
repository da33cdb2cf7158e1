"""Which customers: the filters, the orders and the figures of the list, shared by list, counts and panels."""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import InstrumentedAttribute

from billhook_common.db import AnyRow, AnySelect
from billhook_common.lists import Sorting
from billhook_common.money import Money
from billhook_common.scope import Scope
from billhook_crm.domain.keys import fold, search_words
from billhook_crm.models import Customer, CustomerSummary, Group, Location, OpenItem, Partner, Subscription

SORTING = Sorting(
    "name",
    name=(Customer.sort_name, Customer.id),
    number=(Customer.number,),
    created=(Customer.created_on, Customer.id),
    balance=(CustomerSummary.balance, CustomerSummary.customer_id),
)

_LISTED = (
    Customer.id, Customer.version, Customer.number, Customer.login, Customer.name, Customer.category,
    Customer.status, Customer.lifecycle, Customer.city, Customer.partner_id, Customer.location_id, Customer.email,
    Customer.phone, Customer.created_on, CustomerSummary.balance, CustomerSummary.currency,
    CustomerSummary.last_payment_on,
)  # fmt: skip


@lru_cache(maxsize=2)
def listed_customers(today: dt.date) -> AnySelect:
    """Every customer with the figures of the list; ``today`` decides what is overdue and which services run.

    Built once a day: building it costs as much as sending it.
    """
    named = (Partner.name.label("partner"), func.coalesce(Location.name, "").label("location"))
    return (
        select(*_LISTED, *named, _sold(today), _overdue(today))
        .join(CustomerSummary, CustomerSummary.customer_id == Customer.id)
        .join(Partner, Partner.id == Customer.partner_id)
        .join(Location, Location.id == Customer.location_id, isouter=True)
    )


def inside(scope: Scope) -> list[ColumnElement[bool]]:
    """The customers that exist for a caller of that scope."""
    return scope.conditions(Customer.partner_id, Customer.location_id)


def counted_customers(wanted: Mapping[str, Any], today: dt.date, scope: Scope) -> Select[int]:
    """How many customers inside of ``scope`` the filters in ``wanted`` leave."""
    statement = select(func.count()).select_from(Customer).where(*conditions(wanted, today), *inside(scope))
    if "balance" in wanted:
        statement = statement.join(CustomerSummary, CustomerSummary.customer_id == Customer.id)
    return statement


def conditions(wanted: Mapping[str, Any], today: dt.date) -> list[ColumnElement[bool]]:
    """The filters in ``wanted``; the keys are those of the list's query parameters."""
    found: list[ColumnElement[bool]] = [column == wanted[name] for name, column in _EQUAL.items() if name in wanted]
    found += [Customer.search.contains(word, autoescape=True) for word in search_words(wanted.get("q", ""))]
    for name, kind, column in _NAMED:
        if name in wanted:
            named = select(kind.id).where(kind.name_key == fold(wanted[name])).scalar_subquery()
            found.append(column == named if wanted[name] else column.is_(None))
    if "balance" in wanted:
        found.append(_BALANCES[wanted["balance"]])
    if "overdue" in wanted:
        owing = exists().where(OpenItem.customer_id == Customer.id, *is_overdue(today))
        found.append(owing if wanted["overdue"] else ~owing)
    if "created_from" in wanted:
        found.append(Customer.created_on >= wanted["created_from"])
    if "created_until" in wanted:
        found.append(Customer.created_on < wanted["created_until"])
    return found


def is_overdue(today: dt.date) -> tuple[ColumnElement[bool], ...]:
    """An open item whose due date has passed."""
    return (OpenItem.open > 0, OpenItem.due_on < today)


def figures(row: AnyRow) -> dict[str, Any]:
    """The figures of one listed row: plan, monthly, billing day, balance, overdue, last payment."""
    sold = row.sold or []
    currency = sold[0]["currency"] if sold else row.currency
    monthly = sum(item["monthly"] for item in sold if item["currency"] == currency)
    return {
        "plan": ", ".join(item["plan_name"] for item in sold),
        "monthly": Money.from_minor(monthly, currency) if sold else None,
        "billing_day": sold[0]["billing_day"] if sold else None,
        "balance": Money.from_minor(row.balance, row.currency),
        "overdue": Money.from_minor(int(row.overdue), row.currency),
        "last_payment_on": row.last_payment_on,
    }


_EQUAL = {
    "status": Customer.status,
    "lifecycle": Customer.lifecycle,
    "category": Customer.category,
    "location_id": Customer.location_id,
    "partner_id": Customer.partner_id,
}
_NAMED: tuple[tuple[str, type[Group], InstrumentedAttribute[Any]], ...] = (
    ("partner", Partner, Customer.partner_id),
    ("location", Location, Customer.location_id),
)
_BALANCES = {
    "negative": CustomerSummary.balance < 0,
    "zero": CustomerSummary.balance == 0,
    "positive": CustomerSummary.balance > 0,
}


def _sold(today: dt.date) -> ColumnElement[Any]:
    """The running services as a JSON list, the dearest first.

    A scalar subquery, since PostgreSQL works those out for the rows of the page only, after sorting.
    """
    service = func.json_build_object(
        "plan_name", Subscription.plan_name,
        "monthly", Subscription.monthly,
        "currency", Subscription.currency,
        "billing_day", Subscription.billing_day,
    )  # fmt: skip
    running = or_(Subscription.ends_before.is_(None), Subscription.ends_before > today)
    return (
        select(func.json_agg(aggregate_order_by(service, Subscription.monthly.desc(), Subscription.id)))
        .where(Subscription.customer_id == Customer.id, Subscription.state == "active", running)
        .scalar_subquery()
        .label("sold")
    )


def _overdue(today: dt.date) -> ColumnElement[Any]:
    return (
        select(func.coalesce(func.sum(OpenItem.open), 0))
        .where(OpenItem.customer_id == Customer.id, OpenItem.currency == CustomerSummary.currency, *is_overdue(today))
        .scalar_subquery()
        .label("overdue")
    )
