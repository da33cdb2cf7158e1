"""What may be asked of a list: its filters, its orders, its pages. What a list does not know it refuses by name."""

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, fields, post_load, validate
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from billhook_common.paging import PAGE_ROWS, PAGE_ROWS_MOST, Direction, SortKey

Column = ColumnElement[Any] | InstrumentedAttribute[Any]


class ListQuery(Schema):
    """The parameters of every list; a list adds its filters and its ``sort`` and takes nothing else.

    ``limit`` and ``after`` are only named here: the pager reads them.
    """

    error_messages = {"unknown": "This list has no such parameter."}  # noqa: RUF012 - marshmallow's own way

    limit = fields.Raw(
        metadata={
            "type": "integer", "minimum": 1, "maximum": PAGE_ROWS_MOST, "default": PAGE_ROWS,
            "description": "How many rows a page has at most.",
        }
    )  # fmt: skip
    after = fields.Raw(metadata={"type": "string", "description": "`next` of the page before."})

    @post_load
    def leave_the_pager_its_own(self, data: dict[str, Any], **_: object) -> dict[str, Any]:
        """Views see filters and order only."""
        return {name: value for name, value in data.items() if name not in ("limit", "after")}


class Sorting:
    """The orders that a list knows, each with an index to walk; a minus turns one round, the last column is unique.

    ``Sorting("name", name=(Customer.sort_name, Customer.id), number=(Customer.number,))``
    """

    def __init__(self, default: str, **orders: Sequence[Column]) -> None:
        self.default = default
        self._orders = orders
        self.choices = tuple(f"{way}{name}" for name in orders for way in ("", "-"))
        assert default in self.choices

    def field(self) -> fields.String:
        """The parameter ``sort`` of a list's query."""
        said = "Order; a minus turns it round."
        return fields.String(
            load_default=self.default,
            validate=validate.OneOf(self.choices, error="Sort by one of: {choices}."),
            metadata={"description": said},
        )

    def keys(self, sort: str) -> list[SortKey]:
        """The keyset of one of ``choices``."""
        way: Direction = "desc" if sort.startswith("-") else "asc"
        return [(column, way) for column in self._orders[sort.removeprefix("-")]]
