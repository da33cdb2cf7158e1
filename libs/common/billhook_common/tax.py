"""Tax of a document: per rate, added to net prices or contained in gross ones (R8).

Wherever tax is shown per line it was spread by largest remainder, so lines + tax = total everywhere; with prices
that include tax the gross of a line never moves. Everything here is pure; amounts called ``minor`` are minor units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Literal

from billhook_common.discounts import Discount, discounted
from billhook_common.errors import Invalid
from billhook_common.money import (
    MAX_LINE_MINOR,
    AmountOutOfRange,
    DecimalOutOfRange,
    Money,
    checked_decimal,
    common_denominator,
    half_up,
    largest_remainder,
    minor_units,
    scaled,
)

TaxRounding = Literal["document", "line"]

# A hundred percent, in the millionths of a percent in which rates are computed.
_WHOLE = 100 * 1_000_000


class UnknownTaxRounding(Invalid):
    """Tax is rounded per ``document`` or per ``line``."""

    title = "Unknown tax rounding"


class RepeatedTaxRate(Invalid):
    """A line names the same rate twice."""

    title = "A tax rate is named twice on one line"


def checked_rate(rate: Decimal | int | str, pointer: str = "/tax_rate") -> Decimal:
    """A tax rate in percent: 0 to 100, at most six places. Raises DecimalOutOfRange at ``pointer``."""
    return checked_decimal(rate, pointer, at_least=0, at_most=100)


def tax_minor(amount: int, rate: Decimal, *, included: bool) -> int:
    """Tax of one amount: half-up(net·r/100), or half-up(gross·r/(100+r)) where ``amount`` includes it."""
    millionths = scaled(rate)
    return half_up(amount * millionths, _WHOLE + millionths if included else _WHOLE)


def spread_tax(amounts: Sequence[int], rate: Decimal, *, included: bool) -> list[int]:
    """Tax per line of one rate: the tax of the exact sum, rounded once, spread by largest remainder.

    The quick way of a billing run, where a line has one rate; ``document_totals`` gives the same figures.
    """
    if len(amounts) == 1:
        return [tax_minor(amounts[0], rate, included=included)]
    millionths = scaled(rate)
    whole = _WHOLE + millionths if included else _WHOLE
    total = half_up(sum(amounts) * millionths, whole)
    return largest_remainder([amount * millionths for amount in amounts], whole, total)


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line as it is written: ``quantity`` (negative on a correction, never 0) of ``unit_price`` (never negative).

    All of ``tax_rates`` (percent) are on the same base. ``discounts`` come off the line before those of the document.
    """

    quantity: Decimal
    unit_price: Decimal
    tax_rates: tuple[Decimal, ...] = ()
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True, slots=True)
class LineTotal:
    """A line as it is computed; net + tax = gross. ``discount`` is what all discounts took off its price."""

    line: DocumentLine
    discount: Money
    net: Money
    tax: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class RateTotal:
    """One row of the tax breakdown: the ``net`` that was taxed at ``rate`` percent, and the ``tax``."""

    rate: Decimal
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class DocumentTotals:
    """A document's figures: its lines sum to net, tax and gross, and net + tax = gross."""

    lines: tuple[LineTotal, ...]
    taxes: tuple[RateTotal, ...]
    net: Money
    tax: Money
    gross: Money


def document_totals(
    lines: Sequence[DocumentLine],
    *,
    currency: str,
    tax_included: bool,
    tax_rounding: TaxRounding = "document",
    discounts: Sequence[Discount] = (),
) -> DocumentTotals:
    """Net, tax and gross of a document by line, by rate and in all (R7, R8).

    Line amounts are exact products less the line's discounts, rounded once. ``discounts`` of the document are
    spread over the lines by amount. Raises DecimalOutOfRange and its kin with pointers such as ``/lines/0/quantity``.
    """
    if tax_rounding not in ("document", "line"):
        raise UnknownTaxRounding(f"{tax_rounding!r} is not document or line", pointer="/tax_rounding")
    factor = minor_units(currency)
    for at, discount in enumerate(discounts):
        discount.checked(f"/discounts/{at}")
    rates = [_checked_rates(line, f"/lines/{at}") for at, line in enumerate(lines)]
    amounts = [_line_minor(line, factor, f"/lines/{at}") for at, line in enumerate(lines)]
    undiscounted = [_rounded(Fraction(line.quantity) * Fraction(line.unit_price) * factor) for line in lines]
    for discount in discounts:
        amounts = _less_discount(amounts, discount, factor)
    shares = _tax_shares(amounts, rates, included=tax_included, rounding=tax_rounding)
    taxes = [sum(share.values()) for share in shares]
    nets = [amount - tax if tax_included else amount for amount, tax in zip(amounts, taxes, strict=True)]

    def money(minor: int) -> Money:
        return Money.from_minor(minor, currency)

    return DocumentTotals(
        lines=tuple(
            LineTotal(line, money(full - amount), money(net), money(tax), money(net + tax))
            for line, full, amount, net, tax in zip(lines, undiscounted, amounts, nets, taxes, strict=True)
        ),
        taxes=tuple(
            RateTotal(
                rate,
                money(sum(net for net, share in zip(nets, shares, strict=True) if rate in share)),
                money(sum(share.get(rate, 0) for share in shares)),
            )
            for rate in sorted({rate for share in shares for rate in share})
        ),
        net=money(sum(nets)),
        tax=money(sum(taxes)),
        gross=money(sum(nets) + sum(taxes)),
    )


