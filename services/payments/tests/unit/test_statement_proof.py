"""The plug-in interface's own arithmetic: proof of balances, control totals, payments inside an entry."""

import datetime as dt
from decimal import Decimal

import pytest

from billhook_common.bank_formats import (
    Balance,
    ControlTotals,
    Counterparty,
    Detail,
    Entry,
    HandlerError,
    Proof,
    References,
    Statement,
)

pytestmark = pytest.mark.unit

DAY = dt.date(2026, 11, 24)


def an_entry(amount: str, *, status: str = "booked", details: tuple[Detail, ...] = ()) -> Entry:
    return Entry(
        amount=Decimal(amount),
        currency="EUR",
        booking_date=DAY,
        value_date=None,
        status=status,  # type: ignore[arg-type]  # tests say it in words
        counterparty=Counterparty(),
        references=References(),
        position="entry 1",
        remittance=("first", "second"),
        details=details,
    )


def a_detail(amount: str, currency: str = "EUR") -> Detail:
    return Detail(Decimal(amount), currency, Counterparty(), References())


def a_statement(
    *entries: Entry, opening: str = "", closing: str = "", controls: ControlTotals | None = None
) -> Statement:
    return Statement(
        account="DE89370400440532013000",
        currency="EUR",
        entries=entries,
        opening=Balance(Decimal(opening), DAY) if opening else None,
        closing=Balance(Decimal(closing), DAY) if closing else None,
        controls=controls,
    )


def test_balances_prove_when_they_differ_by_the_booked_entries() -> None:
    statement = a_statement(
        an_entry("8.85"), an_entry("-7"), an_entry("99", status="pending"), opening="10", closing="11.85"
    )
    assert statement.proof == Proof("proved")
    assert (statement.credits, statement.debits) == (Decimal("8.85"), Decimal("7"))


def test_the_gap_is_what_is_missing_to_the_closing_balance() -> None:
    assert a_statement(an_entry("8.85"), opening="10", closing="20").proof == Proof("gap", Decimal("1.15"))
    assert a_statement(an_entry("8.85"), opening="10", closing="12").proof == Proof("gap", Decimal("-6.85"))


def test_without_balances_nothing_is_proved() -> None:
    assert a_statement(an_entry("8.85")).proof == Proof("no_balances")
    assert a_statement(an_entry("8.85"), closing="10").proof == Proof("no_balances")
    assert a_statement(an_entry("8.85")).agrees_with_controls()


@pytest.mark.parametrize(
    ("controls", "proof"),
    [
        (ControlTotals(Decimal("8.85"), Decimal("7.00"), 2), Proof("control_totals")),
        (ControlTotals(entries=2), Proof("control_totals")),
        (ControlTotals(entries=3), Proof("gap")),
        (ControlTotals(credits=Decimal("9.85")), Proof("gap", Decimal(1))),
        (ControlTotals(debits=Decimal(8)), Proof("gap", Decimal(-1))),
    ],
)
def test_control_totals_prove_where_there_are_no_balances(controls: ControlTotals, proof: Proof) -> None:
    assert a_statement(an_entry("8.85"), an_entry("-7"), controls=controls).proof == proof


def test_a_batch_is_its_details_when_they_sum_to_it() -> None:
    details = (a_detail("41.14"), a_detail("44.77"))
    assert an_entry("85.91", details=details).payments() == details


@pytest.mark.parametrize(
    "details",
    [
        (),
        (a_detail("85.91"),),
        (a_detail("41.14"), a_detail("44.78")),
        (a_detail("41.14", "CHF"), a_detail("44.77")),
        (a_detail("100.00"), a_detail("-14.09")),
    ],
)
def test_an_entry_stays_one_payment_when_its_details_do_not_prove(details: tuple[Detail, ...]) -> None:
    entry = an_entry("85.91", details=details)
    assert [payment.amount for payment in entry.payments()] == [Decimal("85.91")]
    assert entry.payments()[0].remittance == ("first", "second")


def test_the_text_joins_the_lines() -> None:
    assert an_entry("1").text == "first second"


def test_an_error_says_what_where_and_why() -> None:
    assert (
        str(HandlerError("bad_amount", "entry 3", "'NaN' is not an amount"))
        == "bad_amount at entry 3: 'NaN' is not an amount"
    )
    assert str(HandlerError("empty_file", "", "The file is empty")) == "empty_file: The file is empty"
