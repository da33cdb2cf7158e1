"""The contract gate: what was released holds, and only optional fields are added within a version."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import UUID

import msgspec
import pytest

from billhook_common.contracts import Fact
from billhook_common.contracts.compatibility import (
    AlreadyReleased,
    Breaks,
    breaks,
    last_release,
    release,
    shapes,
)

pytestmark = pytest.mark.contract

NAME = "shop.order.placed.v1"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    price: Decimal


class Placed(Fact, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = NAME
    order_id: UUID
    size: Literal["small", "large"]
    lines: list[Line]
    note: str = ""
    wanted_on: dt.date | None = None


ORDER = {
    "order_id": UUID,
    "size": Literal["small", "large"],
    "lines": list[Line],
    "note": (str, ""),
    "wanted_on": (dt.date | None, None),
}


def shape(**changes: Any) -> dict[str, Any]:
    """The order's shape after some fields changed: a type, or ``(type, default)``; None takes a field away."""
    wanted = {name: kind for name, kind in (ORDER | changes).items() if kind is not None}
    given = [(name, *kind) if isinstance(kind, tuple) else (name, kind) for name, kind in wanted.items()]
    fact = msgspec.defstruct("Placed", given, frozen=True, kw_only=True)
    return {NAME: msgspec.json.schema(fact)}


def line(fields: list[Any]) -> Any:
    return list[msgspec.defstruct("Line", fields, frozen=True, kw_only=True)]  # type: ignore[misc]


RELEASED = shapes({NAME: Placed})


@pytest.mark.parametrize(
    ("present", "found"),
    [
        ({}, [f"{NAME}: removed"]),
        (shape(note=None), [f"{NAME}.note: removed"]),
        (shape(note=None, remark=(str, "")), [f"{NAME}.note: removed"]),  # renamed
        (shape(order_id=str), [f"{NAME}.order_id: was string (uuid), is string"]),
        (shape(order_id=int), [f"{NAME}.order_id: was string (uuid), is integer"]),
        (shape(lines=Line), [f"{NAME}.lines: was array, is Line"]),
        (shape(wanted_on=(dt.date, dt.date(2026, 1, 1))),
         [f"{NAME}.wanted_on: was string (date) or null, is string (date)"]),
        (shape(wanted_on=(UUID | None, None)), [f"{NAME}.wanted_on: was string (date), is string (uuid)"]),
        (shape(urgent=bool), [f"{NAME}.urgent: required now, which what was sent before may not have"]),
        (shape(note=str), [f"{NAME}.note: required now, which what was sent before may not have"]),
        (shape(order_id=(UUID | None, None)),
         [f"{NAME}.order_id: was string (uuid), is string (uuid) or null",
          f"{NAME}.order_id: was required, readers count on it"]),
        (shape(size=Literal["small", "large", "huge"]),
         [f'{NAME}.size: was one of "large", "small", is one of "huge", "large", "small"']),
        (shape(size=Literal["small"]), [f'{NAME}.size: was one of "large", "small", is one of "small"']),
        (shape(lines=line([("text", str)])), [f"{NAME}.lines[].price: removed"]),
        (shape(lines=line([("text", str), ("price", int)])),
         [f"{NAME}.lines[].price: was string (decimal), is integer"]),
        (shape(lines=line([("text", str), ("price", Decimal), ("tax", Decimal)])),
         [f"{NAME}.lines[].tax: required now, which what was sent before may not have"]),
    ],
)  # fmt: skip
def test_a_break_is_named(present: dict[str, Any], found: list[str]) -> None:
    assert breaks(RELEASED, present) == found


@pytest.mark.parametrize(
    "present",
    [
        RELEASED,
        shape(remark=(str, ""), urgent=(bool, False)),
        shape(note=(str, "none")),  # a default is the reader's own
        shape(size=Literal["large", "small"]),
        shape(lines=line([("text", str), ("price", Decimal), ("tax", Decimal | None, None)])),
        RELEASED | {"shop.order.placed.v2": {"type": "object"}},
    ],
)
def test_what_is_added_and_may_be_left_out_is_no_break(present: dict[str, Any]) -> None:
    assert breaks(RELEASED, present) == []


class Tree(Fact, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = NAME
    name: str
    branches: "list[Tree]"


def test_a_structure_that_holds_itself_is_compared_once() -> None:
    tree = shapes({NAME: Tree})
    assert breaks(tree, tree) == []
    renamed = msgspec.json.decode(msgspec.json.encode(tree).replace(b'"name"', b'"title"'))
    assert f"{NAME}.name: removed" in breaks(tree, renamed)


def test_todays_contracts_hold_what_the_last_release_said() -> None:
    last = last_release()
    assert last is None or breaks(last[1], shapes()) == []


def test_a_release_keeps_the_shapes_and_does_not_change(tmp_path: Path) -> None:
    assert last_release(tmp_path) is None
    release("1.9.0", tmp_path)
    release("1.10.0", tmp_path)
    assert last_release(tmp_path) == ("1.10.0", shapes())
    with pytest.raises(AlreadyReleased, match=r"1\.9\.0"):
        release("1.9.0", tmp_path)


def test_nothing_is_released_that_breaks_the_release_before(tmp_path: Path) -> None:
    (tmp_path / "1.0.0.json").write_bytes(msgspec.json.encode(RELEASED))
    with pytest.raises(Breaks, match=f"{NAME}: removed"):
        release("1.1.0", tmp_path)
    assert not (tmp_path / "1.1.0.json").exists()
