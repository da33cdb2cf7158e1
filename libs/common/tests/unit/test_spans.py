"""Numbers that came against numbers that were given: what is missing is found exactly, in whatever order they came."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.events.spans import compare, gaps, size, spans_of

pytestmark = pytest.mark.unit

numbers = st.sets(st.integers(1, 60))


def members(spans: list[tuple[int, int]]) -> set[int]:
    return {number for begin, end in spans for number in range(begin, end)}


@given(st.lists(st.integers(1, 60)))
def test_spans_hold_each_number_once_in_order_and_never_touch(came: list[int]) -> None:
    spans = spans_of(came)
    assert members(spans) == set(came)
    assert size(spans) == len(set(came))
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))


@given(numbers, st.integers(1, 60), st.integers(1, 62))
def test_gaps_are_what_is_not_there(came: set[int], first: int, until: int) -> None:
    assert members(gaps(spans_of(came), first, until)) == set(range(first, until)) - came


@given(numbers, st.integers(1, 61), st.integers(1, 61), st.integers(0, 60))
def test_everything_owed_is_received_missing_or_lost(came: set[int], owed_from: int, first: int, last: int) -> None:
    found = compare(spans_of(came), owed_from, first=first, last=last)
    owed = set(range(owed_from, last + 1))
    assert found.expected == len(owed)
    assert found.received == len(owed & came)
    assert members(found.missing) == {number for number in owed - came if number >= first}
    assert members(found.lost) == {number for number in owed - came if number < first}


@given(numbers, st.integers(1, 61), st.integers(1, 61), st.integers(0, 60))
def test_when_the_missing_ones_came_nothing_is_missing(came: set[int], owed_from: int, first: int, last: int) -> None:
    missing = compare(spans_of(came), owed_from, first=first, last=last).missing
    again = compare(spans_of(came | members(missing)), owed_from, first=first, last=last)
    assert again.missing == []


def test_who_received_more_than_was_published_misses_nothing() -> None:
    found = compare([(1, 501)], 1, first=1, last=450)
    assert (found.expected, found.received, found.missing, found.lost) == (450, 450, [], [])
