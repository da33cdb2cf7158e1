"""API keys: list, issue, revoke."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields, validate
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.lists import ListQuery
from billhook_gateway.actions import api_keys
from billhook_gateway.api.lines import Line
from billhook_gateway.domain.roles import GRANTABLE
from billhook_gateway.models import ApiKey

blueprint = Blueprint("api_keys", __name__, url_prefix="/api-keys", description="Keys for machines")


class ApiKeySchema(Schema):
    """A key as seen; the key itself is shown once, when it is issued."""

    id = fields.UUID(dump_only=True)
    prefix = fields.String(dump_only=True, metadata={"description": "The key begins with bh_<prefix>_."})
    name = Line(required=True)
    permissions = fields.List(
        fields.String(validate=validate.OneOf(sorted(GRANTABLE))),
        required=True,
        validate=validate.Length(1, len(GRANTABLE)),
    )
    expires_at = fields.AwareDateTime(load_default=None, allow_none=True)
    created_by = fields.String(dump_only=True)
    created_at = fields.AwareDateTime(dump_only=True)
    last_used_at = fields.AwareDateTime(dump_only=True, allow_none=True)
    revoked_at = fields.AwareDateTime(dump_only=True, allow_none=True)


class IssuedKeySchema(ApiKeySchema):
    """A new key with its text."""

    key = fields.String(dump_only=True, metadata={"description": "Shown this once."})


class ApiKeyPageSchema(PageSchema):
    """A page of keys."""

    items = fields.List(fields.Nested(ApiKeySchema))


@blueprint.route("", methods=["GET"])
@requires("gateway:admin")
@blueprint.arguments(ListQuery, location="query", as_kwargs=True)
@blueprint.response(200, ApiKeyPageSchema)
def list_keys() -> Response:
    """Newest first, revoked ones too."""
    return page_of(ctx.session, select(ApiKey), [(ApiKey.id, "desc")], _item)


@blueprint.route("", methods=["POST"])
@requires("gateway:admin", secret=True)
@blueprint.arguments(ApiKeySchema)
@blueprint.response(201, IssuedKeySchema)
def issue_key(body: dict[str, Any]) -> Response:
    """A new key with rights that the caller holds too."""
    wanted = api_keys.WantedKey(
        name=body["name"], permissions=frozenset(body["permissions"]), expires_at=body["expires_at"]
    )
    key, text = api_keys.issue_key(ctx.session, ctx.clock, ctx.identity.allows, ctx.identity.subject, wanted)
    return json_response({**ApiKeySchema().dump(key), "key": text}, 201)


@blueprint.route("/<uuid:key_id>/revoke", methods=["POST"])
@requires("gateway:admin")
@blueprint.response(200, ApiKeySchema)
def revoke_key(key_id: UUID) -> Response:
    """End the key at once."""
    key = api_keys.revoke_key(ctx.session, ctx.clock, ctx.identity.allows, key_id)
    return json_response(ApiKeySchema().dump(key))


def _item(row: AnyRow) -> dict[str, Any]:
    item: dict[str, Any] = ApiKeySchema().dump(row.ApiKey)
    return item
