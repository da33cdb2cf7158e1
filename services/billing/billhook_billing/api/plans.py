"""Plans: list, make, change."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import func, select

from billhook_billing.actions import plans
from billhook_billing.models import Plan, Subscription
from billhook_common.api import AnyRow, Blueprint, DecimalString, PageSchema, ctx, decimal_text, page_of
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery

blueprint = Blueprint("plans", __name__, url_prefix="/plans", description="What is sold")

KINDS = ("internet", "voice", "recurring", "one_time", "bundle")


class PlanSchema(Schema):
    """A plan; ``price`` is for one period of ``period_months``, with tax where ``tax_included``."""

    id = fields.UUID(dump_only=True)
    version = fields.Integer(dump_only=True)
    name = PlainText(100, least=1, required=True)
    kind = fields.String(load_default="internet", validate=validate.OneOf(KINDS))
    description = PlainText(500, load_default="")
    price = DecimalString(required=True)
    currency = fields.String(required=True, validate=validate.Length(equal=3))
    tax_rate = DecimalString(required=True, metadata={"description": "Percent."})
    tax_included = fields.Boolean(required=True)
    period_months = fields.Integer(load_default=1, strict=True)
    enabled = fields.Boolean(load_default=True)
    subscriptions = fields.Integer(dump_only=True, metadata={"description": "How many are active."})


class PlanChangeSchema(Schema):
    """What may change."""

    name = PlainText(100, least=1)
    description = PlainText(500)
    price = DecimalString()
    tax_rate = DecimalString()
    tax_included = fields.Boolean()
    enabled = fields.Boolean()


class PlanPageSchema(PageSchema):
    """A page of plans."""

    items = fields.List(fields.Nested(PlanSchema))


class PlanFilterSchema(ListQuery):
    """Which plans to list."""

    enabled = fields.Boolean()


_ACTIVE = (
    select(func.count())
    .where(Subscription.plan_id == Plan.id, Subscription.state == "active")
    .correlate(Plan)
    .scalar_subquery()
)
_LISTED = select(Plan, _ACTIVE.label("subscriptions"))


@blueprint.route("", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(PlanFilterSchema, location="query")
@blueprint.response(200, PlanPageSchema)
def list_plans(wanted: dict[str, Any]) -> Response:
    """By name."""
    statement = _LISTED
    if "enabled" in wanted:
        statement = statement.where(Plan.enabled == wanted["enabled"])
    return page_of(ctx.session, statement, [(Plan.name, "asc"), (Plan.id, "asc")], _item)


@blueprint.route("", methods=["POST"])
@requires("billing:write")
@blueprint.arguments(PlanSchema)
@blueprint.response(201, PlanSchema)
def make_plan(body: dict[str, Any]) -> Response:
    """A new plan."""
    plan = plans.make_plan(ctx.session, ctx.clock, plans.PlanTerms(**body))
    return _one(plan.id, 201)


@blueprint.route("/<uuid:plan_id>", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, PlanSchema)
def get_plan(plan_id: UUID) -> Response:
    """One plan."""
    return _one(plan_id)


@blueprint.route("/<uuid:plan_id>", methods=["PATCH"])
@requires("billing:write")
@versioned(required=False)
@blueprint.arguments(PlanChangeSchema)
@blueprint.response(200, PlanSchema)
def change_plan(body: dict[str, Any], plan_id: UUID, seen: int | None) -> Response:
    """Change a plan; subscriptions that run keep their own terms."""
    plans.change_plan(ctx.session, ctx.clock, plan_id, body, seen=seen)
    return _one(plan_id)


def _one(plan_id: UUID, status: int = 200) -> Response:
    row = ctx.session.execute(_LISTED.where(Plan.id == plan_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such plan.")
    return versioned_response(_item(row), status)


def _item(row: AnyRow) -> dict[str, Any]:
    plan: Plan = row.Plan
    return {
        "id": plan.id,
        "version": plan.version,
        "name": plan.name,
        "kind": plan.kind,
        "description": plan.description,
        "price": decimal_text(plan.price),
        "currency": plan.currency,
        "tax_rate": decimal_text(plan.tax_rate, 0),
        "tax_included": plan.tax_included,
        "period_months": plan.period_months,
        "enabled": plan.enabled,
        "subscriptions": row.subscriptions,
    }
