"""Number patterns: what they give, what they refuse, and that numbers of one series never repeat."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_invoicing.domain.numbering import NumberPattern, NumberTooLong, Reset, WrongNumberPattern

pytestmark = pytest.mark.unit

DAY = dt.date(2022, 4, 20)


@pytest.mark.parametrize(
    ("pattern", "next_", "values", "number"),
    [
        ("{year}{partner_id|2}{next|6}", 409, {"partner_id": "1"}, "202201000409"),
        ("{year}-{type|2}-{next|5}", 215, {"type": "1"}, "2022-01-00215"),
        ("{year}{next|6}", 1, {}, "2022000001"),
        ("INV-{year}-{next|6}", 123, {}, "INV-2022-000123"),
        ("{year|2}{month}{day}/{next}", 7, {}, "220420/7"),
        ("{next} - {year}", 1_000_000, {}, "1000000 - 2022"),
        ("{year}{next|3}", 12345, {}, "202212345"),
        ("{year} {location_id} {customer_id} {next}", 1, {"location_id": "BRN", "customer_id": "42"}, "2022 BRN 42 1"),
    ],
)
def test_a_pattern_gives_the_number_of_a_counter_value(
    pattern: str, next_: int, values: dict[str, str], number: str
) -> None:
    assert NumberPattern.parse(pattern).number(next_, DAY, values) == number


@pytest.mark.parametrize(
    ("pattern", "reset"),
    [
        ("", "never"),
        ("{year}", "year"),
        ("{year}{next|4}-{next|4}", "year"),
        ("{year}{rand_string|4}{next|6}", "year"),
        ("{year}{rand_number|4}{next|6}", "year"),
        ("{year}{total}{next}", "year"),
        ("{next|6}", "year"),
        ("{year}{next|6}", "month"),
        ("{month}{next|6}", "month"),
        ("{year}{partner_id}{next|6}", "year"),
        ("{year}{next}{month}", "year"),
        ("{next}0{year}", "year"),
        ("{year|3}{next}", "year"),
        ("{year}{month|1}{next}", "year"),
        ("{year}{next|99}", "year"),
        ("{year}{next|0}", "year"),
        ("{year}{next", "year"),
        ("{year}#{next}", "year"),
        ("{year}\n{next}", "year"),
        ("{YEAR}{next}", "year"),
    ],
)
def test_a_pattern_that_could_repeat_or_cannot_be_read_is_refused(pattern: str, reset: Reset) -> None:
    with pytest.raises(WrongNumberPattern) as refusal:
        NumberPattern.parse(pattern, reset)
    assert refusal.value.errors[0].pointer == "/pattern"


def test_a_value_that_does_not_fit_is_never_cut() -> None:
    pattern = NumberPattern.parse("{year}{partner_id|2}{next|6}")
    with pytest.raises(NumberTooLong):
        pattern.number(1, DAY, {"partner_id": "101"})
    with pytest.raises(NumberTooLong):
        NumberPattern.parse("{year}{next|2}{month}").number(100, DAY)
    with pytest.raises(NumberTooLong):
        NumberPattern.parse("{year}-{customer_id}-{next|6}").number(1, DAY, {"customer_id": "9" * 40})


@pytest.mark.parametrize("value", ["", "1-2", "é", "a b", "1\n"])
def test_a_named_value_is_letters_and_digits(value: str) -> None:
    with pytest.raises(WrongNumberPattern):
        NumberPattern.parse("{year}-{customer_id}-{next}").number(1, DAY, {"customer_id": value})


@pytest.mark.parametrize(
    ("reset", "pattern", "key"),
    [("never", "{next}", ""), ("year", "{year}{next}", "2022"), ("month", "{year}{month}{next}", "2022-04")],
)
def test_the_counters_key_follows_the_reset(reset: Reset, pattern: str, key: str) -> None:
    assert NumberPattern.parse(pattern, reset).reset_key(DAY) == key


def test_a_block_is_the_same_numbers_as_one_by_one() -> None:
    pattern = NumberPattern.parse("{year}{partner_id|2}{next|6}")
    values = {"partner_id": "7"}
    block = pattern.numbers(998, 5, DAY, values)
    assert block == [pattern.number(value, DAY, values) for value in range(998, 1003)]
    assert (block[0], block[-1]) == ("202207000998", "202207001002")


def test_a_block_that_would_not_fit_gives_no_number_at_all() -> None:
    with pytest.raises(NumberTooLong):
        NumberPattern.parse("{year}{next|2}{month}").numbers(95, 10, DAY)


def test_the_names_a_counter_is_kept_for() -> None:
    assert NumberPattern.parse("{year}{partner_id|2}-{customer_id}-{next}").names == {"partner_id", "customer_id"}


@given(
    st.sampled_from(["{year}{partner_id|2}{next|3}", "{year}-{partner_id}-{next}", "{next|4}/{partner_id|2}/{year}"]),
    st.lists(
        st.tuples(st.integers(1, 99), st.integers(1, 5000), st.integers(2020, 2030)),
        min_size=2,
        max_size=2,
        unique=True,
    ),
)
def test_two_documents_of_one_pattern_never_share_a_number(pattern: str, documents: list[tuple[int, int, int]]) -> None:
    parsed = NumberPattern.parse(pattern)
    numbers = {
        parsed.number(next_, dt.date(year, 1, 1), {"partner_id": str(partner)}) for partner, next_, year in documents
    }
    assert len(numbers) == 2
