"""The operator's own company."""

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from billhook_common.api import Blueprint, ctx
from billhook_common.auth import requires, signed_in
from billhook_common.etags import versioned, versioned_response
from billhook_gateway.actions import company as companies
from billhook_gateway.api.lines import Line
from billhook_gateway.domain.bank import is_iban
from billhook_gateway.models import Company

blueprint = Blueprint("company", __name__, url_prefix="/company", description="The operator as it stands on documents")


class CompanyAddressSchema(Schema):
    """A postal address."""

    street = Line(load_default="")
    city = Line(load_default="")
    zip = Line(load_default="", most=20)
    country = fields.String(
        load_default="", validate=validate.Regexp(r"([A-Z]{2})?\Z", error="Two capital letters (ISO 3166-1).")
    )


class Iban(fields.String):
    """An IBAN, however it is spaced; empty for none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = "".join(str(super()._deserialize(value, attr, data, **kwargs)).split()).upper()
        if text and not is_iban(text):
            raise ValidationError("This is not an IBAN: its check digits do not fit.")
        return text


class CompanySchema(Schema):
    """The company; ``version`` is 0 before it was ever saved."""

    version = fields.Integer(dump_only=True)
    name = Line(required=True)
    address = fields.Nested(CompanyAddressSchema, load_default=lambda: CompanyAddressSchema().load({}))
    company_number = Line(load_default="", most=40)
    tax_id = Line(load_default="", most=40)
    vat_payer = fields.Boolean(load_default=True)
    email = Line(load_default="", most=254)
    phone = Line(load_default="", most=40)
    iban = Iban(load_default="")
    bic = fields.String(
        load_default="",
        validate=validate.Regexp(r"([A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?)?\Z", error="8 or 11 letters and digits."),
    )
    changed_at = fields.AwareDateTime(dump_only=True, allow_none=True)


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.response(200, CompanySchema)
def get_company() -> Response:
    """The company; version 0 before it was ever saved."""
    return _answer(companies.get_company(ctx.session))


@blueprint.route("", methods=["PUT"])
@requires("gateway:admin")
@versioned(required=True)
@blueprint.arguments(CompanySchema)
@blueprint.response(200, CompanySchema)
def change_company(body: dict[str, Any], seen: int | None) -> Response:
    """Save the company; the other services hear of it."""
    details = {**body.pop("address"), **body}
    return _answer(companies.change_company(ctx.session, ctx.clock, details, seen=seen))


def _answer(company: Company) -> Response:
    dumped = CompanySchema(exclude=["address"]).dump(company)
    return versioned_response({**dumped, "address": CompanyAddressSchema().dump(company)})
