"""Open a ticket, write to it, close and reopen it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.contracts.tickets import TicketClosed, TicketOpened, TicketSnapshot
from billhook_common.errors import NotFound, NotKnownYet
from billhook_common.etags import check_version
from billhook_common.events import publish
from billhook_common.ids import uuid7
from billhook_tickets.domain import status
from billhook_tickets.models import Customer, Message, Ticket, ticket_number


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """What opens a ticket; ``customer_id`` where it is about one."""

    subject: str
    body: str
    priority: str
    customer_id: UUID | None


def open_ticket(session: Session, clock: Clock, new: NewTicket, *, author: str) -> Ticket:
    """A new ticket with its first message. Raises NotKnownYet while the customer's event is on its way."""
    if new.customer_id is not None and session.get(Customer, new.customer_id) is None:
        raise NotKnownYet("The customer has not arrived here yet.", pointer="/customer_id")
    ticket = Ticket(
        id=uuid7(),
        version=1,
        number=f"T-{session.scalar(ticket_number):06d}",
        customer_id=new.customer_id,
        subject=new.subject,
        priority=new.priority,
        status="new",
        assignee="",
        opened_at=clock.now(),
        changed_at=clock.now(),
    )
    session.add(ticket)
    session.flush()
    _say(session, clock, ticket, author=author, body=new.body, note=False)
    _tell(session, clock, TicketOpened, ticket)
    return ticket


def write_message(session: Session, clock: Clock, ticket_id: UUID, *, author: str, body: str, note: bool) -> Ticket:
    """Add a reply or a note. Raises NotFound, TicketIsClosed."""
    ticket = _locked(session, ticket_id)
    _move(clock, ticket, status.after_message(ticket.status, note=note))
    _say(session, clock, ticket, author=author, body=body, note=note)
    return ticket


def close_ticket(session: Session, clock: Clock, ticket_id: UUID, *, seen: int | None) -> Ticket:
    """The matter is settled. Raises NotFound, VersionGone, TicketIsClosed."""
    ticket = _locked(session, ticket_id)
    check_version(session, ticket_id, seen=seen, present=ticket.version)
    _move(clock, ticket, status.after_close(ticket.status))
    _tell(session, clock, TicketClosed, ticket)
    audit(session, clock, "ticket_closed", ticket.id)
    return ticket


def reopen_ticket(session: Session, clock: Clock, ticket_id: UUID, *, seen: int | None) -> Ticket:
    """The matter is not settled after all. Raises NotFound, VersionGone, TicketIsOpen."""
    ticket = _locked(session, ticket_id)
    check_version(session, ticket_id, seen=seen, present=ticket.version)
    _move(clock, ticket, status.after_reopen(ticket.status))
    _tell(session, clock, TicketOpened, ticket)
    audit(session, clock, "ticket_reopened", ticket.id)
    return ticket


def _locked(session: Session, ticket_id: UUID) -> Ticket:
    ticket = session.get(Ticket, ticket_id, with_for_update=True)
    if ticket is None:
        raise NotFound("There is no such ticket.")
    return ticket


def _move(clock: Clock, ticket: Ticket, new_status: str) -> None:
    ticket.status = new_status
    ticket.version += 1
    ticket.changed_at = clock.now()


def _say(session: Session, clock: Clock, ticket: Ticket, *, author: str, body: str, note: bool) -> None:
    session.add(Message(id=uuid7(), ticket_id=ticket.id, author=author, note=note, body=body, sent_at=clock.now()))
    session.flush()


def _tell(session: Session, clock: Clock, fact: type[TicketSnapshot], ticket: Ticket) -> None:
    snapshot = fact(
        ticket_id=ticket.id,
        version=ticket.version,
        number=ticket.number,
        customer_id=ticket.customer_id,
        subject=ticket.subject,
        priority=ticket.priority,  # type: ignore[arg-type]  # the column's check constraint holds the literal's values
        status=ticket.status,  # type: ignore[arg-type]  # likewise
        assignee=ticket.assignee,
        opened_at=ticket.opened_at,
    )
    publish(session, clock, snapshot, subject=ticket.id, customer_id=ticket.customer_id, version=ticket.version)
