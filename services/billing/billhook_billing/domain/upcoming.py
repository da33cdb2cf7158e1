"""What a customer will be charged next, and when: the functions of the run, asked about the first day they answer."""

from collections.abc import Sequence
from datetime import date

from billhook_billing.domain.charging import Charge, charge_due, parts_due
from billhook_billing.domain.terms import SubscriptionTerms
from billhook_common.periods import Cycle, month_number

PERIODS_AHEAD = 36
"""A service that is stopped for longer has no next charge that anybody waits for."""


def next_charge(subscriptions: Sequence[SubscriptionTerms], today: date) -> tuple[date, Charge] | None:
    """The first day on which something is due, and the charge of a run on that day; None when nothing ever is.

    A day in the past means that a run is late: then the charge is that of a run today. Raises what ``charge_due`` does.
    """
    days = [day for terms in subscriptions if (day := first_due(terms)) is not None]
    if not days:
        return None
    charge = charge_due(subscriptions, max(min(days), today))
    return (min(days), charge) if charge is not None else None


def first_due(terms: SubscriptionTerms) -> date | None:
    """The first day on which a run charges something of ``terms`` (R19); None when nothing is left of it."""
    months = terms.payment_months
    cycle = Cycle(terms.anchor_day, months, month_number(terms.starts_on) % months)
    day = max(terms.starts_on, terms.charged_until or terms.starts_on)
    for _ in range(PERIODS_AHEAD):
        if terms.ends_before is not None and day >= terms.ends_before:
            return None
        period = cycle.period(day)
        ahead = max(period.from_, terms.starts_on)
        due = ahead if terms.prepaid_months else min(period.until, terms.ends_before or period.until)
        if parts_due(terms, due):
            return due
        day = period.until
    return None
