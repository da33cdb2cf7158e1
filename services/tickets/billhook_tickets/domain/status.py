"""What an event does to a ticket's status (T2, T3)."""

from billhook_common.errors import Conflict

OPEN = frozenset({"new", "work_in_progress", "waiting_on_customer", "waiting_on_agent"})
CLOSED = frozenset({"resolved"})


class TicketIsClosed(Conflict):
    """The matter is settled; reopen the ticket first."""

    title = "The ticket is closed"


class TicketIsOpen(Conflict):
    """Only a closed ticket can be reopened."""

    title = "The ticket is open already"


def after_message(status: str, *, note: bool) -> str:
    """The status after an agent wrote: a reply waits on the customer, a note changes nothing. Raises TicketIsClosed."""
    if status in CLOSED and not note:
        raise TicketIsClosed("Reopen it to reply.")
    return status if note else "waiting_on_customer"


def after_close(status: str) -> str:
    """The status after closing. Raises TicketIsClosed."""
    if status in CLOSED:
        raise TicketIsClosed
    return "resolved"


def after_reopen(status: str) -> str:
    """The status after reopening. Raises TicketIsOpen."""
    if status in OPEN:
        raise TicketIsOpen
    return "work_in_progress"
