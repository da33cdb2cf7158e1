"""How money, numbers and dates are written for people: the operator's locale, currency and time zone."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from markupsafe import Markup

from billhook_gateway.ui.texts import gettext, ngettext

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EM DASH}"
ABBREVIATE_FROM = 10_000
"""Smaller numbers are written out, also in navigation."""

MoneyJson: TypeAlias = Mapping[str, str]
"""Money as the services send it: ``{"amount": "29.90", "currency": "EUR"}``."""


def true_minus(text: str) -> str:
    """Replace the hyphen that locales write by a minus sign of the width of a plus."""
    return text.replace("-", MINUS)


def time_element(iso: str, text: str, title: str = "") -> Markup:
    """``<time>`` carrying the exact value beside what is shown."""
    if title:
        return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, title, text)
    return Markup('<time datetime="{}">{}</time>').format(iso, text)


@dataclass(frozen=True, slots=True)
class Formats:
    """One operator's way to write figures; every method answers a dash for ``None``."""

    locale: Locale
    zone: ZoneInfo
    currency: str

    @classmethod
    def of(cls, locale: str, zone: str, currency: str) -> "Formats":
        """From setting values such as ``("en_IE", "Europe/Prague", "EUR")``."""
        return cls(Locale.parse(locale), ZoneInfo(zone), currency)

    def money(self, value: MoneyJson | str | Decimal | None, currency: str | None = None) -> str:
        """``€1,234.50``, with the currency's own number of decimals. A bare amount needs its currency beside it."""
        if value is None:
            return NOTHING
        amount = value
        if isinstance(value, Mapping):
            amount, currency = value["amount"], value["currency"]
        written = numbers.format_currency(Decimal(str(amount)), currency or self.currency, locale=self.locale)
        return true_minus(written)

    def price(self, value: str | None, currency: str | None = None) -> str:
        """A unit price with as many decimals as it has, at least the currency's: ``€35.454545``."""
        if value is None:
            return NOTHING
        written = numbers.format_currency(
            Decimal(value), currency or self.currency, locale=self.locale, decimal_quantization=False
        )
        return true_minus(written)

    def signed(self, value: MoneyJson | None, side: str = "") -> str:
        """Money seen from the customer: a credit with plus, a debit with minus, zero without a sign."""
        if value is None:
            return NOTHING
        amount = Decimal(value["amount"])
        if side == "debit":
            amount = -amount
        written = self.money({"amount": str(amount), "currency": value["currency"]})
        return f"+{written}" if amount > 0 else written

    def short_money(self, value: Decimal | float, currency: str | None = None) -> str:
        """``€150K`` for axes."""
        amount = Decimal(str(value))
        return true_minus(
            numbers.format_compact_currency(amount, currency or self.currency, locale=self.locale, fraction_digits=1)
        )

    def number(self, value: Decimal | str | int | None) -> str:
        """``12,345`` with as many decimals as were given."""
        if value is None:
            return NOTHING
        return true_minus(numbers.format_decimal(Decimal(value), locale=self.locale, decimal_quantization=False))

    def short_number(self, value: int) -> str:
        """``6,412`` or ``64.1K``: for navigation and axes only."""
        if abs(value) < ABBREVIATE_FROM:
            return self.number(value)
        return true_minus(numbers.format_compact_decimal(value, locale=self.locale, fraction_digits=1))

    def percent(self, value: Decimal | str | float | None) -> str:
        """A share (``0.21``) as ``21%``, at most one decimal."""
        if value is None:
            return NOTHING
        return true_minus(numbers.format_percent(Decimal(str(value)), "#,##0.#%", locale=self.locale))

    def rate(self, value: Decimal | str | None) -> str:
        """A tax rate in percent (``21``) as ``21%``, with as many decimals as it has."""
        if value is None:
            return NOTHING
        share = Decimal(value) / 100
        return true_minus(numbers.format_percent(share, "#,##0.####%", locale=self.locale))

    def date(self, value: str | None) -> Markup | str:
        """A business date, short: ``18 Nov 2026``."""
        if value is None:
            return NOTHING
        return time_element(value, dates.format_date(dt.date.fromisoformat(value), "medium", locale=self.locale))

    def long_date(self, value: str) -> Markup:
        """``Sunday 22 November 2026``."""
        return time_element(value, dates.format_date(dt.date.fromisoformat(value), "full", locale=self.locale))

    def last_day(self, value: str | None) -> Markup | str:
        """The day before a half-open end: a person says until when, inclusive (R2)."""
        if value is None:
            return NOTHING
        return self.date((dt.date.fromisoformat(value) - dt.timedelta(days=1)).isoformat())

    def day(self, value: str | None) -> Markup | str:
        """Day and month, where the year is plain from the place: ``18 Nov``."""
        if value is None:
            return NOTHING
        text = dates.format_skeleton("MMMd", dt.date.fromisoformat(value), locale=self.locale)
        return time_element(value, text)

    def month(self, value: str) -> str:
        """Month of an ISO date or month, for axes: ``Nov``."""
        return dates.format_date(dt.date.fromisoformat(f"{value[:7]}-01"), "LLL", locale=self.locale)

    def long_month(self, value: str) -> str:
        """``Nov 2026`` for ``2026-11``; what is no month, as somebody may type it into a URL, stays as it is."""
        try:
            return dates.format_skeleton("yMMM", dt.date.fromisoformat(f"{value}-01"), locale=self.locale)
        except ValueError:
            return value

    def moment(self, value: str | None) -> Markup | str:
        """An instant in the operator's zone: ``18 Nov 2026, 08:41``."""
        if value is None:
            return NOTHING
        local = dt.datetime.fromisoformat(value).astimezone(self.zone)
        day = dates.format_date(local.date(), "medium", locale=self.locale)
        hour = dates.format_skeleton("Hm", local, locale=self.locale)
        return time_element(value, gettext("%(date)s, %(time)s") % {"date": day, "time": hour})

    def hour(self, value: str) -> Markup:
        """The time of day of an instant in the operator's zone: ``08:41``."""
        local = dt.datetime.fromisoformat(value).astimezone(self.zone)
        return time_element(value, dates.format_skeleton("Hm", local, locale=self.locale))

    def ago(self, value: str, now: dt.datetime) -> Markup:
        """How long ago, with the exact time as title."""
        instant = dt.datetime.fromisoformat(value)
        text = dates.format_timedelta(instant - now, add_direction=True, format="short", locale=self.locale)
        exact = dates.format_datetime(instant.astimezone(self.zone), "medium", locale=self.locale)
        return time_element(value, text, exact)

    def period(self, value: Mapping[str, str] | None) -> str:
        """Half-open ``{from, until}`` as the inclusive days a person means: ``1–30 Nov 2026``."""
        if value is None:
            return NOTHING
        first, last = dt.date.fromisoformat(value["from"]), dt.date.fromisoformat(value["until"]) - dt.timedelta(days=1)
        return dates.format_interval(first, last, "yMMMd", locale=self.locale)

    def today(self, now: dt.datetime) -> dt.date:
        """The operator's business day at an instant."""
        return now.astimezone(self.zone).date()


def days_between(earlier: str, later: str) -> int:
    """Whole days from one ISO date to another."""
    return (dt.date.fromisoformat(later) - dt.date.fromisoformat(earlier)).days


def days_late(due_on: str, today: str) -> str:
    """``7 days late``, for an item past its due date."""
    days = days_between(due_on, today)
    return ngettext("%(count)s day late", "%(count)s days late", days) % {"count": days}
