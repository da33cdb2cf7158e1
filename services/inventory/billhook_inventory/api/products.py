"""Products: list, add."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery
from billhook_inventory.actions import products
from billhook_inventory.models import Product

blueprint = Blueprint("products", __name__, url_prefix="/products", description="Kinds of things")


class ProductSchema(Schema):
    """A product."""

    id = fields.UUID(dump_only=True)
    version = fields.Integer(dump_only=True)
    name = PlainText(200, least=1, required=True)


class ProductPageSchema(PageSchema):
    """A page of products."""

    items = fields.List(fields.Nested(ProductSchema))


@blueprint.route("", methods=["GET"])
@requires("inventory:read")
@blueprint.arguments(ListQuery, location="query", as_kwargs=True)
@blueprint.response(200, ProductPageSchema)
def list_products() -> Response:
    """By name."""
    return page_of(ctx.session, select(Product), [(Product.name_key, "asc")], _item_of_row)


@blueprint.route("", methods=["POST"])
@requires("inventory:write")
@blueprint.arguments(ProductSchema)
@blueprint.response(201, ProductSchema)
def add_product(body: dict[str, Any]) -> Response:
    """A new product."""
    made = products.add_product(ctx.session, ctx.clock, name=body["name"])
    return json_response(_item(ctx.session.get_one(Product, made)), 201)


def _item_of_row(row: AnyRow) -> dict[str, Any]:
    return _item(row.Product)


def _item(product: Product) -> dict[str, Any]:
    return {"id": product.id, "version": product.version, "name": product.name}
