"""Subscriptions, shown to people as services: list, sell, change, end."""

import datetime as dt
from typing import Any, get_args
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate

from billhook_billing.actions import subscriptions
from billhook_billing.actions.due import terms_of
from billhook_billing.domain.revenue import monthly_net
from billhook_billing.models import Account, Subscription
from billhook_common.api import (
    AnyRow,
    Blueprint,
    DecimalString,
    MoneyField,
    PageSchema,
    ctx,
    decimal_text,
    page_of,
)
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery

blueprint = Blueprint("subscriptions", __name__, url_prefix="/subscriptions", description="Plans sold to customers")

STATES = get_args(subscriptions.State)


class DiscountSchema(Schema):
    """Something off the price; ``from`` and ``until`` are the half-open days to which it applies (R7)."""

    kind = fields.String(required=True, validate=validate.OneOf(("percent", "fixed")))
    value = DecimalString(required=True)
    from_ = fields.Date(data_key="from", load_default=None, allow_none=True)
    until = fields.Date(load_default=None, allow_none=True)


class StopSchema(Schema):
    """Days without service, half-open; they are not charged (R20). ``until`` is null while it is stopped."""

    from_ = fields.Date(data_key="from")
    until = fields.Date(allow_none=True)


class SubscriptionCustomerSchema(Schema):
    """Whose service it is."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class SubscriptionSchema(Schema):
    """A service; ``monthly`` is its net value a month, ``charged_until`` the first day not charged."""

    id = fields.UUID(dump_only=True)
    version = fields.Integer(dump_only=True)
    customer = fields.Nested(SubscriptionCustomerSchema, dump_only=True)
    customer_id = fields.UUID(required=True, load_only=True)
    plan_id = fields.UUID(required=True)
    plan_name = fields.String(dump_only=True)
    state = fields.String(load_default="active", validate=validate.OneOf(("pending", "active")))
    description = PlainText(200, load_default="")
    price = DecimalString(load_default=None, allow_none=True)
    quantity = DecimalString(load_default=None, allow_none=True)
    currency = fields.String(dump_only=True)
    tax_rate = DecimalString(load_default=None, allow_none=True)
    tax_included = fields.Boolean(dump_only=True)
    period_months = fields.Integer(dump_only=True)
    billing_day = fields.Integer(dump_only=True)
    monthly = MoneyField(dump_only=True)
    starts_on = fields.Date(required=True)
    ends_before = fields.Date(load_default=None, allow_none=True)
    charged_until = fields.Date(load_default=None, allow_none=True)
    discounts = fields.List(fields.Nested(DiscountSchema), load_default=list, validate=validate.Length(max=10))
    stops = fields.List(fields.Nested(StopSchema), dump_only=True)


class SubscriptionChangeSchema(Schema):
    """What may change, for the days not charged yet."""

    state = fields.String(validate=validate.OneOf(("active", "stopped")))
    description = PlainText(200, least=1)
    price = DecimalString()
    quantity = DecimalString()
    discounts = fields.List(fields.Nested(DiscountSchema), validate=validate.Length(max=10))


class EndSchema(Schema):
    """When a service ends: ``ends_before`` is the first day not provided."""

    ends_before = fields.Date(required=True)


class SubscriptionPageSchema(PageSchema):
    """A page of services."""

    items = fields.List(fields.Nested(SubscriptionSchema))


class SubscriptionFilterSchema(ListQuery):
    """Which services to list."""

    customer_id = fields.UUID()
    plan_id = fields.UUID()
    state = fields.String(validate=validate.OneOf(STATES))


@blueprint.route("", methods=["GET"])
@requires("billing:read")
@blueprint.arguments(SubscriptionFilterSchema, location="query")
@blueprint.response(200, SubscriptionPageSchema)
def list_subscriptions(wanted: dict[str, Any]) -> Response:
    """Oldest first."""
    statement = _listed()
    for name, value in wanted.items():
        statement = statement.where(getattr(Subscription, name) == value)
    return page_of(ctx.session, statement, [(Subscription.starts_on, "asc"), (Subscription.id, "asc")], _item)


@blueprint.route("", methods=["POST"])
@requires("billing:write", key=True)
@blueprint.arguments(SubscriptionSchema)
@blueprint.response(201, SubscriptionSchema)
def subscribe(body: dict[str, Any]) -> Response:
    """Sell a plan to a customer; a repetition with the same key sells nothing more."""
    if body["quantity"] is None:
        del body["quantity"]
    body["discounts"] = _stored(body["discounts"])
    sold = subscriptions.subscribe(ctx.session, ctx.clock, subscriptions.NewSubscription(**body))
    return _one(sold.id, 201)


@blueprint.route("/<uuid:subscription_id>", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, SubscriptionSchema)
def get_subscription(subscription_id: UUID) -> Response:
    """One service."""
    return _one(subscription_id)


@blueprint.route("/<uuid:subscription_id>", methods=["PATCH"])
@requires("billing:write")
@versioned(required=False)
@blueprint.arguments(SubscriptionChangeSchema)
@blueprint.response(200, SubscriptionSchema)
def change_subscription(body: dict[str, Any], subscription_id: UUID, seen: int | None) -> Response:
    """Change a service for the days not charged yet."""
    if "discounts" in body:
        body["discounts"] = list(_stored(body["discounts"]))
    subscriptions.change_subscription(ctx.session, ctx.clock, subscription_id, body, seen=seen)
    return _one(subscription_id)


@blueprint.route("/<uuid:subscription_id>/end", methods=["POST"])
@requires("billing:write")
@blueprint.arguments(EndSchema)
@blueprint.response(200, SubscriptionSchema)
def end_subscription(body: dict[str, Any], subscription_id: UUID) -> Response:
    """Give a service its end."""
    subscriptions.end_subscription(ctx.session, ctx.clock, subscription_id, ends_before=body["ends_before"])
    return _one(subscription_id)


def _listed() -> Any:
    return subscriptions.with_terms().add_columns(
        Account.number.label("customer_number"), Account.name.label("customer_name")
    )


def _one(subscription_id: UUID, status: int = 200) -> Response:
    row = ctx.session.execute(_listed().where(Subscription.id == subscription_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such service.")
    return versioned_response(_item(row), status)


def _stored(discounts: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    def day(value: dt.date | None) -> str | None:
        return value.isoformat() if value else None

    return tuple(
        {"kind": item["kind"], "value": str(item["value"]), "from": day(item["from_"]), "until": day(item["until"])}
        for item in discounts
    )


def _item(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "version": row.version,
        "customer": {"id": row.customer_id, "number": row.customer_number, "name": row.customer_name},
        "plan_id": row.plan_id,
        "plan_name": row.plan_name,
        "state": row.state,
        "description": row.description,
        "price": decimal_text(row.price),
        "quantity": decimal_text(row.quantity, 0),
        "currency": row.currency,
        "tax_rate": decimal_text(row.tax_rate, 0),
        "tax_included": row.tax_included,
        "period_months": row.period_months,
        "billing_day": row.billing_day,
        "monthly": monthly_net(terms_of(row), ctx.clock.today()),
        "starts_on": row.starts_on,
        "ends_before": row.ends_before,
        "charged_until": row.charged_until,
        "discounts": row.discounts,
        "stops": row.stops,
    }
