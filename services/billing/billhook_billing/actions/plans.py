"""Plans: what is sold (P1). A new price is for new subscriptions; those that run keep their own terms."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billhook_billing.models import Plan
from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.billing import PlanChanged
from billhook_common.errors import Conflict, Invalid, NotFound
from billhook_common.events import publish
from billhook_common.ids import uuid7
from billhook_common.money import checked_decimal, exponent
from billhook_common.tax import checked_rate

LONGEST_PERIOD_MONTHS = 12
"""A plan for longer than a year is a contract with instalments, not a period."""


class PlanNameTaken(Conflict):
    """People choose plans by name, so a name is given out once, letter case apart."""

    title = "There is a plan of this name"


class PlanChangedMeanwhile(Conflict):
    """Somebody else saved the plan since it was read."""

    title = "The plan was changed meanwhile"


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
    plan = Plan(id=uuid7(), version=1, **_values(terms.checked()))
    _save(session, clock, plan, "plan_made", None)
    return plan


def change_plan(session: Session, clock: Clock, plan_id: UUID, changes: dict[str, Any], *, version: int | None) -> Plan:
    """Change a plan; ``version`` is what the caller saw. Raises NotFound, PlanChangedMeanwhile, PlanNameTaken."""
    plan = session.get(Plan, plan_id, with_for_update=True)
    if plan is None:
        raise NotFound("There is no such plan.")
    if version is not None and version != plan.version:
        raise PlanChangedMeanwhile(f"It is at version {plan.version} now.", pointer="/version")
    before = _values(terms_of(plan))
    after = _values(PlanTerms(**before | changes).checked())
    for name, value in after.items():
        setattr(plan, name, value)
    plan.version += 1
    _save(session, clock, plan, "plan_changed", before)
    return plan


def plan_named(session: Session, name: str) -> Plan | None:
    """The plan of this name, letter case apart."""
    return session.scalar(select(Plan).where(func.lower(Plan.name) == name.lower()))


def terms_of(plan: Plan) -> PlanTerms:
    """What a stored plan says."""
    return PlanTerms(**{field.name: getattr(plan, field.name) for field in fields(PlanTerms)})


def _values(terms: PlanTerms) -> dict[str, Any]:
    return {field.name: getattr(terms, field.name) for field in fields(terms)}


def _save(session: Session, clock: Clock, plan: Plan, action: str, before: dict[str, Any] | None) -> None:
    try:
        with session.begin_nested():
            session.add(plan)
            session.flush()
    except IntegrityError as error:
        raise PlanNameTaken(f"{plan.name} is taken.", pointer="/name") from error
    terms = terms_of(plan)
    audit(session, clock, action, plan.id, before=before, after=_values(terms))
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
    publish(session, clock, fact, subject=plan.id, version=plan.version)
