"""Tickets: list, open, read, answer, close, reopen."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, page_of
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.lists import ListQuery, Sorting
from billhook_tickets.actions import converse
from billhook_tickets.domain.status import OPEN
from billhook_tickets.models import Customer, Message, Ticket

blueprint = Blueprint("tickets", __name__, url_prefix="/tickets", description="Conversations with customers")

PRIORITIES = ("low", "medium", "high", "urgent")
STATUSES = ("new", "work_in_progress", "resolved", "waiting_on_customer", "waiting_on_agent")


class TicketCustomerSchema(Schema):
    """Whom a ticket is about."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class TicketSchema(Schema):
    """A ticket in a list."""

    id = fields.UUID()
    version = fields.Integer()
    number = fields.String()
    customer = fields.Nested(TicketCustomerSchema, allow_none=True)
    subject = fields.String()
    priority = fields.String(validate=validate.OneOf(PRIORITIES))
    status = fields.String(validate=validate.OneOf(STATUSES))
    assignee = fields.String()
    opened_at = fields.AwareDateTime()
    changed_at = fields.AwareDateTime()


class MessageSchema(Schema):
    """One message; a note is for staff only."""

    id = fields.UUID(dump_only=True)
    author = fields.String(dump_only=True)
    note = fields.Boolean(load_default=False)
    body = fields.String(required=True, validate=validate.Length(1, 20_000))
    sent_at = fields.AwareDateTime(dump_only=True)


class OneTicketSchema(TicketSchema):
    """A ticket with its messages."""

    messages = fields.List(fields.Nested(MessageSchema))


class TicketPageSchema(PageSchema):
    """A page of tickets."""

    items = fields.List(fields.Nested(TicketSchema))


class NewTicketSchema(Schema):
    """What opens a ticket."""

    subject = fields.String(required=True, validate=validate.Length(1, 200))
    body = fields.String(required=True, validate=validate.Length(1, 20_000))
    priority = fields.String(load_default="medium", validate=validate.OneOf(PRIORITIES))
    customer_id = fields.UUID(load_default=None, allow_none=True)


_SORTING = Sorting("-opened", opened=(Ticket.id,), changed=(Ticket.changed_at, Ticket.id))


class TicketFilterSchema(ListQuery):
    """Which tickets to list."""

    state = fields.String(validate=validate.OneOf(("open", "closed")))
    status = fields.String(validate=validate.OneOf(STATUSES))
    customer_id = fields.UUID()
    sort = _SORTING.field()


_COLUMNS = (Ticket, Customer.number.label("customer_number"), Customer.name.label("customer_name"))


@blueprint.route("", methods=["GET"])
@requires("tickets:read")
@blueprint.arguments(TicketFilterSchema, location="query")
@blueprint.response(200, TicketPageSchema)
def list_tickets(wanted: dict[str, Any]) -> Response:
    """Newest first, or as ``sort`` says."""
    statement = select(*_COLUMNS).outerjoin(Customer, Customer.id == Ticket.customer_id)
    if "state" in wanted:
        is_open = Ticket.status.in_(OPEN)
        statement = statement.where(is_open if wanted["state"] == "open" else ~is_open)
    if "status" in wanted:
        statement = statement.where(Ticket.status == wanted["status"])
    if "customer_id" in wanted:
        statement = statement.where(Ticket.customer_id == wanted["customer_id"])
    return page_of(ctx.session, statement, _SORTING.keys(wanted["sort"]), _item)


@blueprint.route("", methods=["POST"])
@requires("tickets:write")
@blueprint.arguments(NewTicketSchema)
@blueprint.response(201, OneTicketSchema)
def open_ticket(body: dict[str, Any]) -> Response:
    """Open a ticket with its first message."""
    ticket = converse.open_ticket(ctx.session, ctx.clock, converse.NewTicket(**body), author=ctx.identity.name)
    return _one(ticket.id, 201)


@blueprint.route("/<uuid:ticket_id>", methods=["GET"])
@requires("tickets:read")
@blueprint.response(200, OneTicketSchema)
def get_ticket(ticket_id: UUID) -> Response:
    """One ticket with its messages, oldest first."""
    return _one(ticket_id)


@blueprint.route("/<uuid:ticket_id>/messages", methods=["POST"])
@requires("tickets:write")
@blueprint.arguments(MessageSchema)
@blueprint.response(201, OneTicketSchema)
def write_message(body: dict[str, Any], ticket_id: UUID) -> Response:
    """Reply to the customer, or leave a note for colleagues."""
    converse.write_message(ctx.session, ctx.clock, ticket_id, author=ctx.identity.name, **body)
    return _one(ticket_id, 201)


@blueprint.route("/<uuid:ticket_id>/close", methods=["POST"])
@requires("tickets:write")
@versioned(required=False)
@blueprint.response(200, OneTicketSchema)
def close_ticket(ticket_id: UUID, seen: int | None) -> Response:
    """The matter is settled."""
    converse.close_ticket(ctx.session, ctx.clock, ticket_id, seen=seen)
    return _one(ticket_id)


@blueprint.route("/<uuid:ticket_id>/reopen", methods=["POST"])
@requires("tickets:write")
@versioned(required=False)
@blueprint.response(200, OneTicketSchema)
def reopen_ticket(ticket_id: UUID, seen: int | None) -> Response:
    """The matter is not settled after all."""
    converse.reopen_ticket(ctx.session, ctx.clock, ticket_id, seen=seen)
    return _one(ticket_id)


def _one(ticket_id: UUID, status: int = 200) -> Response:
    row = ctx.session.execute(
        select(*_COLUMNS).outerjoin(Customer, Customer.id == Ticket.customer_id).where(Ticket.id == ticket_id)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such ticket.")
    messages = ctx.session.scalars(select(Message).where(Message.ticket_id == ticket_id).order_by(Message.id))
    return versioned_response({**_item(row), "messages": MessageSchema(many=True).dump(messages)}, status)


def _item(row: AnyRow) -> dict[str, Any]:
    ticket: Ticket = row.Ticket
    customer = {"id": ticket.customer_id, "number": row.customer_number, "name": row.customer_name}
    return {
        "id": ticket.id,
        "version": ticket.version,
        "number": ticket.number,
        "customer": customer if ticket.customer_id else None,
        "subject": ticket.subject,
        "priority": ticket.priority,
        "status": ticket.status,
        "assignee": ticket.assignee,
        "opened_at": ticket.opened_at,
        "changed_at": ticket.changed_at,
    }
