"""Customers: list, count, create, read, change, archive."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from billhook_common.api import AnyRow, Blueprint, MoneyField, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery
from billhook_common.tabular.cells import CellError, Parser, emails, phones
from billhook_common.tabular.countries import COUNTRY_CODES
from billhook_crm.actions.change import change_customer
from billhook_crm.actions.register import create_customer
from billhook_crm.domain.details import EMAIL_CHARACTERS, CustomerDetails
from billhook_crm.domain.lifecycle import IMPORTED_STATUSES, LIFECYCLES, STATUSES
from billhook_crm.models import Customer
from billhook_crm.queries import SORTING, conditions, counted_customers, figures, inside, listed_customers

blueprint = Blueprint("customers", __name__, url_prefix="/customers", description="Whom the operator serves")

CATEGORIES = ("person", "company")


def _as_in_files(parser: Parser) -> Callable[[str], None]:
    """Check a value like the cell of an imported file, so that both ways in have one rule; blank is allowed."""

    def check(value: str) -> None:
        try:
            if value:
                parser.parse(value)
        except CellError as error:
            raise ValidationError(error.message) from error

    return check


class AddressSchema(Schema):
    """A postal address; ``country`` is ISO 3166-1 alpha-2."""

    street = PlainText(200)
    city = PlainText(100)
    zip = PlainText(20)
    country = fields.String(validate=validate.OneOf(("", *sorted(COUNTRY_CODES))))


class PlaceSchema(Schema):
    """A place in WGS 84 degrees."""

    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    lon = fields.Float(required=True, validate=validate.Range(-180, 180))


class FiguresSchema(Schema):
    """What is not written but follows; ``status`` is what people see, the figures are what billing told last.

    ``monthly`` is null without a running service; ``overdue`` is what is open past its due date.
    """

    id = fields.UUID()
    version = fields.Integer()
    number = fields.String()
    status = fields.String(validate=validate.OneOf(STATUSES))
    plan = fields.String()
    monthly = MoneyField(allow_none=True)
    billing_day = fields.Integer(allow_none=True)
    balance = MoneyField()
    overdue = MoneyField()
    last_payment_on = fields.Date(allow_none=True)


class ListedCustomerSchema(FiguresSchema):
    """A customer in a list."""

    login = fields.String()
    name = fields.String()
    category = fields.String(validate=validate.OneOf(CATEGORIES))
    lifecycle = fields.String(validate=validate.OneOf(LIFECYCLES))
    city = fields.String()
    partner_id = fields.UUID()
    partner = fields.String()
    location_id = fields.UUID(allow_none=True)
    location = fields.String()
    email = fields.String()
    phone = fields.String()
    created_on = fields.Date()


class CustomerPageSchema(PageSchema):
    """A page of customers."""

    items = fields.List(fields.Nested(ListedCustomerSchema))


class DetailsSchema(Schema):
    """What can be written about a customer; ``email`` and ``phone`` may hold many, comma separated."""

    name = PlainText(200, least=1)
    login = PlainText(100, least=1)
    category = fields.String(validate=validate.OneOf(CATEGORIES))
    contact_person = PlainText(200)
    company_number = PlainText(50)
    tax_id = PlainText(20)
    email = PlainText(EMAIL_CHARACTERS, validate=[_as_in_files(emails())])
    phone = PlainText(200, validate=[_as_in_files(phones())])
    address = fields.Nested(AddressSchema)
    gps = fields.Nested(PlaceSchema, allow_none=True)
    birth_date = fields.Date(allow_none=True)
    contract_number = PlainText(50)
    lifecycle = fields.String(validate=validate.OneOf(LIFECYCLES))
    imported_status = fields.String(validate=validate.OneOf(IMPORTED_STATUSES))
    partner_id = fields.UUID()
    partner = PlainText(100, least=1, metadata={"description": "By name, where partner_id is left out."})
    location_id = fields.UUID(allow_none=True)
    location = PlainText(100, metadata={"description": "By name, where location_id is left out; empty: none."})
    payment_reference = PlainText(35, least=1)
    language = fields.String(validate=validate.Regexp(r"[a-z]{2}(-[A-Z]{2})?\Z"))
    note = PlainText(2_000, lines=True)
    created_on = fields.Date()


class OneCustomerSchema(FiguresSchema, DetailsSchema):
    """A customer with everything that crm knows."""

    city = fields.String()


class NewCustomerSchema(DetailsSchema):
    """What makes a customer: the name; number, login and payment reference are given where they are left out."""

    name = PlainText(200, least=1, required=True)
    number = PlainText(50, least=1)
    lifecycle = fields.String(validate=validate.OneOf(("new", "active")))


class CustomerChangesSchema(DetailsSchema):
    """What is to be changed."""


class CustomerFilterSchema(Schema):
    """Which customers; each word of ``q`` must be in name, login, number, e-mail, phone or city, accents aside."""

    q = PlainText(100)
    status = fields.String(validate=validate.OneOf(STATUSES))
    lifecycle = fields.String(validate=validate.OneOf(LIFECYCLES))
    category = fields.String(validate=validate.OneOf(CATEGORIES))
    location = PlainText(100)
    location_id = fields.UUID()
    partner = PlainText(100)
    partner_id = fields.UUID()
    balance = fields.String(validate=validate.OneOf(("negative", "zero", "positive")))
    overdue = fields.Boolean()
    created_from = fields.Date()
    created_until = fields.Date(metadata={"description": "The first day outside"})


class CustomerListSchema(ListQuery, CustomerFilterSchema):
    """Which customers, in which order."""

    sort = SORTING.field()


class CountSchema(Schema):
    """How many customers there are, and how many of them the filters leave."""

    total = fields.Integer()
    filtered = fields.Integer()


@blueprint.route("", methods=["GET"])
@requires("crm:read", scoped=True)
@blueprint.arguments(CustomerListSchema, location="query")
@blueprint.response(200, CustomerPageSchema)
def list_customers(wanted: dict[str, Any]) -> Response:
    """By name unless ``sort`` says otherwise."""
    today = ctx.clock.today()
    statement = listed_customers(today).where(*conditions(wanted, today), *inside(ctx.identity.scope))
    return page_of(ctx.session, statement, SORTING.keys(wanted["sort"]), _item)


@blueprint.route("/count", methods=["GET"])
@requires("crm:read", scoped=True)
@blueprint.arguments(CustomerFilterSchema, location="query")
@blueprint.response(200, CountSchema)
def count_customers(wanted: dict[str, Any]) -> Response:
    """How many the list would hold."""
    today = ctx.clock.today()
    total = ctx.session.scalar(counted_customers({}, today, ctx.identity.scope))
    filtered = ctx.session.scalar(counted_customers(wanted, today, ctx.identity.scope)) if wanted else total
    return json_response({"total": total, "filtered": filtered})


@blueprint.route("", methods=["POST"])
@requires("crm:write", scoped=True)
@blueprint.arguments(NewCustomerSchema)
@blueprint.response(201, OneCustomerSchema)
def add_customer(body: dict[str, Any]) -> Response:
    """A new customer; billing opens the account."""
    details = CustomerDetails(**_flat(body))
    customer_id = create_customer(
        ctx.session, ctx.clock, details, currency=ctx.config.currency, scope=ctx.identity.scope
    )
    return _one(customer_id, 201)


@blueprint.route("/<uuid:customer_id>", methods=["GET"])
@requires("crm:read", scoped=True)
@blueprint.response(200, OneCustomerSchema)
def get_customer(customer_id: UUID) -> Response:
    """One customer."""
    return _one(customer_id)


@blueprint.route("/<uuid:customer_id>", methods=["PATCH"])
@requires("crm:write", scoped=True)
@versioned(required=False)
@blueprint.arguments(CustomerChangesSchema)
@blueprint.response(200, OneCustomerSchema)
def edit_customer(body: dict[str, Any], customer_id: UUID, seen: int | None) -> Response:
    """Change what is named in the body, and nothing else."""
    change_customer(ctx.session, ctx.clock, customer_id, _flat(body), seen=seen, scope=ctx.identity.scope)
    return _one(customer_id)


@blueprint.route("/<uuid:customer_id>/archive", methods=["POST"])
@requires("crm:write", scoped=True)
@blueprint.response(200, OneCustomerSchema)
def archive_customer(customer_id: UUID) -> Response:
    """The customer has left; everything about them stays."""
    change_customer(ctx.session, ctx.clock, customer_id, {"lifecycle": "archived"}, scope=ctx.identity.scope)
    return _one(customer_id)


def _flat(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the names of CustomerDetails."""
    flat = {name: value for name, value in body.items() if name not in ("address", "gps")}
    flat.update(body.get("address", {}))
    if "gps" in body:
        place = body["gps"] or {"lat": None, "lon": None}
        flat.update(latitude=place["lat"], longitude=place["lon"])
    return flat