def _checked_rates(line: DocumentLine, pointer: str) -> tuple[Decimal, ...]:
    rates = tuple(checked_rate(rate, f"{pointer}/tax_rates/{at}") for at, rate in enumerate(line.tax_rates))
    if len(set(rates)) < len(rates):
        raise RepeatedTaxRate("every rate may be named once", pointer=f"{pointer}/tax_rates")
    return rates


def _line_minor(line: DocumentLine, factor: int, pointer: str) -> int:
    """Quantity times price less the line's own discounts, in minor units; a fixed discount is off the whole line."""
    quantity = checked_decimal(line.quantity, f"{pointer}/quantity")
    if not quantity:
        raise DecimalOutOfRange("must not be 0", pointer=f"{pointer}/quantity")
    # EN 16931 BR-27: a correction has a negative quantity, never a negative price (R24).
    price = checked_decimal(line.unit_price, f"{pointer}/unit_price", at_least=0)
    for at, discount in enumerate(line.discounts):
        discount.checked(f"{pointer}/discounts/{at}")
    exact = Fraction(quantity) * Fraction(price)
    if abs(exact) * factor > MAX_LINE_MINOR:
        raise AmountOutOfRange("quantity times price is too large to be posted", pointer=f"{pointer}/unit_price")
    return _rounded(discounted(exact, line.discounts) * factor)


def _rounded(exact: Fraction) -> int:
    return half_up(exact.numerator, exact.denominator)


def _less_discount(amounts: Sequence[int], discount: Discount, factor: int) -> list[int]:
    """The lines after one discount of the whole document, spread by amount with largest remainder (R7)."""
    total = sum(amounts)
    off = total - _rounded(discounted(Fraction(total, factor), [discount]) * factor)
    if not off:
        return list(amounts)
    sign = 1 if total > 0 else -1
    shares = largest_remainder([off * amount * sign for amount in amounts], abs(total), off)
    return [amount - share for amount, share in zip(amounts, shares, strict=True)]


def _tax_shares(
    amounts: Sequence[int], rates: Sequence[Sequence[Decimal]], *, included: bool, rounding: TaxRounding
) -> list[dict[Decimal, int]]:
    """For each line the tax of each of its rates; over the lines these sum to the rate's tax of the document."""
    shares: list[dict[Decimal, int]] = [{} for _ in amounts]
    exact: dict[Decimal, list[tuple[int, Fraction]]] = {}
    for at, (amount, line_rates) in enumerate(zip(amounts, rates, strict=True)):
        whole = 100 + sum(map(Fraction, line_rates)) if included else Fraction(100)
        for rate in line_rates:
            exact.setdefault(rate, []).append((at, amount * Fraction(rate) / whole))
    for rate, parts in exact.items():
        numerators, denominator = common_denominator([part for _, part in parts])
        if rounding == "line":
            taxes = [half_up(numerator, denominator) for numerator in numerators]
        else:
            taxes = largest_remainder(numerators, denominator, half_up(sum(numerators), denominator))
        for (at, _), tax in zip(parts, taxes, strict=True):
            shares[at][rate] = tax
    return shares


@dataclass(frozen=True, slots=True)
class GroupedTax:
    """A tax of a tax group: ``rate`` percent of the net, of the tax above, or of the net and taxes above (R8)."""

    rate: Decimal
    on: Literal["net", "previous", "net_and_previous", "net_and_all"] = "net"


def effective_rates(group: Sequence[GroupedTax]) -> tuple[Decimal, ...]:
    """What each tax of an ordered group is in percent of the net, exactly; ``previous`` of the first is nothing.

    Raises DecimalOutOfRange for a rate outside 0 … 100.
    """
    effective: list[Decimal] = []
    with localcontext() as exactly:
        exactly.prec = 400  # a product of checked rates grows by at most 9 digits a tax
        for at, tax in enumerate(group):
            previous = effective[-1] if effective else Decimal(0)
            bases = {
                "net": Decimal(100),
                "previous": previous,
                "net_and_previous": 100 + previous,
                "net_and_all": 100 + sum(effective, Decimal(0)),
            }
            effective.append(checked_rate(tax.rate, f"/{at}/rate") * bases[tax.on] / 100)
    return tuple(effective)
