"""From the text of one cell to a value: a parser for each kind of column.

``Parser.parse`` gets the stripped text of a cell that is not blank and returns its value, or raises CellError
with a sentence for the person who made the file. ``Parser.plain`` is the quick way: a pattern of cells that
are their own value, with which a whole block of cells is checked at once.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from billhook_common.tabular.countries import COUNTRY_CODES, COUNTRY_NAMES
from billhook_common.tabular.escaping import looks_like_formula, unescape_from_spreadsheet
from billhook_common.tabular.names import fold
from billhook_common.tabular.table import DateOrder, DecimalSign


class GeoPoint(NamedTuple):
    """A place in WGS 84 degrees."""

    latitude: float
    longitude: float

    @classmethod
    def of(cls, text: str) -> "GeoPoint":
        """The place that a value of ``gps()`` names."""
        latitude, _, longitude = text.partition(",")
        return cls(float(latitude), float(longitude))


Value: TypeAlias = str | int | Decimal | dt.date | None


@dataclass(frozen=True, slots=True)
class Parser:
    """How a column's cells are read; ``plain`` matches only cells which ``parse`` would return unchanged."""

    parse: Callable[[str], Value]
    plain: str | None = None


class CellError(Exception):
    """What is wrong with a cell. ``code`` groups errors of one kind; the text is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_MAY_START_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"
_LINE_END = re.compile(r"\r\n?")
_ORDINARY = r" \w!\"#$%&'()*+,./:;<=>?@\[\\\]^_`{|}~§°\u2013\u201e\u201c\u201d\u2019\u20ac-"
"""Characters of a pattern's set that need no second look anywhere but at the start of a text."""


def text(max_length: int = 200) -> Parser:
    """Any text; the apostrophe of ``escape_for_spreadsheet`` is taken off, line ends become newlines."""

    def parse(cell: str) -> str:
        if cell[0] in _MAY_START_FORMULA and looks_like_formula(cell):
            raise CellError(
                "formula-like-text",
                "Looks like a spreadsheet formula; put an apostrophe (') before it to import it as text",
            )
        if _CONTROL.search(cell):
            raise CellError("invisible-characters", "Holds invisible control characters")
        value = _LINE_END.sub("\n", unescape_from_spreadsheet(cell))
        if len(value) > max_length:
            raise CellError("too-long", f"Longer than {max_length} characters")
        return value

    return Parser(parse, rf"(?:[\w(]|'\w)[{_ORDINARY}]{{0,{max_length - 2}}}(?<! )")


def choice(words: Mapping[str, str]) -> Parser:
    """One of several values; ``words`` gives for each value what files say for it besides, semicolons between.

    Letter case and accents do not matter.
    """
    known = {fold(word): value for value, said in words.items() for word in (value, *said.split(";"))}
    allowed = ", ".join(words)

    def parse(cell: str) -> str:
        value = known.get(fold(cell))
        if value is None:
            raise CellError("unknown-choice", f"Must be one of: {allowed}")
        return value

    return Parser(parse)


_CURRENCY = re.compile(r"^(?:[€$£]|[A-Z]{3}\b)\s*|\s*(?:[€$£%]|\b[A-Z]{3}|Kč|zł|Ft|kr\.?)$")
_GROUPED = {
    ",": re.compile(r"(\d{1,3}(?:[. '\u2019\u00a0\u202f]\d{3})+|\d+)(?:,(\d+))?"),
    ".": re.compile(r"(\d{1,3}(?:[, '\u2019\u00a0\u202f]\d{3})+|\d+)(?:\.(\d+))?"),
}
_NOT_DIGIT = re.compile(r"\D")


def decimal(
    sign: DecimalSign, *, places: int, minimum: Decimal | None = None, maximum: Decimal | None = None
) -> Parser:
    """A number written with the decimal ``sign``, at most ``places`` decimals, within the bounds (inclusive).

    Thousands may be grouped, a currency may stand before or behind, the minus may be a true minus, a trailing
    one or parentheses.
    """
    pattern = _GROUPED[sign]
    name = "comma" if sign == "," else "point"

    def parse(cell: str) -> Decimal:
        number, negative = _without_sign(_CURRENCY.sub("", cell).strip())
        match = pattern.fullmatch(number)
        if match is None:
            raise CellError("not-a-number", f"Not a number (written with a decimal {name})")
        fraction = (match[2] or "").rstrip("0")
        if len(fraction) > places:
            raise CellError("too-many-decimals", f"More than {places} decimals" if places else "Must be a whole number")
        value = Decimal(f"{'-' if negative else ''}{_NOT_DIGIT.sub('', match[1])}.{(match[2] or '0')[:places] or '0'}")
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            raise CellError("out-of-range", _range_message(minimum, maximum))
        return value

    return Parser(parse)


def _without_sign(number: str) -> tuple[str, bool]:
    if number.startswith("(") and number.endswith(")"):
        return number[1:-1].strip(), True
    if number.endswith("-"):
        return number[:-1].strip(), True
    negative = number[:1] in ("-", "\u2212")
    return (number[1:].strip() if negative or number[:1] == "+" else number), negative


def _range_message(minimum: object, maximum: object) -> str:
    if minimum is not None and maximum is not None:
        return f"Must be from {minimum} to {maximum}"
    return f"Must not be less than {minimum}" if minimum is not None else f"Must not be more than {maximum}"


def whole_number(minimum: int, maximum: int) -> Parser:
    """An integer from ``minimum`` to ``maximum``, both allowed; ``5,0`` and ``5.0`` count as 5."""

    def parse(cell: str) -> int:
        match = re.fullmatch(r"([+-]?\d{1,15})(?:[.,]0+)?", cell)
        if match is None:
            raise CellError("not-a-number", "Not a whole number")
        value = int(match[1])
        if not minimum <= value <= maximum:
            raise CellError("out-of-range", _range_message(minimum, maximum))
        return value

    return Parser(parse)


