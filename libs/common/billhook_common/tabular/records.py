"""A row that passed all checks, with its values typed."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from billhook_common.tabular.cells import GeoPoint, Value


class Record(NamedTuple):
    """One row without errors: values by column name, None where blank or not mapped."""

    row: int
    line: int
    values: Mapping[str, Value]

    def text(self, name: str) -> str | None:
        """The value of a text column."""
        value = self.values[name]
        assert value is None or isinstance(value, str)
        return value

    def number(self, name: str) -> int | None:
        """The value of a whole-number column."""
        value = self.values[name]
        assert value is None or isinstance(value, int)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """The value of a decimal column."""
        value = self.values[name]
        assert value is None or isinstance(value, Decimal)
        return value

    def date(self, name: str) -> dt.date | None:
        """The value of a date column."""
        value = self.values[name]
        assert value is None or isinstance(value, dt.date)
        return value

    def place(self, name: str) -> GeoPoint | None:
        """The value of a GPS column."""
        value = self.text(name)
        return GeoPoint.of(value) if value else None
