"""Figures for dashboards, each equal to the list that it links to."""

import datetime as dt
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import func, select

from billhook_common.api import Blueprint, ctx, json_response
from billhook_common.auth import requires
from billhook_crm.domain.lifecycle import STATUSES
from billhook_crm.models import Customer, Location
from billhook_crm.queries import counted_customers, inside

blueprint = Blueprint("panels", __name__, url_prefix="/panels", description="Figures for dashboards")


class CustomersPanelSchema(Schema):
    """Customers by status, those new since ``month_from``, and those with something overdue.

    Each equals the list with status=…, created_from=month_from and overdue=true.
    """

    total = fields.Integer()
    by_status = fields.Dict(keys=fields.String(), values=fields.Integer())
    month_from = fields.Date()
    new_this_month = fields.Integer()
    overdue = fields.Integer()


class LocationsPanelSchema(Schema):
    """Customers by location, archived ones left out; the key is blank for those without one (K5)."""

    by_location = fields.Dict(keys=fields.String(), values=fields.Integer())


@blueprint.route("/customers", methods=["GET"])
@requires("crm:read", scoped=True)
@blueprint.response(200, CustomersPanelSchema)
def customers() -> Response:
    """How many customers there are, and how they are doing."""
    today = ctx.clock.today()
    month_from = today.replace(day=1)
    rows = ctx.session.execute(
        select(Customer.status, func.count()).where(*inside(ctx.identity.scope)).group_by(Customer.status)
    ).all()
    by_status = dict.fromkeys(STATUSES, 0) | {status: number for status, number in rows}
    return json_response(
        {
            "total": sum(by_status.values()),
            "by_status": by_status,
            "month_from": month_from,
            "new_this_month": _count({"created_from": month_from}, today),
            "overdue": _count({"overdue": True}, today),
        }
    )


def _count(wanted: dict[str, Any], today: dt.date) -> int:
    return ctx.session.scalars(counted_customers(wanted, today, ctx.identity.scope)).one()


@blueprint.route("/locations", methods=["GET"])
@requires("crm:read", scoped=True)
@blueprint.response(200, LocationsPanelSchema)
def locations() -> Response:
    """Where the customers are."""
    rows = ctx.session.execute(
        select(func.coalesce(Location.name, ""), func.count())
        .select_from(Customer)
        .join(Location, Location.id == Customer.location_id, isouter=True)
        .where(Customer.status != "archived", *inside(ctx.identity.scope))
        .group_by(Location.name)
    ).all()
    return json_response({"by_location": {location: number for location, number in rows}})
