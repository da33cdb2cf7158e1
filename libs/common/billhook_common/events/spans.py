"""Which numbers of a sequence are there and which are not: pure functions over half-open spans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Spans = Sequence[tuple[int, int]]
"""Half-open, in order, without touching each other."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was published against what came: ``missing`` can be sent again, ``lost`` the log holds no longer."""

    expected: int
    received: int
    missing: Spans
    lost: Spans


def spans_of(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """The spans that cover exactly these numbers, which may come in any order and more than once."""
    spans: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if spans and spans[-1][1] == number:
            spans[-1] = (spans[-1][0], number + 1)
        else:
            spans.append((number, number + 1))
    return spans


def gaps(received: Spans, first: int, until: int) -> list[tuple[int, int]]:
    """The numbers of ``[first, until)`` that are not in ``received``."""
    found = []
    for begin, end in received:
        if begin >= until:
            break
        if begin > first:
            found.append((first, begin))
        first = max(first, end)
    if first < until:
        found.append((first, until))
    return found


def size(spans: Spans) -> int:
    """How many numbers they cover."""
    return sum(end - begin for begin, end in spans)


def compare(received: Spans, owed_from: int, *, first: int, last: int) -> Comparison:
    """Compare what came of the numbers ``owed_from`` to ``last``; the log still holds those from ``first``."""
    kept_from = max(first, owed_from)
    missing, lost = gaps(received, kept_from, last + 1), gaps(received, owed_from, min(kept_from, last + 1))
    expected = max(0, last + 1 - owed_from)
    return Comparison(expected, expected - size(missing) - size(lost), missing, lost)
