"""What a subscription would be charged for given days: the functions of the billing run, on terms given by hand."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from billhook_billing.domain.charging import Charge, charge_parts, parts_between
from billhook_billing.domain.proration import PRORATE, Proration
from billhook_billing.domain.terms import SubscriptionTerms, checked_terms
from billhook_common.discounts import Discount
from billhook_common.money import decimal_text
from billhook_common.periods import Period, PeriodsDisjoint, checked_day

_NO_SUBSCRIPTION = UUID(int=0)


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """The question: terms of a subscription (see ``SubscriptionTerms``) and the half-open days to charge."""

    price: Decimal
    currency: str
    tax_rate: Decimal
    tax_included: bool
    quantity: Decimal
    period_months: int
    billing_day: int
    starts_on: date
    from_: date
    until: date
    ends_before: date | None = None
    discounts: tuple[Discount, ...] = ()
    proration: Proration = PRORATE


def quote(request: QuoteRequest) -> Charge:
    """The charge for the days of ``request`` in which the subscription lives, a line for each anchored period.

    Raises the errors of ``checked_terms``, PeriodsDisjoint, TooManyPeriods and AmountOutOfRange.
    """
    terms = checked_terms(
        SubscriptionTerms(
            subscription_id=_NO_SUBSCRIPTION,
            price=request.price,
            currency=request.currency,
            quantity=request.quantity,
            tax_rate=request.tax_rate,
            tax_included=request.tax_included,
            period_months=request.period_months,
            billing_day=request.billing_day,
            starts_on=request.starts_on,
            ends_before=request.ends_before,
            discounts=request.discounts,
            proration=request.proration,
        )
    )
    asked = Period(checked_day(request.from_, "/from"), checked_day(request.until, "/until"))
    charged = asked.overlap(Period(terms.starts_on, terms.ends_before or date.max))
    if charged is None:
        raise PeriodsDisjoint("the subscription does not live on any of these days", pointer="/from")
    return charge_parts([(terms, parts_between(terms, from_=charged.from_, until=charged.until))])


def quote_json(charge: Charge) -> dict[str, object]:
    """A quote as JSON values: dates as ISO text, amounts as decimal text; lines sum to net, tax and gross."""

    def text(minor: int) -> str:
        return decimal_text(minor, charge.currency)

    return {
        "currency": charge.currency,
        "lines": [
            {
                "from": line.from_.isoformat(),
                "until": line.until.isoformat(),
                "days": line.days,
                "period_days": line.period_days,
                "quantity": format(line.terms.quantity, "f"),
                "unit_price": format(line.terms.price, "f"),
                "discount": text(line.discount_minor),
                "net": text(line.net_minor),
                "tax": text(line.tax_minor),
                "gross": text(line.net_minor + line.tax_minor),
                "rule": line.rule,
            }
            for line in charge.lines
        ],
        "taxes": [
            {"rate": format(row.rate, "f"), "net": text(row.net_minor), "tax": text(row.tax_minor)}
            for row in charge.taxes
        ],
        "net": text(charge.net_minor),
        "tax": text(charge.tax_minor),
        "gross": text(charge.gross_minor),
    }
