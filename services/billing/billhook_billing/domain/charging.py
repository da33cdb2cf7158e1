"""What a customer's subscriptions owe up to a day: parts of anchored periods, priced and taxed (R1 to R4, R7, R8, R11).

The billing run, its preview and the quote all come through ``charge_parts``, so they cannot differ. Amounts called
``minor`` are minor units of the customer's currency. A run calls this for every customer: dates are worked out once
for each distinct set of them (cached), and a line is priced by one integer division.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple
from uuid import UUID

from billhook_billing.domain.proration import Mode, Part, Share, share_of
from billhook_billing.domain.terms import SubscriptionTerms
from billhook_common.discounts import discounted
from billhook_common.errors import Invalid
from billhook_common.money import MAX_LINE_MINOR, AmountOutOfRange, CurrencyMismatch, half_up, minor_units, scaled
from billhook_common.periods import Cycle, month_number
from billhook_common.tax import TaxRounding, spread_tax, tax_minor

# More periods of one subscription in one charge are a wrong date, not a debt (a hundred years of months).
MAX_PERIODS = 1200
# To catch up more payments than this, a person confirms (R21).
CATCH_UP_LIMIT = 2

# Stretches of days up to here are remembered.
_CACHED = timedelta(days=400)
# A price and a quantity are computed in millionths each.
_SCALE = 10**12

# A line before tax: with its amount and discount in minor units.
_Priced = tuple[SubscriptionTerms, Part, Share, int, int]


class TooManyPeriods(Invalid):
    """The days to charge hold more billing periods than one charge may have."""

    title = "Too many billing periods"


class ChargeLine(NamedTuple):
    """One line: a part of one period of one subscription, with all that explains its amount (R18).

    ``net_minor + tax_minor`` is its gross. ``discount_minor`` was taken off the price as it is quoted: net, or gross
    where tax is included. ``from_`` is the period start of the charge id (R11).
    """

    terms: SubscriptionTerms
    from_: date
    until: date
    days: int
    period_days: int
    rule: str
    discount_minor: int
    net_minor: int
    tax_minor: int


class TaxTotal(NamedTuple):
    """One row of the tax breakdown: ``net_minor`` was taxed at ``rate`` percent."""

    rate: Decimal
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What one customer is charged on one document; lines and tax rows sum to net and tax (R8).

    ``late`` are the subscriptions of which more payments are caught up than the limit: a person confirms them (R21).
    """

    currency: str
    lines: tuple[ChargeLine, ...]
    taxes: tuple[TaxTotal, ...]
    net_minor: int
    tax_minor: int
    late: tuple[UUID, ...] = ()

    @property
    def gross_minor(self) -> int:
        """What the customer owes."""
        return self.net_minor + self.tax_minor

    @property
    def charged_until(self) -> dict[UUID, date]:
        """For each charged subscription the first day that is now not charged: the compare-and-set of R11."""
        return {line.terms.subscription_id: line.until for line in self.lines}


def charge_due(
    subscriptions: Sequence[SubscriptionTerms],
    run_date: date,
    *,
    tax_rounding: TaxRounding = "document",
    catch_up_limit: int = CATCH_UP_LIMIT,
) -> Charge | None:
    """The charge of one customer's subscriptions on ``run_date``; ``None`` when nothing is due.

    Raises CurrencyMismatch, TooManyPeriods, AmountOutOfRange.
    """
    due, late = [], []
    for terms in subscriptions:
        parts = parts_due(terms, run_date)
        if parts:
            due.append((terms, parts))
            if len(parts) > catch_up_limit and _payments(terms, parts) > catch_up_limit:
                late.append(terms.subscription_id)
    return charge_parts(due, tax_rounding=tax_rounding, late=tuple(late)) if due else None


def _payments(terms: SubscriptionTerms, parts: Sequence[Part]) -> int:
    """How many payments these parts should have been."""
    cycle = Cycle(terms.anchor_day, terms.payment_months, month_number(terms.starts_on))
    return len({cycle.index(part.from_) for part in parts})


