"""Users: list, make, change, give a password, sign out."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, page_of
from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_common.etags import versioned, versioned_response
from billhook_common.lists import ListQuery
from billhook_common.mail.addresses import is_address
from billhook_gateway.actions import users
from billhook_gateway.api.lines import Line
from billhook_gateway.domain.logins import LOGIN_CHARACTERS
from billhook_gateway.domain.roles import ROLES
from billhook_gateway.models import User

LIMITS_MOST = 200
"""The scope travels in the token of every request."""

blueprint = Blueprint("users", __name__, url_prefix="/users", description="Colleagues who sign in")


class UserSchema(Schema):
    """A user as seen; nothing of the password."""

    id = fields.UUID()
    version = fields.Integer()
    login = fields.String()
    name = fields.String()
    email = fields.String(metadata={"description": "Where a link for a forgotten password goes; empty for none."})
    second_factor_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "Since when a code is asked for at sign-in."}
    )
    role = fields.String(validate=validate.OneOf(tuple(ROLES)))
    active = fields.Boolean()
    created_at = fields.AwareDateTime()
    changed_at = fields.AwareDateTime()
    signed_in_at = fields.AwareDateTime(allow_none=True, metadata={"description": "The last sign-in."})
    partner_ids = fields.List(fields.UUID(), metadata={"description": "The partners that the user is limited to."})
    location_ids = fields.List(fields.UUID(), metadata={"description": "Likewise locations."})


class UserPageSchema(PageSchema):
    """A page of users."""

    items = fields.List(fields.Nested(UserSchema))


class Email(Line):
    """An e-mail address, or nothing."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text and not is_address(text):
            raise ValidationError("An address looks like name@example.org.")
        return text


def _limits(what: str) -> fields.List[Any]:
    said = f"The {what} that the user is limited to; empty: all; left out it stays as it is."
    return fields.List(fields.UUID(), validate=validate.Length(max=LIMITS_MOST), metadata={"description": said})


class UserDetailsSchema(Schema):
    """What an administrator decides about a user."""

    login = Line(required=True, most=LOGIN_CHARACTERS)
    name = Line(required=True)
    role = fields.String(required=True, validate=validate.OneOf(tuple(ROLES)))
    active = fields.Boolean(load_default=True)
    email = Email(load_default=None, most=LOGIN_CHARACTERS, metadata={"description": "Left out it stays as it is."})
    partner_ids = _limits("partners")
    location_ids = _limits("locations")


class NewUserSchema(UserDetailsSchema):
    """What makes a user."""

    password = fields.String(required=True, load_only=True)


class ChangedUserSchema(UserDetailsSchema):
    """All details, on top of the version that was read."""

    active = fields.Boolean(required=True)


class NewPasswordSchema(Schema):
    """A password for a user."""

    password = fields.String(required=True, load_only=True)


@blueprint.route("", methods=["GET"])
@requires("gateway:admin")
@blueprint.arguments(ListQuery, location="query", as_kwargs=True)
@blueprint.response(200, UserPageSchema)
def list_users() -> Response:
    """By login."""
    return page_of(ctx.session, select(User), [(User.login, "asc")], _item)


@blueprint.route("", methods=["POST"])
@requires("gateway:admin", secret=True)
@blueprint.arguments(NewUserSchema)
@blueprint.response(201, UserSchema)
def create_user(body: dict[str, Any]) -> Response:
    """A new colleague, who can sign in at once."""
    password = body.pop("password")
    details = users.UserDetails(**body)
    user = users.create_user(ctx.session, ctx.clock, ctx.identity.allows, details, password)
    return _answer(user, 201)


@blueprint.route("/<uuid:user_id>", methods=["GET"])
@requires("gateway:admin")
@blueprint.response(200, UserSchema)
def get_user(user_id: UUID) -> Response:
    """One user."""
    user = ctx.session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return _answer(user)


@blueprint.route("/<uuid:user_id>", methods=["PUT"])
@requires("gateway:admin")
@versioned(required=True)
@blueprint.arguments(ChangedUserSchema)
@blueprint.response(200, UserSchema)
def change_user(body: dict[str, Any], user_id: UUID, seen: int | None) -> Response:
    """Change login, name, role or activity. A new role signs the user out, so that old rights end at once."""
    details = users.UserDetails(**body)
    user = users.change_user(ctx.session, ctx.clock, ctx.identity.allows, user_id, details, seen=seen)
    return _answer(user)


@blueprint.route("/<uuid:user_id>/password", methods=["POST"])
@requires("gateway:admin", secret=True)
@blueprint.arguments(NewPasswordSchema)
@blueprint.response(204)
def set_password(body: dict[str, Any], user_id: UUID) -> Response:
    """Give the user another password; ends their sessions and any wait after wrong ones."""
    users.set_password(ctx.session, ctx.clock, ctx.identity.allows, user_id, body["password"])
    return Response(status=204)


@blueprint.route("/<uuid:user_id>/sign-out", methods=["POST"])
@requires("gateway:admin")
@blueprint.response(204)
def sign_out(user_id: UUID) -> Response:
    """End all sessions of the user."""
    users.sign_user_out(ctx.session, ctx.clock, ctx.identity.allows, user_id)
    return Response(status=204)


@blueprint.route("/<uuid:user_id>/second-factor/reset", methods=["POST"])
@requires("gateway:admin")
@blueprint.response(204)
def reset_second_factor(user_id: UUID) -> Response:
    """Take away a second factor that was lost; ends all sessions of the user."""
    users.reset_second_factor(ctx.session, ctx.clock, ctx.identity.allows, user_id)
    return Response(status=204)


def _answer(user: User, status: int = 200) -> Response:
    return versioned_response(UserSchema().dump(user), status)


def _item(row: AnyRow) -> dict[str, Any]:
    item: dict[str, Any] = UserSchema().dump(row.User)
    return item
