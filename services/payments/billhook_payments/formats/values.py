"""Amounts and dates as banks write them: read exactly or refused, never guessed."""

import calendar
import datetime as dt
import re
from decimal import Decimal

from billhook_common.bank_formats import HandlerError
from billhook_common.money import AmountOutOfRange, Money, UnknownCurrency

EARLIEST = dt.date(1990, 1, 1)  # older dates are misread ones

_DECIMAL = re.compile(r"[0-9]{1,13}(\.[0-9]{1,5})?")  # 13 digits: minor units of any currency fit into 64 bits
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2}|T[0-9:.,Z+-]{1,30})?")


def read_amount(text: str, position: str) -> Decimal:
    """An unsigned amount with a decimal point. NaN, exponents, signs, digits of other scripts: bad_amount."""
    if not _DECIMAL.fullmatch(text):
        raise HandlerError("bad_amount", position, f"{text[:40]!r} is not an amount")
    return Decimal(text)


def check_exact(amount: Decimal, currency: str, position: str) -> None:
    """Refuse what could not be posted: bad_value for an unknown currency, bad_amount for parts of a cent."""
    try:
        Money(amount, currency)
    except UnknownCurrency as error:
        raise HandlerError("bad_value", position, error.detail) from None
    except AmountOutOfRange as error:
        raise HandlerError("bad_amount", position, error.detail) from None


def read_date(text: str, position: str) -> tuple[dt.date, bool]:
    """The calendar day of an ISO date or date-time, as written (no zone is applied), and whether it was clamped.

    Banks book on 30 February and 31 November: those become the month's last day. Anything else is bad_date.
    """
    match = _DATE.fullmatch(text)
    if not match:
        raise HandlerError("bad_date", position, f"{text[:40]!r} is not a date")
    year, month, day = (int(part) for part in match.groups())
    if not (EARLIEST.year <= year and 1 <= month <= 12 and 1 <= day <= 31):
        raise HandlerError("bad_date", position, f"{text[:40]} is no date from {EARLIEST.year} on")
    last = calendar.monthrange(year, month)[1]
    return dt.date(year, month, min(day, last)), day > last
