"""Exact money: currencies, rounding half away from zero, splitting that keeps the sum (R1).

Amounts that were computed and posted are whole *minor units* (cents) of a currency; ``Money`` is such an amount
with its currency. What is still being computed is an exact integer ratio or a ``Fraction``, rounded once, at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import lcm

from billhook_common.errors import Conflict, Invalid

# ISO 4217 by the number of digits after the point. Funds, metals and testing codes have no business here.
_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY "
    "COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR "
    "IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD "
    "NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
    "SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {code: places for places, codes in _CODES.items() for code in codes.split()}

# Posted amounts are BIGINT (9.2e18); eighteen digits leave room to add two of them.
MAX_MINOR = 10**18 - 1
# One line of a document: a thousand of the largest still make a total that can be posted.
MAX_LINE_MINOR = 10**15
# Unit prices and quantities are NUMERIC(18,6).
DECIMAL_PLACES = 6
DECIMAL_LIMIT = Decimal(10) ** 12


class UnknownCurrency(Invalid):
    """The code is not an ISO 4217 currency."""

    title = "Unknown currency"


class CurrencyMismatch(Conflict):
    """Amounts of two currencies never mix."""

    title = "Amounts of different currencies cannot be combined"


class AmountOutOfRange(Invalid):
    """The amount is not a number, is finer than its currency, or too large to be posted."""

    title = "The amount is out of range"


class DecimalOutOfRange(Invalid):
    """A price, quantity or rate is not a number, has too many places, or is outside its limits."""

    title = "The number is out of range"


class CannotDivide(Invalid):
    """There is nothing to divide among: no parts, or weights that do not sum to more than zero."""

    title = "The amount cannot be divided like this"


def exponent(currency: str, *, pointer: str = "/currency") -> int:
    """Digits after the point of ``currency``: JPY 0, EUR 2, KWD 3. Raises UnknownCurrency."""
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise UnknownCurrency(f"{currency!r} is not an ISO 4217 currency code", pointer=pointer) from None


def minor_units(currency: str) -> int:
    """Minor units in one unit of ``currency``: JPY 1, EUR 100, KWD 1000. Raises UnknownCurrency."""
    return int(10 ** exponent(currency))


def checked_decimal(
    value: Decimal | int | str,
    pointer: str,
    *,
    at_least: Decimal | int | None = None,
    at_most: Decimal | int | None = None,
) -> Decimal:
    """``value`` as a Decimal that a ``NUMERIC(18,6)`` holds exactly, between the limits (both included).

    Raises DecimalOutOfRange at ``pointer``.
    """
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise DecimalOutOfRange(f"{value!r} is not a decimal number", pointer=pointer) from None
    if not number.is_finite():
        raise DecimalOutOfRange("must be a finite number", pointer=pointer)
    if number.copy_abs() >= DECIMAL_LIMIT:
        raise DecimalOutOfRange("must have at most 12 digits before the point", pointer=pointer)
    if _places(number) > DECIMAL_PLACES:
        raise DecimalOutOfRange(f"must have at most {DECIMAL_PLACES} digits after the point", pointer=pointer)
    if at_least is not None and number < at_least:
        raise DecimalOutOfRange(f"must be at least {at_least}", pointer=pointer)
    if at_most is not None and number > at_most:
        raise DecimalOutOfRange(f"must be at most {at_most}", pointer=pointer)
    return number


def _places(number: Decimal) -> int:
    """Significant digits after the point of a finite number, read from its digits: ``1E-999999`` costs nothing."""
    _, digits, places = number.as_tuple()
    trailing = next((at for at, digit in enumerate(reversed(digits)) if digit), None)
    if trailing is None:
        return 0
    assert isinstance(places, int)
    return max(0, -places - trailing)


def scaled(number: Decimal) -> int:
    """A checked decimal as a whole number of millionths: exact, because it has at most six places."""
    return int(number * 1_000_000)


def half_up(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` (> 0) to the nearest integer, halves away from zero (R1)."""
    if numerator < 0:
        return -((denominator - 2 * numerator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def largest_remainder(numerators: Sequence[int], denominator: int, total: int) -> list[int]:
    """Whole parts that sum to ``total``, each one of the two integers around ``numerators[i] / denominator``.

    ``total`` is the sum of the ratios, rounded. The largest fractions go up, earlier parts first among equals.
    A negative total is divided as its positive mirror, so that a credit note repeats its invoice cent by cent.
    """
    sign = -1 if total < 0 else 1
    parts, remainders = [], []
    for numerator in numerators:
        part, remainder = divmod(sign * numerator, denominator)
        parts.append(part)
        remainders.append(remainder)
    missing = sign * total - sum(parts)
    assert 0 <= missing <= len(parts), "total is not the rounded sum of the ratios"
    for at in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[:missing]:
        parts[at] += 1
    return [sign * part for part in parts]


def common_denominator(ratios: Sequence[Fraction]) -> tuple[list[int], int]:
    """The same ratios as numerators over one denominator."""
    denominator = lcm(*(ratio.denominator for ratio in ratios))
    return [ratio.numerator * (denominator // ratio.denominator) for ratio in ratios], denominator


def decimal_text(minor: int, currency: str) -> str:
    """Minor units as the decimal string of JSON: 2990 EUR is ``29.90``. The quick way, for bulk events."""
    places = exponent(currency)
    if not places:
        return str(minor)
    whole, part = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{places}d}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency, exact to its exponent; comparing or adding two currencies raises."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        places = exponent(self.currency)
        if not self.amount.is_finite() or self.amount.copy_abs() >= Decimal(10) ** 18:
            raise AmountOutOfRange(f"{self.amount} {self.currency} cannot be posted", pointer="/amount")
        if _places(self.amount) > places:
            detail = f"{self.amount} {self.currency} has more than {places} digits after the point"
            raise AmountOutOfRange(detail, pointer="/amount")
        minor = int(self.amount.scaleb(places))
        if abs(minor) > MAX_MINOR:
            raise AmountOutOfRange(f"{self.amount} {self.currency} is too large", pointer="/amount")
        object.__setattr__(self, "amount", Decimal(minor).scaleb(-places))

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> "Money":
        """``Money.of("29.90", "EUR")``. Raises AmountOutOfRange, UnknownCurrency."""
        try:
            return cls(Decimal(amount), currency)
        except (InvalidOperation, TypeError, ValueError):
            raise AmountOutOfRange(f"{amount!r} is not a decimal number", pointer="/amount") from None

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in ``currency``."""
        return cls(Decimal(0), currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> "Money":
        """``Money.from_minor(2990, "EUR")`` is 29.90 EUR. Raises AmountOutOfRange, UnknownCurrency."""
        if abs(minor) > MAX_MINOR:
            raise AmountOutOfRange(f"{minor} minor units are too many", pointer="/amount")
        # Whole minor units are exact and small enough: the checks of __post_init__, 2 µs, would find nothing.
        money = object.__new__(cls)
        object.__setattr__(money, "amount", Decimal(minor).scaleb(-exponent(currency)))
        object.__setattr__(money, "currency", currency)
        return money

    @property
    def minor(self) -> int:
        """Whole minor units, as stored."""
        return int(self.amount.scaleb(exponent(self.currency)))

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same_currency(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same_currency(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __abs__(self) -> "Money":
        return Money(abs(self.amount), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same_currency(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same_currency(other)

    def _same_currency(self, other: "Money") -> Decimal:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self} and {other} are of different currencies")
        return other.amount

    def split(self, parts: int) -> tuple["Money", ...]:
        """``parts`` shares as equal as can be, the larger ones first: 10.00 → 3.34 3.33 3.33."""
        if parts < 1:
            raise CannotDivide(f"{self} cannot be split into {parts} parts")
        return self.allocate([1] * parts)

    def allocate(self, weights: Sequence[int | Decimal | Fraction]) -> tuple["Money", ...]:
        """Shares in proportion to ``weights`` (none negative) by largest remainder; they sum to this amount."""
        numerators, _ = common_denominator([Fraction(weight) for weight in weights])
        total = sum(numerators)
        if total <= 0 or min(numerators) < 0:
            raise CannotDivide(f"{self} cannot be divided by weights that are negative or sum to zero")
        minor = self.minor
        shares = largest_remainder([minor * numerator for numerator in numerators], total, minor)
        return tuple(Money.from_minor(share, self.currency) for share in shares)


def round_half_up(value: Decimal | Fraction | int, currency: str) -> Money:
    """An exact amount of ``currency`` rounded to its exponent, halves away from zero: the one rounding of R1."""
    exact = Fraction(value) * minor_units(currency)
    return Money.from_minor(half_up(exact.numerator, exact.denominator), currency)
