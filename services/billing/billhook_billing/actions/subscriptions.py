"""Subscriptions: a plan on a customer (P2, P3). What was charged stays; changes are for the days not charged yet."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.orm import Session

from billhook_billing.actions.due import terms_of
from billhook_billing.actions.revenue import note_revenue
from billhook_billing.domain.revenue import monthly_net
from billhook_billing.domain.terms import SubscriptionTerms, checked_terms
from billhook_billing.models import Account, Plan, Subscription
from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts import billing as contracts
from billhook_common.db import AnyRow, AnySelect
from billhook_common.errors import Conflict, NotFound, NotKnownYet
from billhook_common.etags import check_version
from billhook_common.events import Outgoing, publish_many
from billhook_common.ids import uuid7
from billhook_common.money import CurrencyMismatch, Money

State = Literal["pending", "active", "stopped", "disabled", "archived"]

_ENDED_AT_ONCE = 2_000
"""Services whose end is noted in one transaction."""

# From which states a person may bring a service into a state (P3); an end is said by its date, not by its state.
_MOVES: dict[str, frozenset[str]] = {
    "active": frozenset({"pending", "stopped"}),
    "stopped": frozenset({"active"}),
}


class CustomerArchived(Conflict):
    """Who is gone buys nothing."""

    title = "The customer is archived"


class PlanNotSold(Conflict):
    """A plan that is not enabled keeps its subscriptions but gets no new ones (P1)."""

    title = "The plan is not sold any more"


class AlreadyCharged(Conflict):
    """Days that are charged are taken back by a credit, not by a date (R24)."""

    title = "These days are charged already"


class AlreadyEnded(Conflict):
    """The service has its end."""

    title = "The service has ended already"


class StateNotReachable(Conflict):
    """A service moves between pending, active and stopped; an end needs a date."""

    title = "The service cannot be brought into this state"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscription:
    """What is sold to whom; price, tax and period are the plan's where they are not given."""

    customer_id: UUID
    plan_id: UUID
    starts_on: dt.date
    ends_before: dt.date | None = None
    charged_until: dt.date | None = None
    price: Decimal | None = None
    quantity: Decimal = Decimal(1)
    tax_rate: Decimal | None = None
    description: str = ""
    discounts: tuple[dict[str, Any], ...] = ()
    state: State = "active"


def subscribe(session: Session, clock: Clock, new: NewSubscription) -> Subscription:
    """Sell a plan to a customer.

    Raises NotKnownYet (customer), CustomerArchived, NotFound (plan), PlanNotSold, CurrencyMismatch and the errors of
    ``checked_terms``.
    """
    account = session.get(Account, new.customer_id)
    if account is None:
        raise NotKnownYet("The customer has not arrived here yet.", pointer="/customer_id")
    if account.lifecycle == "archived":
        raise CustomerArchived(f"{account.name} is archived.", pointer="/customer_id")
    plan = _sold_plan(session, new.plan_id, account.currency)
    subscription = Subscription(
        id=uuid7(),
        version=1,
        customer_id=account.customer_id,
        plan_id=plan.id,
        state=new.state,
        description=new.description or plan.name,
        price=plan.price if new.price is None else new.price,
        quantity=new.quantity,
        currency=plan.currency,
        tax_rate=plan.tax_rate if new.tax_rate is None else new.tax_rate,
        tax_included=plan.tax_included,
        period_months=plan.period_months,
        starts_on=new.starts_on,
        ends_before=new.ends_before,
        charged_until=new.charged_until,
        discounts=list(new.discounts),
    )
    _check(session, subscription)
    session.add(subscription)
    audit(session, clock, "subscription_made", subscription.id, after={"plan": plan.name, "starts_on": new.starts_on})
    fact = contracts.SubscriptionActivated if subscription.state == "active" else contracts.SubscriptionChanged
    tell_subscriptions(session, clock, [subscription.id], fact)
    return subscription


