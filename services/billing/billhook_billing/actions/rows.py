"""Write to several tables at once: few rows in one statement, many by COPY."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy.orm import Session

from billhook_common.db import copy_rows

COPY_FROM = 16
"""From so many rows of a table on, COPY is quicker than one statement for all tables (2.4 times at 100 rows)."""


class Rows(NamedTuple):
    """New rows of one table."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]


class Change(NamedTuple):
    """An UPDATE, with ``%s`` for each of its values."""

    statement: str
    values: tuple[object, ...]


def write_rows(session: Session, tables: Sequence[Rows], changes: Sequence[Change] = ()) -> None:
    """Insert all rows, those of one table in one statement as the zero-sum trigger wants it; then the changes.

    The changes must be of other rows than the new ones.
    """
    filled = [table for table in tables if table.rows]
    if any(len(table.rows) >= COPY_FROM for table in filled):
        for table in filled:
            copy_rows(session, table.table, table.columns, table.rows)
        for change in changes:
            session.connection().exec_driver_sql(change.statement, change.values)
    elif filled or changes:
        slim = [_without_empty_columns(table) for table in filled]
        shape = tuple((table.table, table.columns, len(table.rows)) for table in slim)
        statement = _one_statement(shape, tuple(change.statement for change in changes))
        values = [value for table in slim for row in table.rows for value in row]
        values += [value for change in changes for value in change.values]
        session.connection().exec_driver_sql(statement, tuple(values))


def _without_empty_columns(table: Rows) -> Rows:
    """Without columns that no row has: psycopg remembers no statement with more than 50 values."""
    used = [at for at, values in enumerate(zip(*table.rows, strict=True)) if any(value is not None for value in values)]
    columns = tuple([table.columns[at] for at in used])
    return Rows(table.table, columns, [tuple([row[at] for at in used]) for row in table.rows])


@lru_cache(maxsize=1024)
def _one_statement(shape: tuple[tuple[str, tuple[str, ...], int], ...], changes: tuple[str, ...]) -> str:
    """One statement with all but the last as common table expressions: a round trip less for each table."""
    inserts = [
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608  (names from this service's own modules)
        + ", ".join([f"({', '.join(['%s'] * len(columns))})"] * count)
        for table, columns, count in shape
    ]
    *first, last = [*inserts, *changes]
    if not first:
        return last
    return "WITH " + ", ".join(f"step{at} AS ({step})" for at, step in enumerate(first)) + " " + last
