"""Subscriptions: a plan on a customer (P2, P3). What was charged stays; changes are for the days not charged yet."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_billing.actions.due import terms_of
from billhook_billing.domain.terms import SubscriptionTerms, checked_terms
from billhook_billing.models import Account, Plan, Subscription
from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts import billing as contracts
from billhook_common.db import AnyRow, AnySelect
from billhook_common.discounts import discounted
from billhook_common.errors import Conflict, NotFound, NotKnownYet
from billhook_common.events import Outgoing, publish_many
from billhook_common.ids import uuid7
from billhook_common.money import Money, round_half_up

State = Literal["pending", "active", "stopped", "disabled", "archived"]

# From which states a person may bring a service into a state (P3); an end is said by its date, not by its state.
_MOVES: dict[str, frozenset[str]] = {
    "active": frozenset({"pending", "stopped"}),
    "stopped": frozenset({"active"}),
}


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

    Raises NotKnownYet (customer), NotFound (plan), PlanNotSold and the errors of ``checked_terms``.
    """
    account = session.get(Account, new.customer_id)
    if account is None:
        raise NotKnownYet("The customer has not arrived here yet.", pointer="/customer_id")
    plan = session.get(Plan, new.plan_id)
    if plan is None:
        raise NotFound("There is no such plan.", pointer="/plan_id")
    if not plan.enabled:
        raise PlanNotSold(f"{plan.name} is disabled.", pointer="/plan_id")
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
    session.add(subscription)
    audit(session, clock, "subscription_made", subscription.id, after={"plan": plan.name, "starts_on": new.starts_on})
    fact = contracts.SubscriptionActivated if subscription.state == "active" else contracts.SubscriptionChanged
    _save(session, clock, subscription, fact)
    return subscription


def change_subscription(session: Session, clock: Clock, subscription_id: UUID, changes: dict[str, Any]) -> Subscription:
    """New price, quantity, description, discounts or state, for the days not charged yet.

    Raises NotFound, StateNotReachable and the errors of ``checked_terms``.
    """
    subscription = _held(session, subscription_id)
    state = changes.get("state", subscription.state)
    if state != subscription.state and subscription.state not in _MOVES.get(state, frozenset()):
        raise StateNotReachable(f"From {subscription.state} to {state}.", pointer="/state")
    before = {name: getattr(subscription, name) for name in changes}
    woken = state == "active" and subscription.state == "stopped"
    for name, value in changes.items():
        setattr(subscription, name, value)
    if woken and (subscription.charged_until is None or subscription.charged_until < clock.today()):
        # What lies between was not provided and is not caught up (R20).
        subscription.charged_until = clock.today()
    subscription.version += 1
    audit(session, clock, "subscription_changed", subscription.id, before=before, after=changes)
    activated = subscription.state == "active" and before.get("state", "active") != "active"
    _save(session, clock, subscription, contracts.SubscriptionActivated if activated else contracts.SubscriptionChanged)
    return subscription


def end_subscription(session: Session, clock: Clock, subscription_id: UUID, *, ends_before: dt.date) -> Subscription:
    """Give the service its end: ``ends_before`` is the first day not provided and not charged (R5, R20).

    Raises NotFound, AlreadyEnded, AlreadyCharged, EndBeforeStart.
    """
    subscription = _held(session, subscription_id)
    if subscription.ends_before is not None and subscription.ends_before <= clock.today():
        raise AlreadyEnded(f"Its last day was before {subscription.ends_before}.")
    if subscription.charged_until is not None and subscription.charged_until > ends_before:
        raise AlreadyCharged(f"It is charged until {subscription.charged_until}.", pointer="/ends_before")
    before = subscription.ends_before
    subscription.ends_before, subscription.state = ends_before, "disabled"
    subscription.version += 1
    was, now = {"ends_before": before}, {"ends_before": ends_before}
    audit(session, clock, "subscription_ended", subscription.id, before=was, after=now)
    _save(session, clock, subscription, contracts.SubscriptionEnded)
    return subscription


def with_terms() -> AnySelect:
    """Subscriptions with all that ``terms_of`` and ``told`` need of plan and account."""
    return (
        select(
            *Subscription.__table__.columns, Plan.name.label("plan_name"), Account.billing_day, Account.prepaid_months
        )
        .join(Plan, Plan.id == Subscription.plan_id)
        .join(Account, Account.customer_id == Subscription.customer_id)
    )


def monthly_net(terms: SubscriptionTerms, on: dt.date) -> Money:
    """Its net value a month on a day, after the discounts of that day: what MRR adds up (features A13)."""
    price = Fraction(terms.price) * Fraction(terms.quantity)
    left = discounted(price, [discount for discount in terms.discounts if discount.covers(on)])
    net = left * 100 / (100 + Fraction(terms.tax_rate)) if terms.tax_included else left
    return round_half_up(net / terms.period_months, terms.currency)


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


def _save(
    session: Session, clock: Clock, subscription: Subscription, fact: type[contracts.SubscriptionSnapshot]
) -> None:
    """Write it if its terms may be, and tell."""
    # Checked before the database sees it: its own refusals name no field.
    with session.no_autoflush:
        account = session.get_one(Account, subscription.customer_id)
        checked_terms(_terms(subscription, account))
    session.flush()
    row = session.execute(with_terms().where(Subscription.id == subscription.id)).one()
    publish_many(session, clock, [told(fact, row, clock.today())])


def _terms(subscription: Subscription, account: Account) -> SubscriptionTerms:
    values = {column.key: getattr(subscription, column.key) for column in Subscription.__table__.columns}
    return terms_of(SimpleNamespace(**values, billing_day=account.billing_day, prepaid_months=account.prepaid_months))
