"""``/settings``: the settings of a service, the same resource in every one of them."""

from typing import Any, cast
from uuid import UUID

from flask import Response, current_app
from marshmallow import Schema, fields

from billhook_common.api import AnyRow, Blueprint, PageSchema, ServiceApp, ctx, json_response, page_of
from billhook_common.auth import requires
from billhook_common.errors import BadRequest, Forbidden, NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.lists import ListQuery
from billhook_common.settings import stored
from billhook_common.settings.declared import Setting
from billhook_common.settings.stored import EVERYONE, Change, Decided
from billhook_common.tables import setting_change

blueprint = Blueprint(
    "service_settings", __name__, url_prefix="/settings", description="Settings: what the operator's staff decides"
)


class OwnValueSchema(Schema):
    """What was decided for one partner alone."""

    partner_id = fields.UUID()
    value = fields.Raw()
    version = fields.Integer()


class SettingSchema(Schema):
    """A setting; ``version`` 0: nobody ever decided. ``changed_at`` and ``changed_by`` are of the latest decision."""

    name = fields.String()
    title = fields.String()
    doc = fields.String()
    type = fields.String(metadata={"description": "whole_number, amount, yes_no or some_of"})
    limits = fields.Dict(metadata={"description": "least, most and unit, or options"})
    default = fields.Raw(allow_none=True)
    value = fields.Raw(allow_none=True)
    is_default = fields.Boolean()
    by_partner = fields.Boolean()
    partners = fields.List(fields.Nested(OwnValueSchema))
    version = fields.Integer()
    changed_at = fields.AwareDateTime(allow_none=True)
    changed_by = fields.String()


class SettingsSchema(Schema):
    """All settings of the service."""

    items = fields.List(fields.Nested(SettingSchema))


class NewValueSchema(Schema):
    """The value from now on, of the setting's type."""

    value = fields.Raw(required=True, allow_none=True)


class ScopeSchema(Schema):
    """For whom: one partner, or everyone who has no value of their own."""

    partner_id = fields.UUID()


class HistoryQuerySchema(ListQuery):
    """Whose history, a page at a time."""

    partner_id = fields.UUID()


class PastDecisionSchema(Schema):
    """One decision; ``reset``: back to the default."""

    version = fields.Integer()
    value = fields.Raw(allow_none=True)
    reset = fields.Boolean()
    changed_at = fields.AwareDateTime()
    changed_by = fields.String()


class HistorySchema(PageSchema):
    """Decisions, newest first."""

    items = fields.List(fields.Nested(PastDecisionSchema))


@blueprint.route("", methods=["GET"])
@requires("settings:read")
@blueprint.response(200, SettingsSchema)
def list_settings() -> Response:
    """Every setting with its value, in the order in which they are declared."""
    found = stored.latest(ctx.session, [setting.name for setting in _declared()])
    return json_response({"items": [_item(setting, EVERYONE, found) for setting in _declared()]})


@blueprint.route("/<name>", methods=["GET"])
@requires("settings:read")
@blueprint.arguments(ScopeSchema, location="query")
@blueprint.response(200, SettingSchema)
def get_setting(wanted: dict[str, Any], name: str) -> Response:
    """One setting; its ETag is the version to send when it is changed."""
    setting = _named(name)
    return _one(setting, _scope(setting, wanted))


@blueprint.route("/<name>", methods=["PUT"])
@requires("settings:write")
@versioned(required=True)
@blueprint.arguments(ScopeSchema, location="query")
@blueprint.arguments(NewValueSchema)
@blueprint.response(200, SettingSchema)
def put_setting(wanted: dict[str, Any], body: dict[str, Any], name: str, seen: int | None) -> Response:
    """Decide; from the next transaction on it counts. ``If-Match`` names the version that was seen."""
    return _decide(name, wanted, seen, value=body["value"])


@blueprint.route("/<name>/reset", methods=["POST"])
@requires("settings:write")
@versioned(required=True)
@blueprint.arguments(ScopeSchema, location="query")
@blueprint.response(200, SettingSchema)
def reset_setting(wanted: dict[str, Any], name: str, seen: int | None) -> Response:
    """Back to the default, or of one partner to everyone's value. ``If-Match`` names the version that was seen."""
    return _decide(name, wanted, seen, reset=True)


@blueprint.route("/<name>/history", methods=["GET"])
@requires("settings:read")
@blueprint.arguments(HistoryQuerySchema, location="query")
@blueprint.response(200, HistorySchema)
def list_history(wanted: dict[str, Any], name: str) -> Response:
    """Who decided what, newest first."""
    setting = _named(name)
    statement = stored.history_of(setting.name, _scope(setting, wanted))
    return page_of(ctx.session, statement, [(setting_change.c.version, "desc")], _past)


def _decide(name: str, wanted: dict[str, Any], seen: int | None, **decision: Any) -> Response:
    setting = _named(name)
    if not ctx.identity.allows(setting.right):
        raise Forbidden(f"The right {setting.right} is missing.")
    scope = _scope(setting, wanted)
    change = Change(partner_id=scope, version=seen, by=ctx.identity.name, **decision)
    stored.change_setting(ctx.session, ctx.clock, ctx.config, setting, change)
    return _one(setting, scope)


def _declared() -> tuple[Setting[Any], ...]:
    return cast(ServiceApp, current_app).runtime.settings


def _named(name: str) -> Setting[Any]:
    for setting in _declared():
        if setting.name == name:
            return setting
    raise NotFound("There is no such setting.")


def _scope(setting: Setting[Any], wanted: dict[str, Any]) -> UUID:
    scope: UUID = wanted.get("partner_id", EVERYONE)
    if "partner_id" in wanted and not setting.by_partner:
        raise BadRequest("This setting is the same for all partners.", pointer="/partner_id")
    return scope


def _one(setting: Setting[Any], scope: UUID) -> Response:
    return versioned_response(_item(setting, scope, stored.latest(ctx.session, [setting.name])))


def _item(setting: Setting[Any], scope: UUID, found: dict[tuple[str, UUID], Decided]) -> dict[str, Any]:
    default = setting.write(setting.default_in(ctx.config))
    everyone = found.get((setting.name, EVERYONE), Decided())
    if scope != EVERYONE and not everyone.reset:
        default = everyone.value
    decided = found.get((setting.name, scope), Decided())
    own = [(partner, one) for (name, partner), one in found.items() if name == setting.name and partner != EVERYONE]
    return {
        "name": setting.name,
        "title": setting.title,
        "doc": setting.doc,
        "type": setting.kind,
        "limits": setting.limits(),
        "default": default,
        "value": default if decided.reset else decided.value,
        "is_default": decided.reset,
        "by_partner": setting.by_partner,
        "partners": [
            {"partner_id": partner, "value": one.value, "version": one.version} for partner, one in own if not one.reset
        ],
        "version": decided.version,
        "changed_at": decided.at,
        "changed_by": decided.by,
    }


def _past(row: AnyRow) -> dict[str, Any]:
    return {
        "version": row.version,
        "value": row.value,
        "reset": row.reset,
        "changed_at": row.at,
        "changed_by": row.changed_by,
    }
