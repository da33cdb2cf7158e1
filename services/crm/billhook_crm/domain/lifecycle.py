"""Where a customer is in life (K2), and the status that people see."""

from billhook_common.errors import Conflict

LIFECYCLES = ("new", "active", "archived")
STATUSES = ("new", "active", "blocked", "inactive", "archived")
IMPORTED_STATUSES = ("", "blocked", "inactive")
"""What the former system said of an active customer, where it said more than that."""

_MOVES = {"new": {"active", "archived"}, "active": {"archived"}, "archived": {"active"}}


class LifecycleMoveRefused(Conflict):
    """A customer becomes active, is archived, and may be restored; nobody becomes new again."""

    title = "The customer cannot go to that state"


def check_move(lifecycle: str, to: str) -> None:
    """Raise LifecycleMoveRefused unless a customer may go from ``lifecycle`` to ``to``."""
    if to not in _MOVES[lifecycle]:
        raise LifecycleMoveRefused(f"From {lifecycle} a customer cannot become {to}.", pointer="/lifecycle")


def status_of(lifecycle: str, imported_status: str) -> str:
    """The status shown: archived, else new, else blocked or inactive as imported, else active."""
    return (imported_status or "active") if lifecycle == "active" else lifecycle
