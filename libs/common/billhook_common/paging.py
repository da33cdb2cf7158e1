"""Lists: keyset pages, and answers encoded straight from rows."""

import base64
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from flask import Response, request
from sqlalchemy import ColumnElement, Text, and_, cast, false, literal, or_, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from billhook_common.db import AnyRow, AnySelect
from billhook_common.errors import BadRequest

PAGE_ROWS = 50
PAGE_ROWS_MOST = 500

Direction = Literal["asc", "desc"]
SortKey = tuple[ColumnElement[Any] | InstrumentedAttribute[Any], Direction]


def json_response(value: object, status: int = 200) -> Response:
    """A JSON answer; knows Decimal, UUID, dates and Money."""
    return Response(msgspec.json.encode(value), status=status, mimetype="application/json")


def decimal_text(value: Decimal, places: int = 2) -> str:
    """A decimal without trailing zeros beyond ``places``: 29.900000 → 29.90, 0.012500 → 0.0125."""
    text = f"{value:f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(places, "0")
    return f"{whole}.{fraction}" if fraction else whole


def page_of(
    session: Session,
    statement: AnySelect,
    keys: Sequence[SortKey],
    item: Callable[[AnyRow], dict[str, Any]],
    totals: dict[str, Any] | None = None,
) -> Response:
    """One keyset page of ``statement`` as ``{items, next}``; ``next`` goes into ``?after=`` of the next call.

    ``keys`` are not-null columns of the statement, the last one unique. ``?limit=`` up to 500.
    Raises BadRequest for a limit or cursor that cannot be read.
    """
    limit = _limit()
    after = request.args.get("after")
    if after:
        statement = statement.where(_beyond(keys, _decode(after, len(keys))))
    statement = statement.order_by(*(column.asc() if way == "asc" else column.desc() for column, way in keys))
    rows = session.execute(statement.add_columns(*(column for column, _ in keys)).limit(limit + 1)).all()
    more = len(rows) > limit
    rows = rows[:limit]
    answer: dict[str, Any] = {
        "items": [item(row) for row in rows],
        "next": _encode(rows[-1][-len(keys) :]) if more else None,
    }
    if totals is not None:
        answer["totals"] = totals
    return json_response(answer)


def _limit() -> int:
    raw = request.args.get("limit", str(PAGE_ROWS))
    readable = len(raw) <= len(str(PAGE_ROWS_MOST)) and raw.isascii() and raw.isdigit()
    if not readable or not 1 <= int(raw) <= PAGE_ROWS_MOST:
        raise BadRequest(f"limit is a number from 1 to {PAGE_ROWS_MOST}.", pointer="/limit")
    return int(raw)


def _encode(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(list(values))).decode().rstrip("=")


def _decode(cursor: str, size: int) -> list[str]:
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, msgspec.DecodeError) as error:
        raise BadRequest("after is not a cursor of this list.", pointer="/after") from error
    if not isinstance(values, list) or len(values) != size or any(isinstance(v, (dict, list)) for v in values):
        raise BadRequest("after is not a cursor of this list.", pointer="/after")
    return [str(value) for value in values]


def _beyond(keys: Sequence[SortKey], values: Sequence[str]) -> ColumnElement[bool]:
    """Rows after the one with ``values``: (a, b) > (x, y), or a > x or (a = x and b < y) where directions differ."""
    bounds = [cast(literal(value, Text()), column.type) for (column, _), value in zip(keys, values, strict=True)]
    ways = {way for _, way in keys}
    if len(ways) == 1:
        # A comparison of rows is a range of the index; the general form reads the index from its start.
        row, last = tuple_(*(column for column, _ in keys)), tuple_(*bounds)
        return row > last if ways == {"asc"} else row < last
    clauses: list[ColumnElement[bool]] = [false()]
    equal: list[ColumnElement[bool]] = []
    for (column, way), bound in zip(keys, bounds, strict=True):
        clauses.append(and_(*equal, column > bound if way == "asc" else column < bound))
        equal.append(column == bound)
    return or_(*clauses)
