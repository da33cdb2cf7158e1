"""Plans: what is sold (P1). A new price is for new subscriptions; those that run keep their own terms."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, cast, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billhook_billing.models import Plan
from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.billing import PlanChanged
from billhook_common.errors import Conflict, Invalid, NotFound
from billhook_common.etags import check_version
from billhook_common.events import Outgoing, publish
from billhook_common.ids import uuid7
from billhook_common.money import checked_decimal, exponent
from billhook_common.tax import checked_rate

LONGEST_PERIOD_MONTHS = 12
"""A plan for longer than a year is a contract with instalments, not a period."""


class PlanNameTaken(Conflict):
    """People choose plans by name, so a name is given out once, letter case apart."""

    title = "There is a plan of this name"


class PeriodOutOfRange(Invalid):
    """A plan is for 1 to 12 months."""

    title = "The period is 1 to 12 months"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """What a plan says; ``price`` is for one period of ``period_months``."""

    name: str
    kind: str
    price: Decimal
    currency: str
    tax_rate: Decimal
    tax_included: bool
    period_months: int = 1
    description: str = ""
    enabled: bool = True

    def checked(self) -> "PlanTerms":
        """The same, if a plan may have it. Raises UnknownCurrency, DecimalOutOfRange, PeriodOutOfRange."""
        exponent(self.currency)
        checked_decimal(self.price, "/price", at_least=0)
        checked_rate(self.tax_rate)
        if not 1 <= self.period_months <= LONGEST_PERIOD_MONTHS:
            raise PeriodOutOfRange(f"{self.period_months} months.", pointer="/period_months")
        return self


def make_plan(session: Session, clock: Clock, terms: PlanTerms) -> Plan:
    """A new plan. Raises PlanNameTaken and the errors of its terms."""
    plan = Plan(id=uuid7(), version=0)
    _save(session, clock, plan, terms.checked(), "plan_made", None)
    return plan


def change_plan(session: Session, clock: Clock, plan_id: UUID, changes: dict[str, Any], *, seen: int | None) -> Plan:
    """Change a plan of the version ``seen``, None for any. Raises NotFound, VersionGone, PlanNameTaken."""
    plan = session.get(Plan, plan_id, with_for_update=True)
    if plan is None:
        raise NotFound("There is no such plan.")
    check_version(session, plan_id, seen=seen, present=plan.version)
    before = _values(terms_of(plan))
    _save(session, clock, plan, PlanTerms(**before | changes).checked(), "plan_changed", before)
    return plan


def plans_named(session: Session, names: Collection[str]) -> dict[str, Plan]:
    """The plans of these names, by the keys of the names."""
    # PostgreSQL folds both sides, so that they cannot differ in the odd letter.
    wanted = func.unnest(cast([*names], ARRAY(Text))).table_valued("name")
    found = select(wanted.c.name, Plan).join(Plan, func.lower(Plan.name) == func.lower(wanted.c.name))
    return {plan_key(name): plan for name, plan in session.execute(found)}


def plan_key(name: str) -> str:
    """What makes the name of a plan unique: letter case apart."""
    return name.lower()


def terms_of(plan: Plan) -> PlanTerms:
    """What a stored plan says."""
    return PlanTerms(**{field.name: getattr(plan, field.name) for field in fields(PlanTerms)})


def _values(terms: PlanTerms) -> dict[str, Any]:
    return {field.name: getattr(terms, field.name) for field in fields(terms)}


def _save(
    session: Session, clock: Clock, plan: Plan, terms: PlanTerms, action: str, before: dict[str, Any] | None
) -> None:
    after = _values(terms)
    try:
        # Set inside: what is set before would be written before the savepoint.
        with session.begin_nested():
            for name, value in after.items():
                setattr(plan, name, value)
            plan.version += 1
            session.add(plan)
    except IntegrityError as error:
        raise PlanNameTaken(f"{terms.name} is taken.", pointer="/name") from error
    audit(session, clock, action, plan.id, before=before, after=after)
    event = plan_changed(plan)
    publish(session, clock, event.fact, subject=event.subject, version=event.version)


def plan_changed(plan: Plan) -> Outgoing:
    """The event that tells how a plan is now."""
    fact = PlanChanged(
        plan_id=plan.id,
        version=plan.version,
        name=plan.name,
        kind=plan.kind,
        price=plan.price,
        currency=plan.currency,
        tax_rate=plan.tax_rate,
        tax_included=plan.tax_included,
        period_months=plan.period_months,
        enabled=plan.enabled,
    )
    return Outgoing(fact=fact, subject=plan.id, version=plan.version)