def _one(customer_id: UUID, status: int = 200) -> Response:
    row = ctx.session.execute(
        listed_customers(ctx.clock.today())
        .add_columns(Customer)
        .where(Customer.id == customer_id, *inside(ctx.identity.scope))
    ).one_or_none()
    if row is None:
        raise NotFound("There is no such customer.")
    customer: Customer = row.Customer
    return versioned_response({**_item(row), **_details(customer)}, status)


def _item(row: AnyRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "version": row.version,
        "number": row.number,
        "login": row.login,
        "name": row.name,
        "category": row.category,
        "status": row.status,
        "lifecycle": row.lifecycle,
        "city": row.city,
        "partner_id": row.partner_id,
        "partner": row.partner,
        "location_id": row.location_id,
        "location": row.location,
        "email": row.email,
        "phone": row.phone,
        "created_on": row.created_on,
        **figures(row),
    }


def _details(customer: Customer) -> dict[str, Any]:
    place = {"lat": customer.latitude, "lon": customer.longitude} if customer.latitude is not None else None
    return {
        "contact_person": customer.contact_person,
        "company_number": customer.company_number,
        "tax_id": customer.tax_id,
        "address": {
            "street": customer.street,
            "city": customer.city,
            "zip": customer.zip,
            "country": customer.country,
        },
        "gps": place,
        "birth_date": customer.birth_date,
        "contract_number": customer.contract_number,
        "imported_status": customer.imported_status,
        "payment_reference": customer.payment_reference,
        "language": customer.language,
        "note": customer.note,
    }
