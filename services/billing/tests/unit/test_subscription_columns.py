"""Subscriptions read from the file that the customers came in."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from billhook_billing.domain.subscription_columns import CHARGED_STATES, charged_until, subscription_columns
from billhook_common.money import UnknownCurrency
from billhook_common.tabular import Preview, Record, Table, check, read_table, suggest_mapping, validate
from billhook_common.tabular.problems import MappingWrong

pytestmark = pytest.mark.unit

SAMPLE = Path(__file__).parent.parent / "data" / "customers" / "customers.csv"
CUT_OVER = dt.date(2026, 12, 1)
# Rows that are wrong only as customers: bad e-mails, missing names, a birth date, formula-like texts.
NO_SUCH_CUSTOMER = {78, 96, 105, 280, 299, 320, 356, 467}
HEADER = "Login;Plan;Plan price;VAT %;Start date;Billing day;Status;Balance"


def table(*lines: str) -> Table:
    return read_table("\n".join(lines).encode(), "customers.csv")


def previewed(read: Table, currency: str = "EUR") -> Preview:
    columns = subscription_columns(read.dialect, currency)
    return validate(read, suggest_mapping(read.header, columns), columns)


def sample_records() -> list[Record]:
    read = read_table(SAMPLE.read_bytes(), SAMPLE.name)
    columns = subscription_columns(read.dialect, "EUR")
    blocks = check(read, suggest_mapping(read.header, columns), columns)
    return [record for block in blocks for record in block.records()]


def total(values: list[Decimal | None]) -> Decimal:
    return sum((value for value in values if value is not None), Decimal(0))


def test_the_rows_that_are_wrong_as_subscriptions_are_reported() -> None:
    found = previewed(read_table(SAMPLE.read_bytes(), SAMPLE.name))
    assert [(error.row, error.code) for error in found.errors] == [
        (80, "duplicate"),
        (88, "impossible-date"),
        (159, "stray-quotes"),
        (275, "wrong-column-count"),
        (290, "duplicate"),
        (360, "stray-quotes"),
        (448, "wrong-column-count"),
    ]


def test_the_rows_with_a_customer_match_the_check_figures() -> None:
    clean = [record for record in sample_records() if record.row not in NO_SUCH_CUSTOMER]
    balances = [record.decimal("balance") for record in clean]
    assert len(clean) == 485
    assert total([record.decimal("price") for record in clean]) == Decimal("15179.55")
    assert total([value for value in balances if value and value > 0]) == Decimal("1910.54")
    assert total([value for value in balances if value and value < 0]) == Decimal("-4617.63")
    assert sum(record.text("state") in CHARGED_STATES for record in clean) == 411 + 35
    assert {record.text("state") for record in clean} == {"active", "blocked", "disabled", "pending"}
    assert {record.number("billing_day") for record in clean} >= {1, 28, 31}


def test_a_blank_balance_is_not_a_zero() -> None:
    assert [(e.column, e.code) for e in previewed(table(HEADER, "a;P;9,99;21;2020-01-01;1;active;")).errors] == [
        ("balance", "missing")
    ]


def test_amounts_have_the_decimals_of_the_currency() -> None:
    row = "a;P;9,99;21;2020-01-01;1;active;-12,50"
    assert previewed(table(HEADER, row)).counts.clean == 1
    assert [e.code for e in previewed(table(HEADER, row), "JPY").errors] == ["too-many-decimals"]
    with pytest.raises(UnknownCurrency):
        previewed(table(HEADER, row), "XXX")


def test_login_plan_and_start_are_required() -> None:
    with pytest.raises(MappingWrong) as refusal:
        previewed(table("Plan price", "9,99"))
    assert [error.pointer for error in refusal.value.errors] == [
        "/mapping/login",
        "/mapping/plan",
        "/mapping/starts_on",
    ]


@pytest.mark.parametrize(
    ("starts_on", "in_file", "expected"),
    [
        ("2020-01-01", "", dt.date(2026, 12, 1)),
        ("2026-12-15", "", dt.date(2026, 12, 15)),
        ("2020-01-01", "31.12.2026", dt.date(2027, 1, 1)),
        ("2020-01-01", "31.10.2026", dt.date(2026, 11, 1)),
        ("2026-12-15", "31.10.2026", dt.date(2026, 12, 15)),
    ],
)
def test_charged_until_is_the_files_or_the_cut_over_and_never_before_the_start(
    starts_on: str, in_file: str, expected: dt.date
) -> None:
    record = previewed(table("Login;Plan;Start date;Charged until", f"a;P;{starts_on};{in_file}")).records[0]
    assert charged_until(record, CUT_OVER) == expected