def billing_day() -> Parser:
    """A day of the month, 1 to 31 (R3: clamped to the month's end when it is used, never here)."""
    return whole_number(1, 31)


def tax_rate(sign: DecimalSign) -> Parser:
    """A rate in percent from 0 to 100, with or without the percent sign, at most four decimals."""
    declared = decimal(sign, places=4, minimum=Decimal(0), maximum=Decimal(100))
    pointed = decimal(".", places=4, minimum=Decimal(0), maximum=Decimal(100))

    def parse(cell: str) -> Value:
        return pointed.parse(cell) if "." in cell else declared.parse(cell)

    return Parser(parse)


_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?")
_DATE = re.compile(r"(\d{1,2})([./-])\s*(\d{1,2})\2\s*(\d{4})\.?")


def date(order: DateOrder = "dmy", *, earliest: dt.date = dt.date(1900, 1, 1)) -> Parser:
    """A day written 2026-11-22, 22.11.2026, 22. 11. 2026, 22-11-2026, or with slashes in ``order``."""

    def parse(cell: str) -> dt.date:
        iso, other = _ISO_DATE.fullmatch(cell), _DATE.fullmatch(cell)
        if iso:
            year, month, day = int(iso[1]), int(iso[2]), int(iso[3])
        elif other:
            day, month, year = int(other[1]), int(other[3]), int(other[4])
            if other[2] == "/" and order == "mdy":
                day, month = month, day
        else:
            raise CellError("not-a-date", "Not a date; write 2026-11-22 or 22.11.2026")
        try:
            value = dt.date(year, month, day)
        except ValueError as error:
            raise CellError("impossible-date", "There is no such day") from error
        if value < earliest:
            raise CellError("out-of-range", f"Before {earliest.isoformat()}")
        return value

    return Parser(parse)


_EMAIL = r"[\w!#$%&'*+/=?^`{|}~-]++(?:\.[\w!#$%&'*+/=?^`{|}~-]++)*+@(?:\w[\w-]*+\.)++[^\W\d_][\w-]++"
_EMAIL_PATTERN = re.compile(_EMAIL)
_EMAIL_LENGTH = 254
_SEPARATOR = re.compile(r"\s*[,;]\s*")


def emails() -> Parser:
    """E-mail addresses, one @ each and a domain with a dot; many with commas or semicolons between them.

    The value is one text with a comma and a blank between addresses.
    """

    def parse(cell: str) -> str:
        return ", ".join(_email(part) for part in _SEPARATOR.split(cell) if part)

    return Parser(parse, rf"(?=.{{1,{_EMAIL_LENGTH}}}$){_EMAIL}")


def _email(address: str) -> str:
    if _EMAIL_PATTERN.fullmatch(address) and len(address) <= _EMAIL_LENGTH:
        return address
    signs = address.count("@")
    if signs != 1:
        found = "no @ sign" if not signs else f"{signs} @ signs"
        raise CellError("bad-email", f"The e-mail address has {found}")
    if "." not in address.rpartition("@")[2]:
        raise CellError("bad-email", "The domain of the e-mail address has no dot")
    raise CellError("bad-email", "Not an e-mail address")


_PHONE = re.compile(r"\+?\(?[0-9][0-9 ()./-]*(?:(?:ext\.?|x) *[0-9]{1,6})?")
_PHONE_DIGITS = range(5, 16)


def phones() -> Parser:
    """Phone numbers as written, many with commas or semicolons between them; one text, as in ``emails``."""

    def parse(cell: str) -> str:
        return ", ".join(_phone(part) for part in _SEPARATOR.split(unescape_from_spreadsheet(cell)) if part)

    return Parser(parse, r"\+?[0-9]{1,3}(?: [0-9]{2,4}){2,3}")


def _phone(cell: str) -> str:
    number = " ".join(cell.split())
    digits = sum(map(str.isdigit, number))
    if not _PHONE.fullmatch(number) or digits not in _PHONE_DIGITS:
        raise CellError("bad-phone", "Not a phone number")
    return number


_PLACE = re.compile(r"\+?(-?[0-9]{1,2}(?:\.[0-9]+)?)(?:\s*[,;]\s*|\s+)\+?(-?[0-9]{1,3}(?:\.[0-9]+)?)")
_POLE, _DATE_LINE = 90, 180


def gps() -> Parser:
    """``latitude,longitude`` in WGS 84 degrees with decimal points; the value is that text (``GeoPoint.of``)."""

    def parse(cell: str) -> str:
        match = _PLACE.fullmatch(unescape_from_spreadsheet(cell))
        if match is None:
            raise CellError("bad-gps", "Not a place; write latitude,longitude such as 49.1951,16.6068")
        if abs(float(match[1])) > _POLE or abs(float(match[2])) > _DATE_LINE:
            raise CellError("bad-gps", "Latitude goes from -90 to 90, longitude from -180 to 180")
        return f"{match[1]},{match[2]}"

    return Parser(parse, r"-?[1-8]?[0-9](?:\.[0-9]++)?,-?(?:1[0-7]|[1-9])?[0-9](?:\.[0-9]++)?")


def country() -> Parser:
    """A country as its two-letter ISO 3166 code, or by its English or own name; gives the code."""

    def parse(cell: str) -> str:
        code = cell.upper() if len(cell) == len("CZ") else COUNTRY_NAMES.get(fold(cell), "")
        if code not in COUNTRY_CODES:
            raise CellError("unknown-country", "Not a country; write its two-letter code, such as CZ")
        return code

    return Parser(parse)
