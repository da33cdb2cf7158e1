"""How a customer is billed (C2): billing day, postpaid or prepaid, due days, invoices or charges only."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate

from billhook_billing.actions.settings import change_settings, settings_of
from billhook_billing.api.accounts import MODES
from billhook_billing.models import Account
from billhook_common.api import Blueprint, ctx, json_response
from billhook_common.auth import requires
from billhook_common.errors import NotFound

blueprint = Blueprint("account_settings", __name__, url_prefix="/accounts", description="How customers are billed")


class BillingSettingsSchema(Schema):
    """How a customer is billed; ``prepaid_months`` 0 bills after the period."""

    mode = fields.String(validate=validate.OneOf(MODES))
    billing_day = fields.Integer(strict=True, validate=validate.Range(1, 31))
    prepaid_months = fields.Integer(strict=True, validate=validate.Range(0, 12))
    due_days = fields.Integer(strict=True, validate=validate.Range(0, 90))


@blueprint.route("/<uuid:customer_id>/settings", methods=["GET"])
@requires("billing:read")
@blueprint.response(200, BillingSettingsSchema)
def get_settings(customer_id: UUID) -> Response:
    """How the customer is billed."""
    account = ctx.session.get(Account, customer_id)
    if account is None:
        raise NotFound("There is no account of such a customer.")
    return json_response(settings_of(account))


@blueprint.route("/<uuid:customer_id>/settings", methods=["PATCH"])
@requires("billing:write")
@blueprint.arguments(BillingSettingsSchema)
@blueprint.response(200, BillingSettingsSchema)
def patch_settings(body: dict[str, Any], customer_id: UUID) -> Response:
    """Bill the customer in another way from the next period on."""
    account = change_settings(ctx.session, ctx.clock, customer_id, body)
    return json_response(settings_of(account))
