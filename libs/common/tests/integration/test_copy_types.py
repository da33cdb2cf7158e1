"""COPY brings values of every type in, in its binary form and, for the types that have none, as text."""

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import text

from billhook_common.db import copy_rows
from billhook_common.ids import uuid7
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

TYPES = {
    "key": "uuid", "words": "text", "code": "varchar(3)", "small": "smallint", "whole": "integer", "big": "bigint",
    "price": "numeric(18, 6)", "degrees": "double precision", "yes": "boolean", "day": "date", "at": "timestamptz",
    "bytes": "bytea",
}  # fmt: skip
ROWS = [
    (
        uuid7(), "Žižka\t\\N\n", "EUR", -7, 70_000, -(10**18), Decimal("24.900001"), 48.5, True, dt.date(2026, 11, 24),
        dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC), b"\x00\xff",
    ),
    (
        uuid7(), "", "", 32_767, 0, 2**62, Decimal(21), 0.0, False, dt.date(1900, 1, 1),
        dt.datetime(1970, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), b"",
    ),
    (uuid7(), *[None] * 11),
]  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"document": "jsonb"}, {"names": "text[]"}], ids=["binary", "json", "array"])
def test_values_come_back_as_they_were(harness: ServiceHarness, more: dict[str, str]) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in (TYPES | more).items())
    extra = {"document": ('{"a": [1]}',), "names": (["a", "b"],)}.get(next(iter(more), ""), ())
    read = {"document": ({"a": [1]},), "names": (["a", "b"],)}.get(next(iter(more), ""), ())
    with harness.session() as session:
        session.execute(text(f"CREATE TABLE everything ({columns})"))
        rows = [(*row, *extra) for row in ROWS]
        assert copy_rows(session, "everything", [*TYPES, *more], rows) == len(rows)
        found = session.execute(text("SELECT * FROM everything ORDER BY key")).all()
    assert [tuple(row) for row in found] == [(*row, *read) for row in ROWS]


def test_a_column_that_is_not_there_is_an_error(harness: ServiceHarness) -> None:
    with pytest.raises(Exception, match="nothing"), harness.session() as session:
        copy_rows(session, "counter", ["id", "nothing"], [(uuid7(), 1)])
