"""Doubts about a statement are named; none is silent, none is invented."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from billhook_common.bank_formats import (
    Balance,
    ControlTotals,
    Counterparty,
    Entry,
    Finding,
    References,
    Statement,
)
from billhook_payments.domain.proof import findings_about

pytestmark = pytest.mark.unit

DAY = dt.date(2026, 11, 24)
TODAY = dt.date(2026, 11, 25)


def a_statement(opening: str | None = "100.00", closing: str = "129.90", booked_on: dt.date = DAY) -> Statement:
    entry = Entry(Decimal("29.90"), "EUR", booked_on, None, "booked", Counterparty(), References(), "entry 1")
    return Statement(
        account="DE89",
        currency="EUR",
        entries=(entry,),
        reference="S1",
        opening=None if opening is None else Balance(Decimal(opening), DAY),
        closing=Balance(Decimal(closing), DAY),
    )


def codes(statement: Statement, previous: Balance | None = None) -> list[str]:
    return [finding.code for finding in findings_about(statement, previous, TODAY)]


def test_a_proven_statement_that_follows_its_predecessor_is_beyond_doubt() -> None:
    assert codes(a_statement(), Balance(Decimal("100.00"), DAY)) == []
    assert codes(a_statement()) == []


def test_a_gap_is_named_with_its_amount() -> None:
    (finding,) = findings_about(a_statement(closing="130.00"), None, TODAY)
    assert (finding.code, finding.position) == ("balance_gap", "S1")
    assert finding.message.startswith("0.10 EUR")


def test_wrong_control_totals_are_named_even_if_the_balances_prove() -> None:
    statement = dataclasses.replace(a_statement(), controls=ControlTotals(entries=2))
    assert statement.proof.kind == "proved"
    assert codes(statement) == ["control_totals_differ"]


def test_a_wrong_count_alone_is_no_missing_money() -> None:
    statement = dataclasses.replace(a_statement(opening=None), controls=ControlTotals(entries=2))
    assert statement.proof.kind == "gap"
    assert codes(statement) == ["control_totals_differ"]


def test_a_broken_chain_names_the_missing_interval() -> None:
    previous = Balance(Decimal("80.00"), dt.date(2026, 11, 20))
    (finding,) = findings_about(a_statement(), previous, TODAY)
    assert finding.code == "chain_gap"
    for part in ("80.00", "2026-11-20", "100.00", "2026-11-24"):
        assert part in finding.message


def test_an_overlap_is_no_gap() -> None:
    later = Balance(Decimal("80.00"), DAY)
    reaching_back = dataclasses.replace(a_statement(), from_date=DAY - dt.timedelta(days=3))
    assert codes(reaching_back, later) == []
    assert codes(a_statement(), later) == ["chain_gap"]


def test_without_an_opening_balance_there_is_no_chain() -> None:
    assert codes(a_statement(opening=None), Balance(Decimal(1), DAY)) == []


def test_bookings_far_ahead_are_doubted() -> None:
    assert codes(a_statement(booked_on=TODAY + dt.timedelta(days=7))) == []
    assert codes(a_statement(booked_on=TODAY + dt.timedelta(days=8))) == ["future_booking_date"]


def test_the_readers_own_warnings_come_first() -> None:
    warning = Finding("date_clamped", "entry 1", "30 February")
    statement = dataclasses.replace(a_statement(closing="0"), warnings=(warning,))
    assert codes(statement) == ["date_clamped", "balance_gap"]
