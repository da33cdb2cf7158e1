"""Roles, and every right that there is."""

from flask import Response
from marshmallow import Schema, fields

from billhook_common.api import Blueprint, json_response
from billhook_common.auth import requires
from billhook_gateway.domain.roles import GRANTABLE, ROLES

blueprint = Blueprint("roles", __name__, url_prefix="/roles", description="Built-in roles")


class RoleSchema(Schema):
    """A role and what it may do."""

    code = fields.String()
    title = fields.String()
    permissions = fields.List(fields.String())


class RolesSchema(Schema):
    """All roles; ``grantable`` is what an API key may hold."""

    items = fields.List(fields.Nested(RoleSchema))
    grantable = fields.List(fields.String())


@blueprint.route("", methods=["GET"])
@requires("gateway:admin")
@blueprint.response(200, RolesSchema)
def list_roles() -> Response:
    """From most rights to least."""
    items = [
        {"code": role.code, "title": role.title, "permissions": sorted(role.permissions)} for role in ROLES.values()
    ]
    return json_response({"items": items, "grantable": sorted(GRANTABLE)})
