"""The page's own address: lists keep filter, sort and place in the URL."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

PLACE = ("after", "line", "done")
"""Where somebody is in a list: the cursor, the line being looked at, the one decided last."""


@dataclass(frozen=True, slots=True)
class Location:
    """Path and query of the page being shown."""

    path: str
    query: Mapping[str, str]

    def get(self, name: str, default: str = "") -> str:
        """One query value."""
        return self.query.get(name, default)

    def url(self, **changes: str | None) -> str:
        """The same page with some values changed; ``None`` or ``""`` drops one. The place in a list starts anew."""
        query = {**self.query, **dict.fromkeys(PLACE), **changes}
        kept = {name: value for name, value in query.items() if value}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def sort(self, column: str) -> str:
        """The URL that a click on a column's header leads to: ascending first, then descending."""
        return self.url(sort=f"-{column}" if self.get("sort") == column else column)

    def sorted_by(self, column: str) -> str | None:
        """Value of ``aria-sort`` for a column: ``ascending``, ``descending`` or ``None``."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.get("sort"))
