"""Names of payers against names of customers: only ever a support, never a proof.

Both are folded alike: no accents, ae/oe/ue as a/o/u, no titles, words sorted; so "Ing. Müller Jürgen" and "JUERGEN
MUELLER" are one.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from rapidfuzz import fuzz, process

from billhook_payments.domain.references import normalise

SAME = 92  # of 100, of the sorted words: one wrong letter in a usual name
SIMILAR = 85
_MAX_COMPARED = 2_000  # names compared for one payment; the rarest words choose them

_TITLES = frozenset({"BC", "DIPL", "DR", "FRAU", "HERR", "ING", "MAG", "MGR", "MR", "MRS", "MS", "PAN", "PANI", "PROF"})
_UMLAUTS = re.compile(r"(?<=[AOU])E")
_SPECIAL = str.maketrans({"Ł": "L", "Ø": "O", "Đ": "D", "Æ": "A", "Œ": "O", "ẞ": "SS"})
_LETTERS = re.compile(r"[^\W_]+")


def fold_name(name: str) -> str:
    """The words of a name in their comparable form, sorted and joined with blanks."""
    return " ".join(sorted(fold_words(name)))


def fold_words(text: str) -> list[str]:
    """The words of a text, each folded like the words of a name."""
    plain = unicodedata.normalize("NFKD", normalise(text).translate(_SPECIAL))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return [_UMLAUTS.sub("", word) for word in _LETTERS.findall(letters) if word not in _TITLES]


class NameIndex:
    """The names of all customers, found by any of their words."""

    def __init__(self, names: Iterable[tuple[UUID, str]]) -> None:
        self._folded: list[str] = []
        self._owners: list[UUID] = []
        self._rows_by_word: defaultdict[str, list[int]] = defaultdict(list)
        owners_of: defaultdict[str, set[UUID]] = defaultdict(set)
        for owner, name in names:
            folded = fold_name(name)
            for word in set(folded.split()):
                self._rows_by_word[word].append(len(self._folded))
            self._folded.append(folded)
            self._owners.append(owner)
            owners_of[folded].add(owner)
        self._full_names: defaultdict[str, list[tuple[frozenset[str], frozenset[UUID]]]] = defaultdict(list)
        for folded, owners in owners_of.items():
            words = frozenset(folded.split())
            if len(words) > 1:  # one word is no full name
                rarest = min(words, key=lambda word: (len(self._rows_by_word[word]), word))
                self._full_names[rarest].append((words, frozenset(owners)))

    def closest(self, name: str) -> dict[UUID, float]:
        """Customers whose name is at least ``SIMILAR`` to this one, with the likeness of 100."""
        folded = fold_name(name)
        rows = self._rows_to_compare(folded)
        choices = {row: self._folded[row] for row in rows}
        matches = process.extract(folded, choices, scorer=fuzz.ratio, processor=None, score_cutoff=SIMILAR, limit=None)
        best: dict[UUID, float] = {}
        for _, likeness, row in matches:
            owner = self._owners[row]
            best[owner] = max(likeness, best.get(owner, 0.0))
        return best

    def _rows_to_compare(self, folded: str) -> set[int]:
        rows: set[int] = set()
        known = [word for word in set(folded.split()) if len(word) > 1 and word in self._rows_by_word]
        for word in sorted(known, key=lambda word: (len(self._rows_by_word[word]), word)):
            more = self._rows_by_word[word]
            if rows and len(rows) + len(more) > _MAX_COMPARED:
                break
            rows.update(more[:_MAX_COMPARED])
        return rows

    def named_in(self, text: str) -> list[frozenset[UUID]]:
        """For every full name whose words all stand in the text: the customers who have it."""
        words = set(fold_words(text))
        return [
            owners
            for word in sorted(words & self._full_names.keys())
            for name, owners in self._full_names[word]
            if name <= words
        ]
