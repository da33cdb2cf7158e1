"""Who calls, and where they are signed in."""

import datetime as dt
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields
from sqlalchemy import select

from billhook_common.api import AnyRow, Blueprint, PageSchema, ctx, json_response, page_of
from billhook_common.auth import signed_in
from billhook_common.errors import NotFound
from billhook_common.lists import ListQuery
from billhook_common.settings import read_setting
from billhook_gateway.actions import sessions
from billhook_gateway.api.users import UserSchema
from billhook_gateway.decided import SESSION_IDLE_MINUTES
from billhook_gateway.domain.roles import ROLES
from billhook_gateway.domain.sessions import ABSOLUTE
from billhook_gateway.models import SignedInSession, User

blueprint = Blueprint(
    "sessions", __name__, url_prefix="/sessions", description="Who calls, and where they are signed in"
)


class CallerSchema(Schema):
    """Who calls; ``user`` is null for an API key."""

    subject = fields.String()
    name = fields.String()
    permissions = fields.List(fields.String())
    user = fields.Nested(UserSchema, allow_none=True)
    role_title = fields.String(allow_none=True)


class SessionSchema(Schema):
    """A browser in which the caller is signed in."""

    id = fields.UUID()
    created_at = fields.AwareDateTime()
    seen_at = fields.AwareDateTime()
    ip = fields.String()
    user_agent = fields.String()


class SessionPageSchema(PageSchema):
    """A page of sessions."""

    items = fields.List(fields.Nested(SessionSchema))


@blueprint.route("/caller", methods=["GET"])
@signed_in
@blueprint.response(200, CallerSchema)
def get_caller() -> Response:
    """Whose session or key this request came with, and what it may do."""
    user = ctx.session.get(User, user_id) if (user_id := _user_id()) else None
    return json_response(
        {
            "subject": ctx.identity.subject,
            "name": ctx.identity.name,
            "permissions": sorted(ctx.identity.permissions),
            "user": UserSchema().dump(user) if user else None,
            "role_title": ROLES[user.role].title if user else None,
        }
    )


@blueprint.route("", methods=["GET"])
@signed_in
@blueprint.arguments(ListQuery, location="query", as_kwargs=True)
@blueprint.response(200, SessionPageSchema)
def list_sessions() -> Response:
    """The caller's own sessions, newest first; a key has none."""
    now = ctx.clock.now()
    idle = dt.timedelta(minutes=read_setting(ctx.session, ctx.config, SESSION_IDLE_MINUTES))
    statement = select(SignedInSession).where(
        SignedInSession.user_id == _user_id(),
        SignedInSession.seen_at > now - idle,
        SignedInSession.created_at > now - ABSOLUTE,
    )
    return page_of(ctx.session, statement, [(SignedInSession.id, "desc")], _item)


@blueprint.route("/<uuid:session_id>/end", methods=["POST"])
@signed_in
@blueprint.response(204)
def end_session(session_id: UUID) -> Response:
    """Sign the caller out in one browser."""
    user_id = _user_id()
    if user_id is None or not sessions.end_session(ctx.session, ctx.clock, session_id, user_id):
        raise NotFound("There is no such session.")
    return Response(status=204)


def _user_id() -> UUID | None:
    """The user that the token speaks for; None for a key."""
    kind, _, identifier = ctx.identity.subject.partition(":")
    try:
        return UUID(identifier) if kind == "user" else None
    except ValueError:
        return None


def _item(row: AnyRow) -> dict[str, Any]:
    item: dict[str, Any] = SessionSchema().dump(row.SignedInSession)
    return item
