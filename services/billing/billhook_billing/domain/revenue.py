"""What a service is worth a month, and how that changes with time: what recurring revenue adds up (features A13)."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction

from billhook_billing.domain.terms import SubscriptionTerms
from billhook_common.discounts import discounted
from billhook_common.money import Money, round_half_up

MOVEMENTS = ("new", "expansion", "contraction", "churn")
"""Why the revenue of a customer moved in a month: from nothing, up, down, to nothing."""


def monthly_net(terms: SubscriptionTerms, on: dt.date) -> Money:
    """Its net value a month on a day, after the discounts of that day."""
    price = Fraction(terms.price) * Fraction(terms.quantity)
    left = discounted(price, [discount for discount in terms.discounts if discount.covers(on)])
    net = left * 100 / (100 + Fraction(terms.tax_rate)) if terms.tax_included else left
    return round_half_up(net / terms.period_months, terms.currency)


def values_from(terms: SubscriptionTerms, day: dt.date, *, is_provided: bool) -> Iterator[tuple[dt.date, int]]:
    """From ``day`` on: days, and the minor units a month that it is worth from each until the next.

    One that is not provided is worth nothing; a discount that begins or ends and the service's end are such days.
    """
    end = terms.ends_before
    if not is_provided or (end is not None and end <= day):
        yield day, 0
        return
    turns = {turn for one in terms.discounts for turn in (one.from_, one.until) if turn is not None and turn > day}
    for turn in sorted({day, *turns}):
        if end is None or turn < end:
            yield turn, monthly_net(terms, turn).minor
    if end is not None:
        yield end, 0
