"""The terms of a subscription: everything that its charges depend on."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from billhook_billing.domain.proration import PRORATE, Proration
from billhook_common.discounts import Discount
from billhook_common.money import (
    MAX_LINE_MINOR,
    AmountOutOfRange,
    DecimalOutOfRange,
    checked_decimal,
    exponent,
    minor_units,
)
from billhook_common.periods import Cycle, EndBeforeStart, Period, checked_day
from billhook_common.tax import checked_rate


@dataclass(frozen=True, slots=True)
class SubscriptionTerms:
    """All that a charge depends on; filled from one row, whose values were checked when they were stored.

    ``price`` is for one full period of ``period_months`` and a quantity of 1; it contains tax where ``tax_included``.
    ``charged_until`` is the first day not charged yet (``None``: charge from the start; R11, R21).
    ``prepaid_months`` 0 is postpaid; 1 to 12 are paid together ahead, rounded up to whole periods (R19).
    ``stops`` are days that are not charged, in order: stopped, paused, or inactive (R6, R20).
    """

    subscription_id: UUID
    price: Decimal
    currency: str
    quantity: Decimal
    tax_rate: Decimal
    tax_included: bool
    period_months: int
    billing_day: int
    starts_on: date
    ends_before: date | None = None
    charged_until: date | None = None
    prepaid_months: int = 0
    description: str = ""
    discounts: tuple[Discount, ...] = ()
    proration: Proration = PRORATE
    stops: tuple[Period, ...] = ()

    @property
    def anchor_day(self) -> int:
        """The billing day; the day of the start where periods are anniversaries of it (R4)."""
        return self.starts_on.day if self.proration.method == "anniversary" else self.billing_day

    @property
    def payment_months(self) -> int:
        """Months that are paid together: one period, or the prepaid months in whole periods."""
        return -(-max(self.prepaid_months, 1) // self.period_months) * self.period_months


def checked_terms(terms: SubscriptionTerms) -> SubscriptionTerms:
    """``terms``, if a subscription may have them.

    Raises DecimalOutOfRange, UnknownCurrency, InvalidBillingDay, InvalidPeriodMonths, DateOutOfRange,
    EndBeforeStart, AmountOutOfRange or an error of a discount, each with the pointer of its field.
    """
    exponent(terms.currency)
    checked_decimal(terms.price, "/price", at_least=0)
    if not checked_decimal(terms.quantity, "/quantity", at_least=0):
        raise DecimalOutOfRange("must be more than 0", pointer="/quantity")
    _check_amount(terms)
    checked_rate(terms.tax_rate)
    Cycle.of(terms.starts_on, billing_day=terms.billing_day, months=terms.period_months)
    if terms.ends_before is not None and checked_day(terms.ends_before, "/ends_before") <= terms.starts_on:
        raise EndBeforeStart(f"{terms.ends_before} is not after {terms.starts_on}", pointer="/ends_before")
    if terms.charged_until is not None:
        checked_day(terms.charged_until, "/charged_until")
    checked_decimal(terms.prepaid_months, "/prepaid_months", at_least=0, at_most=12)
    for at, discount in enumerate(terms.discounts):
        discount.checked(f"/discounts/{at}")
    return terms


def _check_amount(terms: SubscriptionTerms) -> None:
    """A full period must be postable, or each run would fail for the customer. Raises AmountOutOfRange."""
    if terms.price * terms.quantity * minor_units(terms.currency) > MAX_LINE_MINOR:
        raise AmountOutOfRange("price times quantity is too large to be posted", pointer="/price")
