"""Two equal payments are two, one payment in two exports is one."""

import dataclasses
import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.bank_formats import Balance, Counterparty, Entry, References, Statement
from billhook_payments.domain.identity import identify_entries, statement_identity

pytestmark = pytest.mark.unit

DAY = dt.date(2026, 11, 24)
ACCOUNT = "DE89370400440532013000"


def an_entry(amount: str = "29.90", *, remittance: tuple[str, ...] = ("Internet",), bank_ref: str = "") -> Entry:
    return Entry(
        amount=Decimal(amount),
        currency="EUR",
        booking_date=DAY,
        value_date=DAY,
        status="booked",
        counterparty=Counterparty("Jan", "CZ650800"),
        references=References(bank_ref=bank_ref),
        position="entry 1",
        remittance=remittance,
    )


def a_statement(**changes: object) -> Statement:
    statement = Statement(
        account=ACCOUNT,
        currency="EUR",
        entries=(),
        sequence="7",
        opening=Balance(Decimal("10.00"), DAY),
        closing=Balance(Decimal("20.00"), DAY),
        from_date=DAY,
    )
    return dataclasses.replace(statement, **changes)  # type: ignore[arg-type]  # a test's shorthand


def identities(*entries: Entry, account: str = ACCOUNT) -> list[str]:
    return [identity for _, identity in identify_entries(account, entries, Counter())]


def test_two_equal_payments_on_one_day_are_two() -> None:
    first, second = identities(an_entry(), an_entry())
    assert first != second


def test_an_overlapping_export_meets_the_same_identities_and_adds_only_what_is_new() -> None:
    earlier = identities(an_entry("5"), an_entry(), an_entry())
    later = identities(an_entry(), an_entry("7"), an_entry(), an_entry(), an_entry("5"))
    assert [identity in earlier for identity in later] == [True, False, True, False, True]


def test_the_counter_goes_on_over_the_statements_of_a_file() -> None:
    seen: Counter[str] = Counter()
    [(_, first)] = identify_entries(ACCOUNT, [an_entry()], seen)
    [(_, second)] = identify_entries(ACCOUNT, [an_entry()], seen)
    assert first != second


def test_spelling_does_not_matter() -> None:
    rewrapped = an_entry("29.9", remittance=("Inter", " net "))
    assert identities(an_entry()) == identities(rewrapped)


@pytest.mark.parametrize(
    "other",
    [
        an_entry("-29.90"),
        an_entry(remittance=("Internet 2",)),
        an_entry(bank_ref="B-1"),
        dataclasses.replace(an_entry(), currency="CZK"),
        dataclasses.replace(an_entry(), booking_date=DAY + dt.timedelta(days=1)),
        dataclasses.replace(an_entry(), value_date=None),
        dataclasses.replace(an_entry(), references=References(end_to_end="E-1")),
        dataclasses.replace(an_entry(), counterparty=Counterparty("Jan", "CZ65")),
    ],
)
def test_whatever_was_booked_otherwise_is_another_entry(other: Entry) -> None:
    assert identities(an_entry()) != identities(other)
    assert identities(an_entry()) != identities(an_entry(), account="CZ65")


def test_fields_do_not_flow_into_each_other() -> None:
    moved = dataclasses.replace(an_entry(remittance=("net",)), references=References(end_to_end="Inter"))
    assert identities(an_entry()) != identities(moved)


@given(st.permutations([an_entry(), an_entry(), an_entry("5"), an_entry("7", bank_ref="B-2")]))
def test_the_order_of_entries_does_not_matter(entries: list[Entry]) -> None:
    straight = identities(an_entry(), an_entry(), an_entry("5"), an_entry("7", bank_ref="B-2"))
    assert sorted(identities(*entries)) == sorted(straight)


def test_a_statement_is_known_by_number_balances_and_dates() -> None:
    again = a_statement(reference="another export", opening=Balance(Decimal(10), DAY), entries=(an_entry(),))
    assert statement_identity(a_statement()) == statement_identity(again)


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "CZ65"},
        {"sequence": "8"},
        {"page": 2},
        {"opening": None},
        {"closing": Balance(Decimal("20.01"), DAY)},
        {"from_date": None},
        {"to_date": DAY},
    ],
)
def test_a_statement_that_differs_is_another(changes: dict[str, object]) -> None:
    assert statement_identity(a_statement()) != statement_identity(a_statement(**changes))
    unnumbered = a_statement(sequence="", reference="A")
    assert statement_identity(unnumbered) != statement_identity(a_statement(sequence="", reference="B"))
