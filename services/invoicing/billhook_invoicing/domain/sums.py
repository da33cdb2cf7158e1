"""The sums of a document that another service computed: checked before it is issued (R8, events.md rule 5)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from billhook_invoicing.domain.document import SumsDisagree


class Taxed(NamedTuple):
    """An amount with its tax, in minor units; ``rate`` in percent."""

    rate: Decimal
    net: int
    tax: int


def minor(amount: Decimal, places: int) -> int:
    """``amount`` in minor units of a currency with ``places`` decimals. Raises SumsDisagree for a finer amount."""
    scaled = amount.scaleb(places)
    whole = int(scaled)
    if whole != scaled:
        raise SumsDisagree(f"{amount} has more than {places} decimals")
    return whole


def check_sums(lines: Iterable[Taxed], taxes: Iterable[Taxed], *, net: int, tax: int, gross: int) -> None:
    """Lines sum to the breakdown rate by rate, the breakdown to net and tax, these to gross. Raises SumsDisagree."""
    by_rate, breakdown = _by_rate(lines), _by_rate(taxes)
    if by_rate != breakdown:
        rate = min(rate for rate in by_rate.keys() | breakdown.keys() if by_rate.get(rate) != breakdown.get(rate))
        raise SumsDisagree(f"at {rate} % the lines are {by_rate.get(rate)}, the breakdown {breakdown.get(rate)}")
    if (net, tax) != _total(breakdown):
        raise SumsDisagree(f"the breakdown is {_total(breakdown)}, the document says {(net, tax)}")
    if net + tax != gross:
        raise SumsDisagree(f"{net} net and {tax} tax are not {gross}")


def _by_rate(parts: Iterable[Taxed]) -> dict[Decimal, tuple[int, int]]:
    sums: dict[Decimal, tuple[int, int]] = {}
    for rate, net, tax in parts:
        known = sums.get(rate)
        sums[rate] = (net, tax) if known is None else (known[0] + net, known[1] + tax)
    return sums


def _total(sums: dict[Decimal, tuple[int, int]]) -> tuple[int, int]:
    return sum(net for net, _ in sums.values()), sum(tax for _, tax in sums.values())
