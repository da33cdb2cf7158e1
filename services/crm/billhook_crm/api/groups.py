"""The resource that partners and locations have in common."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, page_of
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.fields import PlainText
from billhook_common.lists import ListQuery
from billhook_crm.actions.belong import GroupDetails, change_group, count_customers, make_group
from billhook_crm.models import Group, Partner

NAME_CHARACTERS = 100


class CustomerGroupSchema(Schema):
    """A partner or location; ``customers`` without archived ones."""

    id = fields.UUID()
    version = fields.Integer()
    name = fields.String()
    archived = fields.Boolean()
    customers = fields.Integer()


class CustomerGroupPageSchema(PageSchema):
    """A page of them."""

    items = fields.List(fields.Nested(CustomerGroupSchema))


class CustomerGroupQuerySchema(ListQuery):
    """Which ones."""

    archived = fields.Boolean()


class NewCustomerGroupSchema(Schema):
    """What makes one."""

    name = PlainText(NAME_CHARACTERS, least=1, required=True)


class ChangedCustomerGroupSchema(NewCustomerGroupSchema):
    """Name and whether it is archived: it keeps its customers and gets no new ones."""

    archived = fields.Boolean(required=True)


def group_blueprint(kind: type[Group], description: str) -> Blueprint:
    """List, make, read, rename, archive. Whoever has a limited scope sees what is in it and changes nothing."""
    name = f"{kind.__tablename__}s"
    blueprint = Blueprint(name, __name__, url_prefix=f"/{name}", description=description)

    @blueprint.route("", methods=["GET"])
    @requires("crm:read", scoped=True)
    @blueprint.arguments(CustomerGroupQuerySchema, location="query")
    @blueprint.response(200, CustomerGroupPageSchema)
    def list_groups(wanted: dict[str, Any]) -> Response:
        """By name."""
        statement = select(kind).where(*_inside(kind))
        if "archived" in wanted:
            statement = statement.where(kind.archived == wanted["archived"])
        return page_of(ctx.session, statement, [(kind.name_key, "asc")], lambda row: _item(kind, row))

    @blueprint.route("", methods=["POST"])
    @requires("crm:partners")
    @blueprint.arguments(NewCustomerGroupSchema)
    @blueprint.response(201, CustomerGroupSchema)
    def make(body: dict[str, Any]) -> Response:
        """A new one."""
        return _answer(make_group(ctx.session, ctx.clock, kind, body["name"]), 201)

    @blueprint.route("/<uuid:group_id>", methods=["GET"])
    @requires("crm:read", scoped=True)
    @blueprint.response(200, CustomerGroupSchema)
    def read(group_id: UUID) -> Response:
        """One of them; its ETag is the version to send when it is changed."""
        found = ctx.session.scalar(select(kind).where(kind.id == group_id, *_inside(kind)))
        if found is None:
            raise NotFound(f"There is no such {kind.__tablename__}.")
        return _answer(found)

    @blueprint.route("/<uuid:group_id>", methods=["PUT"])
    @requires("crm:partners")
    @versioned(required=True)
    @blueprint.arguments(ChangedCustomerGroupSchema)
    @blueprint.response(200, CustomerGroupSchema)
    def change(body: dict[str, Any], group_id: UUID, seen: int | None) -> Response:
        """Rename or archive; ``If-Match`` names the version that was seen."""
        return _answer(change_group(ctx.session, ctx.clock, kind, group_id, seen, GroupDetails(**body)))

    return blueprint


def _inside(kind: type[Group]) -> list[Any]:
    scope = ctx.identity.scope
    wanted = scope.partners if kind is Partner else scope.locations
    return [kind.id.in_(sorted(wanted))] if wanted else []


def _answer(group: Group, status: int = 200) -> Response:
    return versioned_response(_shown(type(group), group), status)


def _item(kind: type[Group], row: AnyRow) -> dict[str, Any]:
    return _shown(kind, getattr(row, kind.__name__))


def _shown(kind: type[Group], group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "version": group.version,
        "name": group.name,
        "archived": group.archived,
        "customers": count_customers(ctx.session, kind, [group.id], ctx.identity.scope).get(group.id, 0),
    }
