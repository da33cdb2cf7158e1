"""The demo's year: the same for the same day, and its business day is nobody else's."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from billhook.demo.calendar import DAY_FILE_VARIABLE, Calendar, DemoClock, clock_of
from billhook.demo.customers_file import CUSTOMERS, customers_file
from billhook.demo.payers import Bill, in_time, late, paid_by_a_friend, paid_twice, pays_cash
from billhook_common.clock import SystemClock

pytestmark = pytest.mark.unit

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 31)


def a_bill(number: int, months_on: int = 10) -> Bill:
    return Bill(
        id=str(number), number=f"2026{number:06d}", customer_id=str(number), customer_number=10_000_000 + number,
        name=f"Anna Nováková {number}", reference=str(10_000_000 + number), gross=Decimal("29.95"), issued_on=FIRST,
        months_on=months_on,
    )  # fmt: skip


BILLS = [a_bill(number) for number in range(1, CUSTOMERS + 1)]


def test_the_clock_shows_the_day_in_the_file_and_the_real_instant(tmp_path: Path) -> None:
    file = tmp_path / "demo-day"
    clock, real, calendar = DemoClock("Europe/Prague", file), SystemClock("Europe/Prague"), Calendar(file)
    assert clock.today() == real.today()
    calendar.turn_to(FIRST)
    assert clock.today() == FIRST
    assert abs(clock.now() - real.now()) < dt.timedelta(minutes=1)
    calendar.turn_to(LAST)
    assert clock.today() == LAST
    calendar.close()
    assert clock.today() == real.today()
    calendar.close()


def test_only_a_process_that_was_given_a_file_has_such_a_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DAY_FILE_VARIABLE, "")
    assert type(clock_of("UTC")) is SystemClock
    monkeypatch.delenv(DAY_FILE_VARIABLE)
    assert type(clock_of("UTC")) is SystemClock
    monkeypatch.setenv(DAY_FILE_VARIABLE, str(tmp_path / "day"))
    assert type(clock_of("UTC")) is DemoClock


def test_most_pay_in_time_and_every_other_way_occurs() -> None:
    prompt = [bill for bill in BILLS if sum(one.amount for one in in_time(bill, LAST)) >= bill.gross]
    assert 0.8 < len(prompt) / CUSTOMERS < 0.95
    behind = [bill for bill in BILLS if list(late(bill, FIRST, LAST))]
    assert 0.05 < len(behind) / CUSTOMERS < 0.2
    silent = [bill for bill in BILLS if not [*in_time(bill, LAST), *late(bill, FIRST, LAST)] and not pays_cash(bill)]
    assert 0 < len(silent) / CUSTOMERS < 0.05
    for way in (pays_cash, paid_twice, paid_by_a_friend):
        assert any(way(bill) for bill in BILLS)


def test_nothing_is_booked_outside_the_statement_and_nobody_pays_less_than_nothing() -> None:
    today = dt.date(2026, 10, 2)
    for bill in BILLS:
        entries = [*in_time(bill, today), *late(bill, FIRST, today)]
        assert all(FIRST <= one.booked_on <= today and one.amount > 0 for one in entries)
        assert entries == [*in_time(bill, today), *late(bill, FIRST, today)]


def test_who_joins_is_part_of_the_same_list_and_begins_about_now() -> None:
    everybody = customers_file(FIRST).content.decode().splitlines()
    some = customers_file(FIRST, range(200, 210), are_new=True)
    rows = [line.split(";") for line in some.content.decode().splitlines()[1:]]
    assert some.rows == len(rows) == 10
    assert [row[0] for row in rows] == [line.split(";")[0] for line in everybody[200:210]]
    assert {row[14][3:] for row in rows} == {"09.2026", "10.2026"}
    assert {row[14][:2] for row in rows if row[14].endswith("10.2026")} == {"01"}
    assert {(row[16], row[17]) for row in rows} == {("active", "0,00")}