def _sold_plan(session: Session, plan_id: UUID, currency: str) -> Plan:
    plan = session.get(Plan, plan_id)
    if plan is None:
        raise NotFound("There is no such plan.", pointer="/plan_id")
    if not plan.enabled:
        raise PlanNotSold(f"{plan.name} is disabled.", pointer="/plan_id")
    if plan.currency != currency:
        raise CurrencyMismatch(f"The customer is billed in {currency}, not in {plan.currency}.", pointer="/plan_id")
    return plan


def change_subscription(
    session: Session, clock: Clock, subscription_id: UUID, changes: dict[str, Any], *, seen: int | None
) -> Subscription:
    """New price, quantity, description, discounts or state, for the days not charged yet; ``seen``: of that version.

    Raises NotFound, VersionGone, StateNotReachable and the errors of ``checked_terms``.
    """
    subscription = _held(session, subscription_id)
    check_version(session, subscription_id, seen=seen, present=subscription.version)
    state = changes.get("state", subscription.state)
    if state != subscription.state and subscription.state not in _MOVES.get(state, frozenset()):
        raise StateNotReachable(f"From {subscription.state} to {state}.", pointer="/state")
    before = {name: getattr(subscription, name) for name in changes}
    if state != subscription.state:
        subscription.stops = _stops_after(subscription, state, clock.today())
    for name, value in changes.items():
        setattr(subscription, name, value)
    subscription.version += 1
    _check(session, subscription)
    audit(session, clock, "subscription_changed", subscription.id, before=before, after=changes)
    activated = subscription.state == "active" and before.get("state", "active") != "active"
    fact = contracts.SubscriptionActivated if activated else contracts.SubscriptionChanged
    tell_subscriptions(session, clock, [subscription.id], fact)
    return subscription


def _stops_after(subscription: Subscription, state: str, today: dt.date) -> list[dict[str, Any]]:
    """The days without service when it is brought into ``state`` today: they are never charged (R20)."""
    stops = list(subscription.stops)
    if state == "stopped":
        return [*stops, {"from": today.isoformat(), "until": None}]
    from_ = stops.pop()["from"] if subscription.state == "stopped" else subscription.starts_on.isoformat()
    if from_ < today.isoformat():
        stops.append({"from": from_, "until": today.isoformat()})
    return stops


def end_subscription(session: Session, clock: Clock, subscription_id: UUID, *, ends_before: dt.date) -> Subscription:
    """Give the service its end: ``ends_before`` is the first day not provided and not charged (R5, R20).

    Until that day it stays as it is. Raises NotFound, AlreadyEnded, AlreadyCharged, EndBeforeStart.
    """
    subscription = _held(session, subscription_id)
    if subscription.ends_before is not None and subscription.ends_before <= clock.today():
        raise AlreadyEnded(f"Its last day was before {subscription.ends_before}.")
    if subscription.charged_until is not None and subscription.charged_until > ends_before:
        raise AlreadyCharged(f"It is charged until {subscription.charged_until}.", pointer="/ends_before")
    before = subscription.ends_before
    subscription.ends_before = ends_before
    if ends_before <= clock.today():
        if subscription.state == "pending":
            # It was never provided.
            subscription.charged_until = ends_before
        subscription.state = "disabled"
    subscription.version += 1
    _check(session, subscription)
    was, now = {"ends_before": before}, {"ends_before": ends_before}
    audit(session, clock, "subscription_ended", subscription.id, before=was, after=now)
    tell_subscriptions(session, clock, [subscription.id], contracts.SubscriptionEnded)
    return subscription


