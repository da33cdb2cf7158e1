"""Money, numbers and dates as the operator's locale writes them."""

import datetime as dt
from contextvars import copy_context
from gettext import NullTranslations

import pytest

from billhook_gateway.ui.format import Formats, days_late
from billhook_gateway.ui.states import state_label
from billhook_gateway.ui.texts import speak

pytestmark = pytest.mark.unit

IRELAND = Formats.of("en_IE", "Europe/Dublin", "EUR")
GERMANY = Formats.of("de_DE", "Europe/Berlin", "EUR")
CZECHIA = Formats.of("cs_CZ", "Europe/Prague", "CZK")
NOW = dt.datetime(2026, 11, 22, 23, 30, tzinfo=dt.UTC)


def euro(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


@pytest.mark.parametrize(
    ("formats", "amount", "written"),
    [
        (IRELAND, "1234.50", "€1,234.50"),
        (IRELAND, "-1234.50", "−€1,234.50"),
        (IRELAND, "0.00", "€0.00"),
        (GERMANY, "1234.50", "1.234,50\xa0€"),
        (GERMANY, "-6.42", "−6,42\xa0€"),
        (CZECHIA, "1234.50", "1\xa0234,50\xa0€"),
    ],
)
def test_money_is_written_as_the_locale_does_with_a_true_minus(formats: Formats, amount: str, written: str) -> None:
    assert formats.money(euro(amount)) == written


def test_a_currency_keeps_its_own_number_of_decimals() -> None:
    assert IRELAND.money({"amount": "1200", "currency": "JPY"}) == "JP¥1,200"
    assert IRELAND.money("1.5", "KWD") == "KWD1.500"


def test_a_large_amount_loses_nothing_to_floating_point() -> None:
    assert IRELAND.money(euro("90071992547409.93")) == "€90,071,992,547,409.93"


def test_the_ledger_is_signed_from_the_customers_side() -> None:
    assert IRELAND.signed(euro("42.90"), "credit") == "+€42.90"
    assert IRELAND.signed(euro("42.90"), "debit") == "−€42.90"
    assert IRELAND.signed(euro("0.00"), "debit") == "€0.00"


def test_a_unit_price_shows_all_its_decimals() -> None:
    assert IRELAND.price("35.454545") == "€35.454545"
    assert IRELAND.price("5") == "€5.00"


def test_nothing_is_a_dash() -> None:
    for write in (IRELAND.money, IRELAND.price, IRELAND.number, IRELAND.percent, IRELAND.rate):
        assert write(None) == "—"
    for day in (IRELAND.date, IRELAND.day, IRELAND.moment, IRELAND.last_day):
        assert day(None) == "—"
    assert IRELAND.signed(None) == IRELAND.period(None) == "—"


def test_only_large_numbers_are_abbreviated() -> None:
    assert IRELAND.short_number(6412) == "6,412"
    assert IRELAND.short_number(64120) == "64.1K"
    assert IRELAND.short_money(150_000) == "€150K"
    assert IRELAND.short_money(-2500) == "−€2.5K"
    assert IRELAND.short_money(0) == "€0"


def test_shares_and_tax_rates() -> None:
    assert IRELAND.percent("0.824") == "82.4%"
    assert IRELAND.rate("21") == "21%"
    assert IRELAND.rate("5.5") == "5.5%"


def test_dates_carry_their_exact_value() -> None:
    assert IRELAND.date("2026-11-18") == '<time datetime="2026-11-18">18 Nov 2026</time>'
    assert GERMANY.date("2026-11-18") == '<time datetime="2026-11-18">18.11.2026</time>'
    assert "Sunday 22 November 2026" in IRELAND.long_date("2026-11-22")
    assert IRELAND.month("2026-11") == "Nov"


def test_an_instant_is_shown_in_the_operators_zone() -> None:
    assert "23:30" in IRELAND.moment("2026-11-22T23:30:00+00:00")
    assert "23.11.2026, 00:30" in GERMANY.moment("2026-11-22T23:30:00+00:00")
    assert GERMANY.today(NOW) == dt.date(2026, 11, 23)


def test_time_past_is_relative_with_the_exact_time_as_title() -> None:
    ago = IRELAND.ago("2026-11-22T23:20:00+00:00", NOW)
    assert "10 min ago" in ago
    assert 'title="22 Nov 2026' in ago


def test_half_open_periods_are_shown_with_their_last_day() -> None:
    assert IRELAND.period({"from": "2026-11-01", "until": "2026-12-01"}) == "1–30 Nov 2026"
    assert IRELAND.period({"from": "2026-11-20", "until": "2026-11-21"}) == "20 Nov 2026"
    assert "30 Nov 2026" in IRELAND.last_day("2026-12-01")


def test_lateness_has_a_plural() -> None:
    assert days_late("2026-11-21", "2026-11-22") == "1 day late"
    assert days_late("2026-10-15", "2026-11-22") == "38 days late"


def test_texts_are_in_the_readers_language_for_that_request_only() -> None:
    class Loud(NullTranslations):
        def gettext(self, message: str) -> str:
            return message.upper()

    def read() -> str:
        speak(Loud())
        return state_label("invoice", "paid")

    assert copy_context().run(read) == "PAID"
    assert state_label("invoice", "paid") == "Paid"
