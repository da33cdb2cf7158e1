"""Where an item may go (N5)."""

from billhook_common.errors import Conflict

STATUSES = ("in_stock", "assigned", "internal_usage")
CONDITIONS = ("new", "used", "broken")
MAIN_LOCATION = "Main"


class ItemIsNotInStock(Conflict):
    """Only what is in stock can be given out; have it returned first."""

    title = "The item is not in stock"


class ItemIsInStock(Conflict):
    """Only what was given out can come back."""

    title = "The item is in stock already"


class ItemIsBroken(Conflict):
    """A broken item goes to nobody; mark it used once it is repaired."""

    title = "The item is broken"


def give_out(status: str, condition: str, to: str) -> str:
    """The status after an item was given ``to`` a customer or to own use. Raises ItemIsNotInStock, ItemIsBroken."""
    if status != "in_stock":
        raise ItemIsNotInStock(f"It is {status.replace('_', ' ')}.")
    if condition == "broken":
        raise ItemIsBroken
    return to


def take_back(status: str) -> str:
    """The status after an item came back. Raises ItemIsInStock."""
    if status == "in_stock":
        raise ItemIsInStock
    return "in_stock"


def condition_after_return(condition: str, mark: str | None) -> str:
    """The condition of an item that came back: the ``mark`` given, else nothing that was out is new any more."""
    return mark or ("used" if condition == "new" else condition)
