"""Document numbers in what payers write: INV-2026-000123, "inv 2026/123", INV2026OOO123, cut by a line end.

The shapes of the numbers are learned from the operator's own documents; a reading counts only when the document
exists. Readings are tried from the most literal to the most mended, and the first kind that finds something is taken.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from billhook_payments.domain.references import AS_DIGITS, STRONG_DIGITS, PaymentText, compact, normalise

NumberKey = tuple[str, tuple[int, ...]]
Quality = Literal["literal", "mended", "weak"]

_NUMBER = re.compile(r"([A-Z]*)[^A-Z0-9]*((?:[0-9]{1,14}[^A-Z0-9]*){1,4})")
_SEPARATOR = r"[^A-Z0-9]{0,3}"
_BARE_DIGITS = 8  # a number without its letters must be this long: year and counter, not a date or an amount
_CLEAR_PREFIX = 3  # fewer letters are the end of any word
_LOOKALIKES = {"O": "[O0Q]", "I": "[I1L]", "L": "[L1I]"}


@dataclass(frozen=True, slots=True)
class NumberShape:
    """How the numbers of a series look: letters, groups of digits of fixed width, a counter padded to ``width``."""

    prefix: str
    leading: tuple[int, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A document number in a text. ``mended``: letters for digits, blanks inside or no prefix; ``weak``: too short."""

    key: NumberKey
    written: str
    quality: Quality


def parse_number(number: str) -> tuple[NumberShape, NumberKey] | None:
    """Shape and key of a document number; None for one that is not letters followed by groups of digits."""
    match = _NUMBER.fullmatch(normalise(number))
    if match is None:
        return None
    groups = re.findall(r"[0-9]+", match[2])
    shape = NumberShape(match[1], tuple(map(len, groups[:-1])), len(groups[-1]))
    return shape, (match[1], tuple(map(int, groups)))


class NumberFinder:
    """Finds the numbers of known series."""

    def __init__(self, shapes: Iterable[NumberShape]) -> None:
        self._series = [_Series(shape) for shape in sorted(set(shapes), key=repr)]

    def find(self, text: PaymentText, known: Container[NumberKey]) -> list[Mention]:
        """The mentions of known documents, in the payer's order, each once."""
        for kind in (_Series.complete, _Series.without_zeros, _Series.mended, _Series.packed, _Series.bare):
            found = {one.key: one for one in self._read(kind, text) if one.key in known}
            if found:
                return list(found.values())
        return []

    def with_digits(self, digits: str) -> Iterator[NumberKey]:
        """The number of each series that is written with exactly these digits, leading zeros apart."""
        for series in self._series:
            shape = series.shape
            rest = digits.lstrip("0").zfill(sum(shape.leading) + shape.width)
            groups = []
            for width in shape.leading:
                groups.append(int(rest[:width]))
                rest = rest[width:]
            yield shape.prefix, (*groups, int(rest))

    def _read(
        self, kind: "Callable[[_Series, PaymentText], Iterator[Mention]]", text: PaymentText
    ) -> Iterator[Mention]:
        for series in self._series:
            yield from kind(series, text)


class _Series:
    """The patterns of one shape."""

    def __init__(self, shape: NumberShape) -> None:
        self.shape = shape
        start = "" if len(shape.prefix) >= _CLEAR_PREFIX else "(?<![A-Z0-9])"
        mended_prefix = "".join(_LOOKALIKES.get(letter, letter) for letter in shape.prefix)
        self._literal = re.compile(start + self._pattern(shape.prefix, "[0-9]", "{1,14}"))
        self._mended = re.compile(start + self._pattern(mended_prefix, "[0-9OQIL]", "{1,14}"))
        exactly = f"{{{shape.width}}}"
        self._packed = re.compile(self._pattern(shape.prefix, "[0-9]", exactly, end=""))
        self._bare = re.compile("(?<![A-Z0-9])" + self._pattern("", "[0-9]", exactly, end="(?![A-Z0-9])"))

    def _pattern(self, prefix: str, digit: str, counter: str, end: str = "(?![0-9])") -> str:
        groups = [f"({digit}{{{width}}})" for width in self.shape.leading] + [f"({digit}{counter})"]
        return _SEPARATOR.join(([prefix] if prefix else []) + groups) + end

    def complete(self, text: PaymentText) -> Iterator[Mention]:
        """With all its zeros."""
        for mention, counter in self._literal_readings(text):
            if self._is_complete(counter):
                yield mention

    def without_zeros(self, text: PaymentText) -> Iterator[Mention]:
        """Zeros dropped. Not where a line end cuts a longer number: "INV-2026-123" + "456" is not number 123."""
        if not self.shape.prefix:
            return
        readings = list(self._literal_readings(text))
        for mention, counter in readings:
            is_cut = any(
                other.written != mention.written and other.written.startswith(mention.written)
                for other, longer in readings
                if self._is_complete(longer)
            )
            if not self._is_complete(counter) and not counter.startswith("0") and not is_cut:
                yield mention

    def mended(self, text: PaymentText) -> Iterator[Mention]:
        """O for 0 and I for 1, in the number or in its letters."""
        for match in self._matches(self._mended, text):
            groups = [group.translate(AS_DIGITS) for group in match.groups()]
            if self._is_complete(groups[-1]):
                yield self._mention(match, groups, "mended")

    def packed(self, text: PaymentText) -> Iterator[Mention]:
        """Broken by blanks anywhere: read without them, to the counter's full width, unless it is plainly longer."""
        if len(self.shape.prefix) < _CLEAR_PREFIX:
            return
        longer = [compact(reading.written) for reading, _ in self._literal_readings(text)]
        for match in self._packed.finditer(text.compact):
            if not any(reading.startswith(match[0]) for reading in longer):
                yield self._mention(match, match.groups(), "mended")

    def bare(self, text: PaymentText) -> Iterator[Mention]:
        """Without its letters."""
        if self.shape.prefix and sum(self.shape.leading) + self.shape.width >= _BARE_DIGITS:
            for match in self._matches(self._bare, text):
                yield self._mention(match, match.groups(), "mended")

    def _literal_readings(self, text: PaymentText) -> Iterator[tuple[Mention, str]]:
        for match in self._matches(self._literal, text):
            has_sense = self.shape.prefix or sum(map(len, match.groups())) >= STRONG_DIGITS
            yield self._mention(match, match.groups(), "literal" if has_sense else "weak"), match.groups()[-1]

    def _matches(self, pattern: re.Pattern[str], text: PaymentText) -> Iterator[re.Match[str]]:
        yield from pattern.finditer(text.spaced)
        yield from pattern.finditer(text.glued)

    def _is_complete(self, counter: str) -> bool:
        width = self.shape.width
        return len(counter) == width or (len(counter) > width and not counter.startswith("0"))

    def _mention(self, match: re.Match[str], groups: Iterable[str], quality: Quality) -> Mention:
        return Mention((self.shape.prefix, tuple(map(int, groups))), match[0], quality)
