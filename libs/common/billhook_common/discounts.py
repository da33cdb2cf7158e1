"""Percent and fixed discounts, applied in the order given, each on what the one before left (R7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from billhook_common.errors import Invalid
from billhook_common.money import checked_decimal
from billhook_common.periods import EndBeforeStart


class UnknownDiscountKind(Invalid):
    """A discount is ``percent`` or ``fixed``."""

    title = "Unknown kind of discount"


@dataclass(frozen=True, slots=True)
class Discount:
    """Something off a price.

    ``value`` is a percentage (0 to 100) or an amount of the price's currency. On a subscription ``from_`` and
    ``until`` are the days to which it applies, half-open, open-ended where ``None``; a fixed one is off each full
    period and counts by days like the price. On a line or document of an invoice dates have no meaning.
    """

    kind: Literal["percent", "fixed"]
    value: Decimal
    from_: date | None = None
    until: date | None = None

    def checked(self, pointer: str) -> "Discount":
        """The same discount, if it may be used.

        Raises UnknownDiscountKind, DecimalOutOfRange and EndBeforeStart below ``pointer``.
        """
        if self.kind not in ("percent", "fixed"):
            raise UnknownDiscountKind(f"{self.kind!r} is not percent or fixed", pointer=f"{pointer}/kind")
        checked_decimal(self.value, f"{pointer}/value", at_least=0, at_most=100 if self.kind == "percent" else None)
        if self.from_ and self.until and self.until <= self.from_:
            raise EndBeforeStart(f"{self.until} is not after {self.from_}", pointer=f"{pointer}/until")
        return self

    def covers(self, day: date) -> bool:
        """Whether it applies on ``day``."""
        return (self.from_ is None or self.from_ <= day) and (self.until is None or day < self.until)


def discounted(amount: Fraction, discounts: Sequence[Discount]) -> Fraction:
    """What is left of ``amount``, exactly; a negative amount shrinks as its mirror, and none crosses zero."""
    left = abs(amount)
    for discount in discounts:
        if discount.kind == "percent":
            left *= 1 - Fraction(discount.value) / 100
        else:
            left = max(Fraction(0), left - Fraction(discount.value))
    return left if amount >= 0 else -left
