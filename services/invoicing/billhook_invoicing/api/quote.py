"""The arithmetic of documents: net, tax and gross of lines given by hand; nothing is stored (R7, R8)."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields, validate

from billhook_common.api import Blueprint, DecimalString, ctx, json_response
from billhook_common.auth import requires
from billhook_common.discounts import Discount
from billhook_common.errors import Invalid
from billhook_common.money import Money
from billhook_common.tax import DocumentLine, DocumentTotals, LineTotal, document_totals

blueprint = Blueprint("quote", __name__, url_prefix="/quote", description="What a document would be over")

MOST_LINES = 1_000
MOST_RATES = 20
"""Tax rates of one line."""
MOST_RATES_IN_ALL = 50
"""Different tax rates of a document: each is computed over all lines."""
MOST_DISCOUNTS = 20


class TooManyTaxRates(Invalid):
    """A document has a handful of tax rates; thousands would only keep the machine busy."""

    title = "Too many different tax rates"


class DiscountSchema(Schema):
    """Something off: ``value`` percent, or an amount of the document's currency."""

    kind = fields.String(required=True, validate=validate.OneOf(("percent", "fixed")))
    value = DecimalString(required=True)


class Discounts(fields.List[dict[str, Any]]):
    """One discount, or several that are applied in the order given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(fields.Nested(DiscountSchema), validate=validate.Length(max=MOST_DISCOUNTS), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return super()._deserialize([value] if isinstance(value, dict) else value, attr, data, **kwargs)


class QuoteLineSchema(Schema):
    """A line as it is written; each of ``tax_rates`` (percent) is taken of the same base."""

    quantity = DecimalString(required=True)
    unit_price = DecimalString(required=True)
    tax_rates = fields.List(DecimalString(), required=True, validate=validate.Length(max=MOST_RATES))
    discount = Discounts(load_default=list, allow_none=True)


class QuoteSchema(Schema):
    """Lines, whether their prices include tax, and where tax is rounded; the home currency if none is named."""

    lines = fields.List(fields.Nested(QuoteLineSchema), required=True, validate=validate.Length(min=1, max=MOST_LINES))
    tax_included = fields.Boolean(required=True)
    tax_rounding = fields.String(load_default="document", validate=validate.OneOf(("document", "line")))
    discounts = Discounts(load_default=list, allow_none=True)
    currency = fields.String(validate=validate.Length(equal=3))


class QuotedLineSchema(Schema):
    """A line as it is computed: net + tax = gross; ``discount`` is what all discounts took off its price."""

    quantity = DecimalString()
    unit_price = DecimalString()
    tax_rates = fields.List(DecimalString())
    discount = DecimalString()
    net = DecimalString()
    tax = DecimalString()
    gross = DecimalString()


class QuotedTaxSchema(Schema):
    """The tax of one rate."""

    rate = DecimalString()
    net = DecimalString()
    tax = DecimalString()


class QuotedSchema(Schema):
    """The document's figures: lines sum to net, tax and gross."""

    currency = fields.String()
    lines = fields.List(fields.Nested(QuotedLineSchema))
    taxes = fields.List(fields.Nested(QuotedTaxSchema))
    net = DecimalString()
    tax = DecimalString()
    gross = DecimalString()


@blueprint.route("", methods=["POST"])
@requires("invoicing:read")
@blueprint.arguments(QuoteSchema)
@blueprint.response(200, QuotedSchema)
def quote_document(body: dict[str, Any]) -> Response:
    """What a document with these lines would be over, by the functions that every document is computed with."""
    currency = body.get("currency", ctx.config.currency)
    rates = {rate for line in body["lines"] for rate in line["tax_rates"]}
    if len(rates) > MOST_RATES_IN_ALL:
        raise TooManyTaxRates(f"At most {MOST_RATES_IN_ALL} on one document.", pointer="/lines")
    lines = [
        DocumentLine(line["quantity"], line["unit_price"], tuple(line["tax_rates"]), _discounts(line["discount"]))
        for line in body["lines"]
    ]
    totals = document_totals(
        lines,
        currency=currency,
        tax_included=body["tax_included"],
        tax_rounding=body["tax_rounding"],
        discounts=_discounts(body["discounts"]),
    )
    return json_response({"currency": currency, **_quoted(totals)})


def _discounts(given: list[dict[str, Any]] | None) -> tuple[Discount, ...]:
    return tuple(Discount(**discount) for discount in given or ())


def _quoted(totals: DocumentTotals) -> dict[str, Any]:
    return {
        "lines": [_line(line) for line in totals.lines],
        "taxes": [{"rate": f"{row.rate:f}", "net": _text(row.net), "tax": _text(row.tax)} for row in totals.taxes],
        "net": _text(totals.net),
        "tax": _text(totals.tax),
        "gross": _text(totals.gross),
    }


def _line(total: LineTotal) -> dict[str, Any]:
    line = total.line
    return {
        "quantity": f"{line.quantity:f}",
        "unit_price": f"{line.unit_price:f}",
        "tax_rates": [f"{rate:f}" for rate in line.tax_rates],
        "discount": _text(total.discount),
        "net": _text(total.net),
        "tax": _text(total.tax),
        "gross": _text(total.gross),
    }


def _text(money: Money) -> str:
    return f"{money.amount:f}"