def parts_due(terms: SubscriptionTerms, run_date: date) -> tuple[Part, ...]:
    """What of ``terms`` falls due by ``run_date`` and is not charged, from ``charged_until`` on without a gap.

    A postpaid period is due when it, or the subscription, has ended; prepaid months when they, and the subscription,
    have begun. Nothing from ``ends_before`` on is ever due (R20). Raises TooManyPeriods.
    """
    starts_on, ends_before = terms.starts_on, terms.ends_before
    if terms.prepaid_months and run_date < starts_on:
        return ()
    months = terms.payment_months
    until = _reached(
        run_date, terms.anchor_day, months, month_number(starts_on) % months, ahead=bool(terms.prepaid_months)
    )
    if ends_before is not None and (ends_before < until or ends_before <= run_date):
        until = ends_before
    charged_until = terms.charged_until
    start = starts_on if charged_until is None or charged_until < starts_on else charged_until
    return parts_between(terms, from_=start, until=until) if start < until else ()


@lru_cache(maxsize=4096)
def _reached(run_date: date, anchor_day: int, months: int, phase: int, *, ahead: bool) -> date:
    """The last boundary up to ``run_date``, or the first one after it."""
    period = Cycle(anchor_day, months, phase).period(run_date)
    return period.until if ahead else period.from_


def parts_between(terms: SubscriptionTerms, *, from_: date, until: date) -> tuple[Part, ...]:
    """``[from_, until)`` cut at the boundaries of the anchored periods, without the days of stops.

    Raises TooManyPeriods above MAX_PERIODS.
    """
    months = terms.period_months
    # Long stretches are rare and would fill the cache.
    cut = _cut if until - from_ < _CACHED else _cut.__wrapped__
    parts = cut(from_, until, terms.anchor_day, months, month_number(terms.starts_on) % months)
    if not terms.stops:
        return parts
    return tuple(running for part in parts for running in _running(terms, part))


@lru_cache(maxsize=4096)
def _cut(from_: date, until: date, anchor_day: int, months: int, phase: int) -> tuple[Part, ...]:
    cycle = Cycle(anchor_day, months, phase)
    first, last = cycle.index(from_), cycle.index(until - timedelta(days=1))
    if last - first >= MAX_PERIODS:
        raise TooManyPeriods(f"{last - first + 1} periods from {from_} to {until}", pointer="/until")
    boundaries = [cycle.boundary(k) for k in range(first, last + 2)]
    return tuple(Part(max(from_, start), min(until, end), start, end) for start, end in pairwise(boundaries))


def _running(terms: SubscriptionTerms, part: Part) -> Sequence[Part]:
    """What is left of ``part`` outside the stops; where it costs the full price anyway, one part, not several."""
    running, from_ = [], part.from_
    for stop in terms.stops:
        if stop.from_ >= part.until:
            break
        if from_ < stop.from_:
            running.append(part._replace(from_=from_, until=stop.from_))
        from_ = max(from_, stop.until)
    if from_ < part.until:
        running.append(part._replace(from_=from_))
    if len(running) > 1 and _mode(terms, running[0]) in ("none", "full_first"):
        return [running[0]._replace(until=running[-1].until)]
    return running


def _mode(terms: SubscriptionTerms, part: Part) -> Mode | Literal["full_first"]:
    """How ``part`` is priced where it is not a full period (R4)."""
    if terms.proration.method == "full_first" and part.from_ == terms.starts_on:
        return "full_first"
    return terms.proration.mode


def charge_parts(
    due: Sequence[tuple[SubscriptionTerms, Sequence[Part]]],
    *,
    tax_rounding: TaxRounding = "document",
    late: tuple[UUID, ...] = (),
) -> Charge:
    """Prices and taxes the parts of at least one subscription of one customer (R4, R7, R8).

    Raises CurrencyMismatch and AmountOutOfRange.
    """
    currency = due[0][0].currency
    priced: list[_Priced] = []
    for terms, parts in due:
        if terms.currency != currency:
            raise CurrencyMismatch(f"one charge cannot hold both {currency} and {terms.currency}")
        full_price = _full_price(terms)
        for part in parts:
            share = share_of(part, terms.period_months, _mode(terms, part))
            priced.append((terms, part, share, *_amounts(terms, part, share, full_price)))
    taxes = _taxes(priced, tax_rounding)
    lines = tuple(map(_line, priced, taxes))
    return Charge(currency, lines, _by_rate(lines), sum([line.net_minor for line in lines]), sum(taxes), late)


