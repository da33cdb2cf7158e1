"""What tickets tells."""

import datetime as dt
from typing import ClassVar, Literal
from uuid import UUID

from billhook_common.contracts import Fact

Priority = Literal["low", "medium", "high", "urgent"]
Status = Literal["new", "work_in_progress", "resolved", "waiting_on_customer", "waiting_on_agent"]


class TicketSnapshot(Fact, frozen=True, kw_only=True):
    """The state of a ticket; a reader keeps the highest ``version``."""

    ticket_id: UUID
    version: int
    number: str
    customer_id: UUID | None = None
    subject: str
    priority: Priority
    status: Status
    assignee: str = ""
    opened_at: dt.datetime


class TicketOpened(TicketSnapshot, frozen=True, kw_only=True):
    """A conversation begins."""

    TYPE: ClassVar[str] = "tickets.ticket.opened.v1"


class TicketClosed(TicketSnapshot, frozen=True, kw_only=True):
    """The matter is settled."""

    TYPE: ClassVar[str] = "tickets.ticket.closed.v1"
