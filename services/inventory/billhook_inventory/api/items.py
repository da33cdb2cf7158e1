"""Items: list, receive, read with history, change, assign, use, return."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, page_of
from billhook_common.auth import requires
from billhook_common.db import AnySelect
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery, Sorting
from billhook_inventory.actions import move
from billhook_inventory.actions.products import product_named
from billhook_inventory.domain.moves import CONDITIONS, MAIN_LOCATION, STATUSES
from billhook_inventory.models import Customer, Item, Movement, Product

blueprint = Blueprint("items", __name__, url_prefix="/items", description="Things and where they are")


class ItemCustomerSchema(Schema):
    """Where an assigned item is."""

    id = fields.UUID()
    number = fields.String()
    name = fields.String()


class ItemProductSchema(Schema):
    """What an item is."""

    id = fields.UUID()
    name = fields.String()


class ItemSchema(Schema):
    """An item in a list; ``customer`` is null unless it is assigned."""

    id = fields.UUID()
    version = fields.Integer()
    product = fields.Nested(ItemProductSchema)
    serial = fields.String()
    barcode = fields.String()
    status = fields.String(validate=validate.OneOf(STATUSES))
    condition = fields.String(validate=validate.OneOf(CONDITIONS))
    location = fields.String()
    customer = fields.Nested(ItemCustomerSchema, allow_none=True)
    note = fields.String()


class MovementSchema(Schema):
    """What happened to an item, and how it stood afterwards."""

    id = fields.UUID()
    action = fields.String()
    at = fields.AwareDateTime()
    actor = fields.String()
    status = fields.String(validate=validate.OneOf(STATUSES))
    condition = fields.String(validate=validate.OneOf(CONDITIONS))
    location = fields.String()
    customer = fields.Nested(ItemCustomerSchema, allow_none=True)
    note = fields.String()


class OneItemSchema(ItemSchema):
    """An item with its history."""

    movements = fields.List(fields.Nested(MovementSchema))


class ItemPageSchema(PageSchema):
    """A page of items."""

    items = fields.List(fields.Nested(ItemSchema))


class NewItemSchema(Schema):
    """What comes into stock: of a product by its id, or by its name, which makes it if it is new."""

    product_id = fields.UUID()
    product = PlainText(100, least=1)
    serial = PlainText(100, least=1, required=True)
    barcode = PlainText(100, load_default="")
    condition = fields.String(load_default="new", validate=validate.OneOf(CONDITIONS))
    location = PlainText(100, least=1, load_default=MAIN_LOCATION)
    note = PlainText(2_000, lines=True, load_default="")

    @validates_schema
    def check_product(self, data: dict[str, Any], **_: Any) -> None:
        """Exactly one of the two."""
        if ("product_id" in data) == ("product" in data):
            raise ValidationError("Send product or product_id.", "product")


class ItemChangesSchema(Schema):
    """What is to be changed."""

    barcode = PlainText(100)
    condition = fields.String(validate=validate.OneOf(CONDITIONS))
    location = PlainText(100, least=1)
    note = PlainText(2_000, lines=True)


class AssignmentSchema(Schema):
    """To whom an item goes."""

    customer_id = fields.UUID(required=True)
    note = PlainText(2_000, lines=True, load_default="")


class UseSchema(Schema):
    """What an item is taken for."""

    note = PlainText(2_000, lines=True, load_default="")


class ReturnSchema(Schema):
    """How an item came back; without ``condition`` a new one counts as used, without ``location`` it stays."""

    condition = fields.String(validate=validate.OneOf(CONDITIONS))
    location = PlainText(100, least=1)
    note = PlainText(2_000, lines=True, load_default="")


_SORTING = Sorting("-added", added=(Item.id,), serial=(Item.serial_key,))


class ItemFilterSchema(ListQuery):
    """Which items to list; ``q`` is any part of serial, barcode or product."""

    q = PlainText(100)
    status = fields.String(validate=validate.OneOf(STATUSES))
    condition = fields.String(validate=validate.OneOf(CONDITIONS))
    location = PlainText(100)
    product_id = fields.UUID()
    customer_id = fields.UUID()
    sort = _SORTING.field()


_COLUMNS = (
    Item,
    Product.name.label("product_name"),
    Customer.number.label("customer_number"),
    Customer.name.label("customer_name"),
)


@blueprint.route("", methods=["GET"])
@requires("inventory:read")
@blueprint.arguments(ItemFilterSchema, location="query")
@blueprint.response(200, ItemPageSchema)
def list_items(wanted: dict[str, Any]) -> Response:
    """Newest first, or as ``sort`` says."""
    query, sort = wanted.pop("q", ""), wanted.pop("sort")
    statement = _items().where(*(getattr(Item, name) == value for name, value in wanted.items()))
    if query:
        in_item = Item.search.contains(query.upper(), autoescape=True)
        statement = statement.where(in_item | Product.name_key.contains(query.casefold(), autoescape=True))
    return page_of(ctx.session, statement, _SORTING.keys(sort), _item)


@blueprint.route("", methods=["POST"])
@requires("inventory:write")
@blueprint.arguments(NewItemSchema)
@blueprint.response(201, OneItemSchema)
def receive_item(body: dict[str, Any]) -> Response:
    """An item comes into stock."""
    name, product_id = body.pop("product", None), body.pop("product_id", None)
    if name is not None:
        product_id = product_named(ctx.session, ctx.clock, name=name)
    made = move.receive_item(ctx.session, ctx.clock, ctx.identity.name, product_id=product_id, details=body)
    return _one(made, 201)


@blueprint.route("/<uuid:item_id>", methods=["GET"])
@requires("inventory:read")
@blueprint.response(200, OneItemSchema)
def get_item(item_id: UUID) -> Response:
    """One item with its movements, oldest first."""
    return _one(item_id)


@blueprint.route("/<uuid:item_id>", methods=["PATCH"])
@requires("inventory:write")
@versioned(required=False)
@blueprint.arguments(ItemChangesSchema)
@blueprint.response(200, OneItemSchema)
def change_item(body: dict[str, Any], item_id: UUID, seen: int | None) -> Response:
    """Change what is named in the body, and nothing else."""
    move.change_item(ctx.session, ctx.clock, ctx.identity.name, item_id, body, seen=seen)
    return _one(item_id)


@blueprint.route("/<uuid:item_id>/assign", methods=["POST"])
@requires("inventory:write")
@blueprint.arguments(AssignmentSchema)
@blueprint.response(200, OneItemSchema)
def assign_item(body: dict[str, Any], item_id: UUID) -> Response:
    """The item goes to a customer."""
    move.assign_item(ctx.session, ctx.clock, ctx.identity.name, item_id, **body)
    return _one(item_id)


@blueprint.route("/<uuid:item_id>/use", methods=["POST"])
@requires("inventory:write")
@blueprint.arguments(UseSchema)
@blueprint.response(200, OneItemSchema)
def use_item(body: dict[str, Any], item_id: UUID) -> Response:
    """The item is taken for own use."""
    move.use_item(ctx.session, ctx.clock, ctx.identity.name, item_id, **body)
    return _one(item_id)


@blueprint.route("/<uuid:item_id>/return", methods=["POST"])
@requires("inventory:write")
@blueprint.arguments(ReturnSchema)
@blueprint.response(200, OneItemSchema)
def return_item(body: dict[str, Any], item_id: UUID) -> Response:
    """The item comes back into stock."""
    move.return_item(ctx.session, ctx.clock, ctx.identity.name, item_id, details=body)
    return _one(item_id)


def _items() -> AnySelect:
    return (
        select(*_COLUMNS)
        .join(Product, Product.id == Item.product_id)
        .outerjoin(Customer, Customer.id == Item.customer_id)
    )


def _one(item_id: UUID, status: int = 200) -> Response:
    row = ctx.session.execute(_items().where(Item.id == item_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such item.")
    movements = ctx.session.execute(
        select(Movement, Customer.number.label("customer_number"), Customer.name.label("customer_name"))
        .outerjoin(Customer, Customer.id == Movement.customer_id)
        .where(Movement.item_id == item_id)
        .order_by(Movement.id)
    )
    return versioned_response({**_item(row), "movements": [_movement(entry) for entry in movements]}, status)


def _item(row: AnyRow) -> dict[str, Any]:
    item: Item = row.Item
    return {
        "id": item.id,
        "version": item.version,
        "product": {"id": item.product_id, "name": row.product_name},
        "serial": item.serial,
        "barcode": item.barcode,
        "status": item.status,
        "condition": item.condition,
        "location": item.location,
        "customer": _customer(item.customer_id, row),
        "note": item.note,
    }


def _movement(row: AnyRow) -> dict[str, Any]:
    movement: Movement = row.Movement
    names = ("id", "action", "at", "actor", "status", "condition", "location", "note")
    return {name: getattr(movement, name) for name in names} | {"customer": _customer(movement.customer_id, row)}


def _customer(customer_id: UUID | None, row: AnyRow) -> dict[str, Any] | None:
    return {"id": customer_id, "number": row.customer_number, "name": row.customer_name} if customer_id else None