def _line(priced: _Priced, tax: int) -> ChargeLine:
    terms, part, share, amount, discount = priced
    net = amount - tax if terms.tax_included else amount
    _, _, days, period_days, rule = share
    return ChargeLine(terms, part.from_, part.until, days, period_days, rule, discount, net, tax)


def _full_price(terms: SubscriptionTerms) -> int:
    """The price of the whole quantity for a full period, in minor units times _SCALE."""
    return scaled(terms.price) * scaled(terms.quantity) * minor_units(terms.currency)


def _amounts(terms: SubscriptionTerms, part: Part, share: Share, full_price: int) -> tuple[int, int]:
    """What ``part`` costs after discounts, and what they took off, in minor units: each rounded once, at the end."""
    amount = half_up(full_price * share.numerator, _SCALE * share.denominator)
    if amount > MAX_LINE_MINOR:
        raise AmountOutOfRange("price times quantity is too large to be posted", pointer="/price")
    if not terms.discounts:
        return amount, 0
    exact = _discounted(terms, part) * share.numerator / share.denominator * minor_units(terms.currency)
    left = half_up(exact.numerator, exact.denominator)
    return left, amount - left


def _discounted(terms: SubscriptionTerms, part: Part) -> Fraction:
    """The price of a full period less the discounts, each counted for the days of ``part`` on which it applies (R7)."""
    price = Fraction(terms.price) * Fraction(terms.quantity)
    edges = {day for discount in terms.discounts for day in (discount.from_, discount.until) if day is not None}
    days = [part.from_, *sorted(day for day in edges if part.from_ < day < part.until), part.until]
    total = Fraction(0)
    for from_, until in pairwise(days):
        active = [discount for discount in terms.discounts if discount.covers(from_)]
        total += discounted(price, active) * (until - from_).days
    return total / (part.until - part.from_).days


def _taxes(priced: Sequence[_Priced], rounding: TaxRounding) -> list[int]:
    """Tax of each line; lines of one rate share the tax of their sum (R8)."""
    taxes = [0] * len(priced)
    groups: dict[tuple[Decimal, bool], list[int]] = {}
    for at, (terms, *_) in enumerate(priced):
        groups.setdefault((terms.tax_rate, terms.tax_included), []).append(at)
    for (rate, included), places in groups.items():
        amounts = [priced[at][3] for at in places]
        if rounding == "line":
            shares = [tax_minor(amount, rate, included=included) for amount in amounts]
        else:
            shares = spread_tax(amounts, rate, included=included)
        for at, share in zip(places, shares, strict=True):
            taxes[at] = share
    return taxes


def _by_rate(lines: Sequence[ChargeLine]) -> tuple[TaxTotal, ...]:
    nets: dict[Decimal, int] = {}
    taxes: dict[Decimal, int] = {}
    for line in lines:
        rate = line.terms.tax_rate
        nets[rate] = nets.get(rate, 0) + line.net_minor
        taxes[rate] = taxes.get(rate, 0) + line.tax_minor
    return tuple(TaxTotal(rate, nets[rate], taxes[rate]) for rate in sorted(nets))


def used_and_unused(terms: SubscriptionTerms, part: Part, *, change_on: date) -> tuple[int, int]:
    """What a charged ``part`` was worth before ``change_on``, and the credit for the rest, in minor units (R4, R5).

    The day of the change is not used. The two sum to what the part cost. Net, or gross where the price includes tax.
    """

    def cost(piece: Part) -> int:
        share = share_of(piece, terms.period_months, _mode(terms, piece))
        return _amounts(terms, piece, share, _full_price(terms))[0]

    whole = cost(part)
    if change_on >= part.until:
        return whole, 0
    # Thirty of thirty-one days may cost the whole of a period whose last day is discounted: no credit below zero.
    used = min(cost(part._replace(until=change_on)), whole) if change_on > part.from_ else 0
    return used, whole - used
