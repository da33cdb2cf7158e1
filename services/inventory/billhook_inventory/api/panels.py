"""Figures for dashboards, each equal to the list that it links to."""

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import func, select

from billhook_common.api import Blueprint, ctx, json_response
from billhook_common.auth import requires
from billhook_inventory.domain.moves import CONDITIONS, STATUSES
from billhook_inventory.models import Item

blueprint = Blueprint("panels", __name__, url_prefix="/panels", description="Figures for dashboards")


class ItemsPanelSchema(Schema):
    """Items by status, and those in stock by condition; each equals the list with the same filters."""

    total = fields.Integer()
    by_status = fields.Dict(keys=fields.String(), values=fields.Integer())
    in_stock_by_condition = fields.Dict(keys=fields.String(), values=fields.Integer())


@blueprint.route("/items", methods=["GET"])
@requires("inventory:read")
@blueprint.response(200, ItemsPanelSchema)
def items() -> Response:
    """How many items there are, and where."""
    by_status, in_stock = dict.fromkeys(STATUSES, 0), dict.fromkeys(CONDITIONS, 0)
    rows = ctx.session.execute(
        select(Item.status, Item.condition, func.count()).group_by(Item.status, Item.condition)
    ).all()
    for status, condition, number in rows:
        by_status[status] += number
        if status == "in_stock":
            in_stock[condition] += number
    return json_response({"total": sum(by_status.values()), "by_status": by_status, "in_stock_by_condition": in_stock})
