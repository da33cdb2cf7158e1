"""Number patterns of documents, such as ``{year}{partner_id|2}{next|6}`` → ``202601000409`` (I3, R10).

The counter itself is a row in the database, taken in the transaction that issues the document; here is only
what a pattern may say, what it gives, and when its counter begins again.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from billhook_common.errors import Invalid

Reset: TypeAlias = Literal["never", "year", "month"]

_DATED = {"year": 4, "month": 2, "day": 2}
"""Parts of the issue date, with the width they have by themselves; ``{year|2}`` is 26 for 2026."""
_NAMED = ("partner_id", "location_id", "customer_id", "type")
_RANDOM = ("rand_string", "rand_number")
_NEXT = "next"
_PIECE = re.compile(r"\{([a-z_]+)(?:\|([1-9]|1\d))?\}|([A-Za-z0-9 ./_-]+)")
_VALUE = re.compile(r"[A-Za-z0-9]+")
_LONGEST = 40
"""Characters of a number: it goes into payment references, e-invoices and a database column."""


class WrongNumberPattern(Invalid):
    """The pattern could give a number twice, leave a gap unseen, or cannot be read."""

    title = "The number pattern cannot be used"


class NumberTooLong(Invalid):
    """A value does not fit its width where another follows at once, or the number is longer than allowed."""

    title = "The document number is too long"


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text that stands as it is, or a variable; ``fixed`` where a longer value would run into what follows."""

    text: str = ""
    variable: str = ""
    width: int = 0
    fixed: bool = False

    def filled(self, values: Mapping[str, str]) -> str:
        """The text, or the variable's value with zeros up to the width. Raises NumberTooLong."""
        if not self.variable:
            return self.text
        value = values[self.variable].rjust(self.width, "0")
        if self.fixed and len(value) > self.width:
            raise NumberTooLong(f"{value!r} does not fit {{{self.variable}|{self.width}}}")
        return value


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """A pattern that was checked; made by ``NumberPattern.parse``."""

    source: str
    reset: Reset
    _before: tuple[_Piece, ...]
    _next: _Piece
    _after: tuple[_Piece, ...]

    @classmethod
    def parse(cls, source: str, reset: Reset = "year") -> "NumberPattern":
        """Check ``source``, and that its numbers stay different although the counter begins again every ``reset``.

        It must hold ``{next}`` once, no random part (R10), the year (and month) by which the counter is reset,
        and a width for each variable that runs into the next piece. Raises WrongNumberPattern.
        """
        pieces = tuple(_pieces(source))
        variables = [piece.variable for piece in pieces if piece.variable]
        if variables.count(_NEXT) != 1:
            raise _wrong("It must hold {next} exactly once")
        needed = {"never": (), "year": ("year",), "month": ("year", "month")}[reset]
        for name in needed:
            if name not in variables:
                raise _wrong(f"A counter that begins again every {reset} needs {{{name}}}, or numbers repeat")
        at = next(place for place, piece in enumerate(pieces) if piece.variable == _NEXT)
        return cls(source, reset, pieces[:at], pieces[at], pieces[at + 1 :])

    @property
    def names(self) -> frozenset[str]:
        """The values that ``numbers`` needs besides the date: numbers of one counter must agree in all of them."""
        return frozenset({piece.variable for piece in (*self._before, *self._after)} & set(_NAMED))

    def reset_key(self, issued_on: dt.date) -> str:
        """The part of the counter's key that changes when it begins again: ``2026``, ``2026-11``, or nothing."""
        return {"never": "", "year": f"{issued_on:%Y}", "month": f"{issued_on:%Y-%m}"}[self.reset]

    def number(self, next_: int, issued_on: dt.date, values: Mapping[str, str] | None = None) -> str:
        """The number of the one document with counter value ``next_``; see ``numbers``."""
        return self.numbers(next_, 1, issued_on, values)[0]

    def numbers(self, first: int, count: int, issued_on: dt.date, values: Mapping[str, str] | None = None) -> list[str]:
        """The numbers of ``count`` documents issued on one day, from counter value ``first`` (≥ 1) on.

        ``values`` holds ``partner_id`` and its kin where the pattern names them. Nothing is ever cut to fit:
        raises NumberTooLong before the first number is given.
        """
        assert first >= 1 and count >= 1, "counters begin at 1"
        known = _known(values or {}, issued_on, self._before + self._after)
        before = "".join(piece.filled(known) for piece in self._before)
        after = "".join(piece.filled(known) for piece in self._after)
        longest = before + self._next.filled({_NEXT: str(first + count - 1)}) + after
        if len(longest) > _LONGEST:
            raise NumberTooLong(f"{longest!r} has more than {_LONGEST} characters")
        width = self._next.width
        return [f"{before}{value:0{width}d}{after}" for value in range(first, first + count)]


def _known(values: Mapping[str, str], issued_on: dt.date, pieces: tuple[_Piece, ...]) -> dict[str, str]:
    known = {"year": str(issued_on.year), "month": f"{issued_on.month:02d}", "day": f"{issued_on.day:02d}"}
    for piece in pieces:
        if piece.variable == "year":
            known["year"] = str(issued_on.year)[-piece.width :]
        elif piece.variable in _NAMED:
            known[piece.variable] = values[piece.variable]
            if not _VALUE.fullmatch(known[piece.variable]):
                raise WrongNumberPattern(f"{{{piece.variable}}} is {known[piece.variable]!r}: not letters and digits")
    return known


def _pieces(source: str) -> Iterator[_Piece]:
    """The pieces of ``source``, each with its width. Raises WrongNumberPattern."""
    found = list(_PIECE.finditer(source))
    if "".join(match[0] for match in found) != source:
        raise _wrong("Use letters, digits, blanks, . / _ - and variables such as {next} or {next|6}")
    for match, following in pairwise([*found, None]):
        assert match is not None, "only the last is followed by None"
        name, width, text = match[1], match[2], match[3]
        runs_on = following is not None and (following[1] or following[3])[0].isalnum()
        if text:
            yield _Piece(text=text)
            continue
        yield _variable(name, int(width or _DATED.get(name, 0)), runs_on=runs_on)


def _variable(name: str, width: int, *, runs_on: bool) -> _Piece:
    if name in _RANDOM:
        raise _wrong(f"{{{name}}} is not allowed: numbers of tax documents follow one another (R10)")
    if name not in (*_DATED, *_NAMED, _NEXT):
        raise _wrong(f"{{{name}}} is not known; there are {', '.join((*_DATED, *_NAMED, _NEXT))}")
    if runs_on and not width:
        raise _wrong(f"{{{name}}} runs into what follows: give its width ({{{name}|4}}) or put a sign between")
    if name in _DATED and width not in ({2, 4} if name == "year" else {2}):
        raise _wrong(f"{{{name}}} cannot have {width} digits")
    return _Piece(variable=name, width=width, fixed=runs_on)


def _wrong(detail: str) -> WrongNumberPattern:
    return WrongNumberPattern(detail, pointer="/pattern")