def disable_ended(session: Session, clock: Clock) -> bool:
    """Services whose last day is over become disabled, some at a time; False when there are none."""
    today = clock.today()
    over = (
        select(Subscription.id)
        .where(Subscription.ends_before <= today, Subscription.state.not_in(("disabled", "archived")))
        .order_by(Subscription.id)
        .limit(_ENDED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ended = update(Subscription).where(Subscription.id.in_(over))
    never_provided = case((Subscription.state == "pending", Subscription.ends_before), else_=Subscription.charged_until)
    values = {"state": "disabled", "version": Subscription.version + 1, "charged_until": never_provided}
    ids = session.scalars(
        ended.values(values).returning(Subscription.id), execution_options={"synchronize_session": False}
    ).all()
    tell_subscriptions(session, clock, ids, contracts.SubscriptionEnded)
    return bool(ids)


def tell_subscriptions(
    session: Session, clock: Clock, ids: Sequence[UUID], fact: type[contracts.SubscriptionSnapshot]
) -> None:
    """Say how these subscriptions are now, and write down what they are worth."""
    if ids:
        session.flush()
        rows = session.execute(with_terms().where(Subscription.id.in_(ids))).all()
        today = clock.today()
        note_revenue(session, rows, today)
        publish_many(session, clock, (told(fact, row, today) for row in rows))


def with_terms() -> AnySelect:
    """Subscriptions with all that ``terms_of`` and ``told`` need of plan and account."""
    return (
        select(
            *Subscription.__table__.columns,
            Plan.name.label("plan_name"),
            Account.billing_day,
            Account.prepaid_months,
            Account.lifecycle,
        )
        .join(Plan, Plan.id == Subscription.plan_id)
        .join(Account, Account.customer_id == Subscription.customer_id)
    )


def recurring_revenue(session: Session, currency: str, on: dt.date) -> tuple[int, Money]:
    """How many services are active on ``on``, and their net value a month (MRR, features A13).

    Those of archived customers only run out and are left out. Services of equal terms are valued once: a hundred
    thousand have a few hundred prices.
    """
    same = (
        Subscription.price, Subscription.quantity, Subscription.currency, Subscription.tax_rate,
        Subscription.tax_included, Subscription.period_months, Subscription.discounts,
    )  # fmt: skip
    groups = session.execute(
        select(*same, func.count().label("services"))
        .join(Account, Account.customer_id == Subscription.customer_id)
        .where(Subscription.state == "active", Subscription.currency == currency, Subscription.starts_on <= on)
        .where(Account.lifecycle != "archived")
        .where(or_(Subscription.ends_before.is_(None), Subscription.ends_before > on))
        .group_by(*same)
    )
    count = minor = 0
    for row in groups:
        terms = terms_of(SimpleNamespace(**row._mapping, **_NO_DATES))
        count += row.services
        minor += row.services * monthly_net(terms, on).minor
    return count, Money.from_minor(minor, currency)


_NO_DATES = {
    "id": UUID(int=0), "billing_day": 1, "starts_on": dt.date.min, "ends_before": None, "charged_until": None,
    "prepaid_months": 0, "description": "", "stops": (),
}  # fmt: skip
"""What terms need besides, and a value does not depend on."""


def told(fact: type[contracts.SubscriptionSnapshot], row: AnyRow, on: dt.date) -> Outgoing:
    """The event of a subscription, from its row of ``with_terms``."""
    snapshot = fact(
        subscription_id=row.id,
        version=row.version,
        customer_id=row.customer_id,
        plan_id=row.plan_id,
        plan_name=row.plan_name,
        state=row.state,
        price=row.price,
        quantity=row.quantity,
        currency=row.currency,
        monthly=monthly_net(terms_of(row), on),
        billing_day=row.billing_day,
        starts_on=row.starts_on,
        ends_before=row.ends_before,
    )
    return Outgoing(fact=snapshot, subject=row.id, customer_id=row.customer_id, version=row.version)


def _held(session: Session, subscription_id: UUID) -> Subscription:
    subscription = session.get(Subscription, subscription_id, with_for_update=True)
    if subscription is None:
        raise NotFound("There is no such service.")
    return subscription


def _check(session: Session, subscription: Subscription) -> None:
    """Raise the errors of ``checked_terms`` before the database sees it: its own refusals name no field."""
    with session.no_autoflush:
        checked_terms(_terms(subscription, session.get_one(Account, subscription.customer_id)))


def _terms(subscription: Subscription, account: Account) -> SubscriptionTerms:
    values = {column.key: getattr(subscription, column.key) for column in Subscription.__table__.columns}
    return terms_of(SimpleNamespace(**values, billing_day=account.billing_day, prepaid_months=account.prepaid_months))
