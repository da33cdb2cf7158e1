"""What a subscription would be charged, computed by the functions of the run; nothing is stored."""

from typing import Any, get_args

from flask import Response
from marshmallow import Schema, fields, validate

from billhook_billing.api.subscriptions import DiscountSchema
from billhook_billing.domain.proration import Method, Mode, Proration
from billhook_billing.domain.quote import QuoteRequest, quote, quote_json
from billhook_common.api import Blueprint, DecimalString, json_response
from billhook_common.auth import requires
from billhook_common.discounts import Discount

blueprint = Blueprint("quote", __name__, url_prefix="/quote", description="What would be charged")

PRORATIONS = (*get_args(Mode), *get_args(Method))
"""How a part of a period is priced, in one word: a mode, or a method of the first period (R4)."""


class Discounts(fields.List[dict[str, Any]]):
    """One discount, or several that are applied in the order given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(fields.Nested(DiscountSchema), validate=validate.Length(max=100), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return super()._deserialize([value] if isinstance(value, dict) else value, attr, data, **kwargs)


class QuoteSchema(Schema):
    """Terms of a subscription, and the half-open days to charge."""

    price = DecimalString(required=True)
    currency = fields.String(required=True)
    tax_rate = DecimalString(required=True)
    tax_included = fields.Boolean(required=True)
    quantity = DecimalString(required=True)
    period_months = fields.Integer(required=True, strict=True)
    billing_day = fields.Integer(required=True, strict=True)
    starts_on = fields.Date(required=True)
    ends_before = fields.Date(load_default=None, allow_none=True)
    from_ = fields.Date(data_key="from", required=True)
    until = fields.Date(required=True)
    discounts = Discounts(load_default=list, allow_none=True)
    proration = fields.String(load_default="cycle_days", allow_none=True, validate=validate.OneOf(PRORATIONS))


class QuotedLineSchema(Schema):
    """One anchored period; ``rule`` says how the days were priced (R18)."""

    from_ = fields.Date(data_key="from")
    until = fields.Date()
    days = fields.Integer()
    period_days = fields.Integer()
    quantity = DecimalString()
    unit_price = DecimalString()
    discount = DecimalString()
    net = DecimalString()
    tax = DecimalString()
    gross = DecimalString()
    rule = fields.String()


class QuotedTaxSchema(Schema):
    """The tax of one rate."""

    rate = DecimalString()
    net = DecimalString()
    tax = DecimalString()


class QuotedSchema(Schema):
    """What would be charged: lines sum to net, tax and gross."""

    currency = fields.String()
    lines = fields.List(fields.Nested(QuotedLineSchema))
    taxes = fields.List(fields.Nested(QuotedTaxSchema))
    net = DecimalString()
    tax = DecimalString()
    gross = DecimalString()


@blueprint.route("", methods=["POST"])
@requires("billing:read")
@blueprint.arguments(QuoteSchema)
@blueprint.response(200, QuotedSchema)
def quote_subscription(body: dict[str, Any]) -> Response:
    """A line for each anchored period."""
    body["discounts"] = tuple(Discount(**item) for item in body["discounts"] or ())
    body["proration"] = Proration.named(body["proration"] or "cycle_days")
    return json_response(quote_json(quote(QuoteRequest(**body))))
