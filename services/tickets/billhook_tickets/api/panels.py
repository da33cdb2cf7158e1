"""Figures for dashboards, each equal to the list that it links to."""

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import func, select

from billhook_common.api import Blueprint, ctx, json_response
from billhook_common.auth import requires
from billhook_tickets.domain.status import OPEN
from billhook_tickets.models import Ticket

blueprint = Blueprint("panels", __name__, url_prefix="/panels", description="Figures for dashboards")


class OpenTicketsSchema(Schema):
    """Open tickets by status; ``open`` equals the list with state=open."""

    open = fields.Integer()
    by_status = fields.Dict(keys=fields.String(), values=fields.Integer())


@blueprint.route("/tickets", methods=["GET"])
@requires("tickets:read")
@blueprint.response(200, OpenTicketsSchema)
def open_tickets() -> Response:
    """How many tickets are open."""
    rows = ctx.session.execute(
        select(Ticket.status, func.count()).where(Ticket.status.in_(OPEN)).group_by(Ticket.status)
    ).all()
    by_status = {status: number for status, number in rows}
    return json_response({"open": sum(by_status.values()), "by_status": by_status})
