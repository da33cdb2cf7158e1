"""Rows of a customer file become subscriptions, with their plans, billing days and opening balances (R21, R69)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from billhook_billing.actions.match import Options, look_up, options_of, subscription_id
from billhook_billing.actions.plans import PlanNameTaken, PlanTerms, make_plan, plan_key, plans_named
from billhook_billing.actions.post import NewTransaction, post
from billhook_billing.actions.revenue import note_revenue
from billhook_billing.actions.settle import settle_customers
from billhook_billing.actions.subscriptions import told, with_terms
from billhook_billing.domain import ledger
from billhook_billing.domain.subscription_row import SubscriptionRow
from billhook_billing.models import Plan, Subscription
from billhook_common.clock import Clock
from billhook_common.contracts import billing as contracts
from billhook_common.db import copy_rows
from billhook_common.events import publish_many
from billhook_common.ids import derive_id
from billhook_common.imports import FileImport
from billhook_common.money import Money

_COLUMNS = (
    "id", "version", "customer_id", "plan_id", "state", "description", "price", "currency", "tax_rate", "tax_included",
    "period_months", "starts_on", "ends_before", "charged_until", "stops",
)  # fmt: skip
_BILLING_DAYS = text(
    "UPDATE account SET billing_day = new.day FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS smallint[])) "
    "AS new(customer_id, day) WHERE account.customer_id = new.customer_id AND account.billing_day <> new.day"
)
_FACTS: Mapping[str, type[contracts.SubscriptionSnapshot]] = {
    "active": contracts.SubscriptionActivated,
    "disabled": contracts.SubscriptionEnded,
}


@dataclass(frozen=True, slots=True)
class _Taken:
    """A row with its customer and plan."""

    row: SubscriptionRow
    customer_id: UUID
    plan: Plan


def take_over(session: Session, clock: Clock, item: FileImport, rows: Sequence[SubscriptionRow]) -> None:
    """Store rows that ``part_rows`` found new, whose accounts are held; nobody hears of them twice."""
    if not rows:
        return
    options, books = options_of(item), look_up(session, rows)
    plans = dict(books.plans)
    for row in rows:
        if plan_key(row.plan) not in plans:
            plans[plan_key(row.plan)] = _made_plan(session, clock, row, options, item.currency)
    taken = [_Taken(row, books.accounts[at].customer_id, plans[plan_key(row.plan)]) for at, row in enumerate(rows)]
    copy_rows(session, "subscription", _COLUMNS, (_subscription(one, options, item.currency) for one in taken))
    days = {one.customer_id: one.row.billing_day for one in taken if one.row.billing_day is not None}
    session.execute(_BILLING_DAYS, {"ids": list(days), "days": list(days.values())})
    if options.opening_balances:
        _open_balances(session, clock, item, taken, on=options.cut_over)
    _tell(session, clock, [subscription_id(one.customer_id, one.row) for one in taken])


def _made_plan(session: Session, clock: Clock, row: SubscriptionRow, options: Options, currency: str) -> Plan:
    """A plan that is named and not there, with price and VAT rate of the first row that names it."""
    assert row.price is not None and row.tax_rate is not None, "part_rows refuses such a row"
    terms = PlanTerms(
        name=row.plan,
        kind="internet",
        price=row.price,
        currency=currency,
        tax_rate=row.tax_rate,
        tax_included=options.tax_included,
    )
    try:
        return make_plan(session, clock, terms)
    except PlanNameTaken:
        # Somebody made it in this moment.
        return plans_named(session, [row.plan])[plan_key(row.plan)]


def _subscription(one: _Taken, options: Options, currency: str) -> tuple[object, ...]:
    row, plan = one.row, one.plan
    return (
        subscription_id(one.customer_id, row), 1, one.customer_id, plan.id, row.state, plan.name,
        plan.price if row.price is None else row.price, currency,
        plan.tax_rate if row.tax_rate is None else row.tax_rate,
        plan.tax_included if row.price is None else options.tax_included,
        plan.period_months, row.starts_on, row.ends_before, row.charged_until,
        Jsonb([{"from": row.charged_until.isoformat(), "until": None}] if row.state == "stopped" else []),
    )  # fmt: skip


def _open_balances(session: Session, clock: Clock, item: FileImport, taken: Sequence[_Taken], *, on: dt.date) -> None:
    """What the customers bring along; a debt is due at once (R69)."""
    new = [
        NewTransaction(
            id=derive_id("opening", one.customer_id, item.id),
            posting=ledger.opening(one.customer_id, Money(one.row.balance, item.currency)),
            customer_id=one.customer_id,
            posted_on=on,
            description="Opening balance",
            source="import",
            source_key=str(item.id),
        )
        for one in taken
        if one.row.balance
    ]
    post(session, clock, new)
    settle_customers(session, clock, {one.customer_id for one in taken if one.row.balance})


def _tell(session: Session, clock: Clock, ids: Sequence[UUID]) -> None:
    rows = session.execute(with_terms().where(Subscription.id.in_(ids))).all()
    today = clock.today()
    note_revenue(session, rows, today)
    publish_many(
        session, clock, (told(_FACTS.get(row.state, contracts.SubscriptionChanged), row, today) for row in rows)
    )
