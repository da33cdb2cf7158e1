"""What a service says about its files: which columns there are, what a row becomes, how it is stored."""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.imports.models import FileImport
from billhook_common.tabular import Column, Dialect, Record, RowError

R = TypeVar("R")
_SHOWN_CHARACTERS = 200
"""Of a wrong value, in an error."""


@dataclass(frozen=True, slots=True)
class FileRow(Generic[R]):
    """A row that can be read: its number among the data rows, its line in the file, and what is in it."""

    row: int
    line: int
    content: R

    def error(self, headers: Mapping[str, str], column: str, code: str, message: str) -> RowError:
        """What is wrong with the value that the row has for ``column``; ``headers`` is column → header of the file."""
        value = getattr(self.content, column)
        shown = "" if value is None else str(value)[:_SHOWN_CHARACTERS]
        return RowError(self.row, self.line, code, message, column, headers.get(column), shown)


@dataclass(frozen=True, slots=True)
class FailedRow:
    """A row that cannot be stored, and why."""

    row: int
    line: int
    errors: Sequence[RowError]


@dataclass(slots=True)
class Examined(Generic[R]):
    """Rows by what they would become, each list in the order of the file.

    What is ``known`` already is left as it is. ``waiting`` rows would be new if what they need were here.
    """

    new: list[FileRow[R]] = field(default_factory=list)
    waiting: list[FileRow[R]] = field(default_factory=list)
    known: list[FileRow[R]] = field(default_factory=list)
    failed: list[FailedRow] = field(default_factory=list)

    @property
    def expected(self) -> list[FileRow[R]]:
        """The rows that are or will be new."""
        return sorted(self.new + self.waiting, key=lambda row: row.row) if self.waiting else self.new


class Importer(ABC, Generic[R]):
    """The rules of one kind of file. Preview, confirmation and storing all come through them, so they agree.

    ``subject`` is what a row is, in one word; ``row_type`` is its class, which msgspec turns into JSON and back and
    whose attributes have the names of the columns.
    """

    subject: ClassVar[str]
    row_type: type[R]

    @abstractmethod
    def columns(self, dialect: Dialect, currency: str) -> Sequence[Column]:
        """The columns that can be imported, in the order in which a person is asked for them."""

    def options(self, given: Mapping[str, Any], today: dt.date) -> dict[str, Any]:
        """The options of an import: those ``given``, and defaults for the rest, as JSON values. Raises Invalid."""
        return dict(given)

    @abstractmethod
    def row_of(self, record: Record, item: FileImport) -> R:
        """What is in a row whose cells passed their checks."""

    def faults(self, row: FileRow[R], headers: Mapping[str, str], seen: dict[str, int]) -> Sequence[RowError]:
        """What is wrong with a row by itself, or against earlier rows; ``seen`` remembers things by their row."""
        return ()

    @abstractmethod
    def part(self, session: Session, item: FileImport, rows: Sequence[FileRow[R]], *, waits: bool) -> Examined[R]:
        """Which of ``rows`` are new, known already, or cannot be stored as the database stands.

        With ``waits`` a row that lacks only what another service is about to tell is waiting; else it has failed.
        """

    @abstractmethod
    def hold(self, session: Session, rows: Sequence[FileRow[R]]) -> None:
        """Keep others from changing what ``part`` looks at until the transaction ends; called before storing."""

    @abstractmethod
    def store(self, session: Session, clock: Clock, item: FileImport, rows: Sequence[R]) -> None:
        """Store new rows with their events."""

    def names(self, row: R) -> Collection[str]:
        """Names that the row brings: taken by it from the confirmation on, although it is stored later."""
        return ()

    def add_up(
        self, session: Session, item: FileImport, totals: Mapping[str, Any], rows: Sequence[FileRow[R]]
    ) -> dict[str, Any]:
        """The preview's further totals with the next new ``rows`` added; ``totals`` is empty at first.

        Called once without rows at the end, so that every total is there.
        """
        return dict(totals)
