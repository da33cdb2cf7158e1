"""Which entries are customers' payments."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from billhook_common.bank_formats import Counterparty, Detail, Entry, References, Return
from billhook_common.money import Money
from billhook_payments.domain.incoming import Incoming, payments_in, why_not_a_payment

pytestmark = pytest.mark.unit

DAY = dt.date(2026, 11, 24)
ENTRY = Entry(
    amount=Decimal("29.90"),
    currency="EUR",
    booking_date=DAY,
    value_date=None,
    status="booked",
    counterparty=Counterparty("Jan", "CZ65"),
    references=References(end_to_end="E-1"),
    position="entry 1",
    remittance=("Internet",),
)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"status": "pending"}, "not_booked"),
        ({"amount": Decimal(0)}, "zero"),
        ({"amount": Decimal("-1")}, "debit"),
        ({"returned": Return("AM04")}, "returned"),
        ({"is_reversal": True}, "returned"),
        ({"currency": "CHF"}, "currency"),
    ],
)
def test_only_booked_money_in_of_the_accounts_currency_is_a_payment(
    changes: dict[str, object], reason: str | None
) -> None:
    entry = dataclasses.replace(ENTRY, **changes)  # type: ignore[arg-type]  # a test's shorthand
    assert why_not_a_payment(entry, "EUR") == reason


def test_an_entry_is_one_payment() -> None:
    expected = Incoming(Money.of("29.90", "EUR"), DAY, "Jan", "CZ65", ("Internet",), References(end_to_end="E-1"))
    assert payments_in(ENTRY) == [expected]


def test_a_batch_is_a_payment_per_detail_with_the_entrys_text_where_it_has_none() -> None:
    details = tuple(
        Detail(Decimal(amount), "EUR", Counterparty(name), References(), text)
        for amount, name, text in (("20.00", "Jan", ("A",)), ("9.90", "Eva", ()))
    )
    first, second = payments_in(dataclasses.replace(ENTRY, details=details))
    assert (first.amount, first.name, first.lines) == (Money.of("20.00", "EUR"), "Jan", ("A",))
    assert (second.amount, second.name, second.lines) == (Money.of("9.90", "EUR"), "Eva", ("Internet",))
