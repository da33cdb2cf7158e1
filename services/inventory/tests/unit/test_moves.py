"""Where an item may go."""

import pytest

from billhook_inventory.domain.moves import (
    CONDITIONS,
    STATUSES,
    ItemIsBroken,
    ItemIsInStock,
    ItemIsNotInStock,
    condition_after_return,
    give_out,
    take_back,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("to", ["assigned", "internal_usage"])
def test_only_a_whole_item_in_stock_is_given_out(status: str, condition: str, to: str) -> None:
    if status != "in_stock":
        with pytest.raises(ItemIsNotInStock):
            give_out(status, condition, to)
    elif condition == "broken":
        with pytest.raises(ItemIsBroken):
            give_out(status, condition, to)
    else:
        assert give_out(status, condition, to) == to


@pytest.mark.parametrize("status", STATUSES)
def test_only_what_is_out_comes_back(status: str) -> None:
    if status == "in_stock":
        with pytest.raises(ItemIsInStock):
            take_back(status)
    else:
        assert take_back(status) == "in_stock"


@pytest.mark.parametrize(
    ("condition", "mark", "after"),
    [("new", None, "used"), ("used", None, "used"), ("broken", None, "broken"), ("new", "new", "new"),
     ("used", "broken", "broken"), ("broken", "used", "used")],
)  # fmt: skip
def test_the_mark_given_decides_else_new_becomes_used(condition: str, mark: str | None, after: str) -> None:
    assert condition_after_return(condition, mark) == after
