"""Users and API keys."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.domain.roles import PERMISSIONS, ROLES
from billhook_gateway.door import door, services
from billhook_gateway.ui.conflicts import note_saved, seen
from billhook_gateway.ui.views.asking import asked, attempt, fields, filled, on_to, page, ticked

blueprint = Blueprint("access_pages", __name__)


@blueprint.route("/users", methods=["GET"])
@requires("gateway:admin")
def list_users() -> str:
    """Who may sign in."""
    return page("access/users.html", users=services().get("gateway", "/users", **asked()))


@blueprint.route("/users/new", methods=["GET"])
@requires("gateway:admin")
def new_user() -> str:
    """The form of a new user."""
    return _user_form(None, {})


@blueprint.route("/users/new", methods=["POST"])
@requires("gateway:admin")
def add_user() -> Response:
    """A new user."""
    body = filled(fields()) | {"active": ticked("active")}
    return attempt(
        lambda: services().post("gateway", "/users", body),
        lambda errors: _user_form(None, _typed(), errors),
        lambda made: on_to("/users", f"{made['name']} may sign in"),
    )


@blueprint.route("/users/<uuid:user_id>", methods=["GET"])
@requires("gateway:admin")
def edit_user(user_id: object) -> str:
    """The form of a user."""
    user = services().get("gateway", f"/users/{user_id}")
    return _user_form(user, user)


@blueprint.route("/users/<uuid:user_id>", methods=["POST"])
@requires("gateway:admin")
def change_user(user_id: object) -> Response:
    """Save a user, and a new password if one was typed."""

    def act() -> None:
        body = fields()
        password = request.form.get("password", "")
        body.pop("password", None)
        note_saved(services().put("gateway", f"/users/{user_id}", body | {"active": ticked("active")}, seen=seen()))
        if password:
            services().post("gateway", f"/users/{user_id}/password", {"password": password})

    return attempt(
        act,
        lambda errors: _user_form(services().get("gateway", f"/users/{user_id}"), _typed(), errors),
        lambda _: on_to("/users", "Saved"),
    )


@blueprint.route("/users/<uuid:user_id>/sign-out", methods=["POST"])
@requires("gateway:admin")
def sign_user_out(user_id: object) -> Response:
    """End all sessions of a user."""
    services().post("gateway", f"/users/{user_id}/sign-out")
    return on_to("/users", "Signed out everywhere")


@blueprint.route("/users/<uuid:user_id>/second-factor/reset", methods=["POST"])
@requires("gateway:admin")
def reset_second_factor(user_id: object) -> Response:
    """Take a lost second factor away."""
    services().post("gateway", f"/users/{user_id}/second-factor/reset")
    return on_to("/users", "The second factor is reset; the next sign-in asks for the password alone")


@blueprint.route("/api-keys", methods=["GET"])
@requires("gateway:admin")
def list_keys() -> str:
    """How programs sign in."""
    return page("access/keys.html", keys=services().get("gateway", "/api-keys", **asked()), secret="")


@blueprint.route("/api-keys/new", methods=["GET"])
@requires("gateway:admin")
def new_key() -> str:
    """The form of a new key."""
    return page("access/key_form.html", values={}, permissions=sorted(PERMISSIONS))


@blueprint.route("/api-keys/new", methods=["POST"])
@requires("gateway:admin")
def issue_key() -> Response:
    """A new key; its text is shown on this answer and never again."""
    typed = fields() | {"permissions": request.form.getlist("permissions")}
    until = fields().get("expires_at", "")
    body = filled(typed) | ({"expires_at": _end_of(until)} if until else {})

    def shown(made: Mapping[str, Any]) -> Response:
        keys = services().get("gateway", "/api-keys")
        return Response(page("access/keys.html", keys=keys, secret=made["key"]), status=201)

    return attempt(
        lambda: services().post("gateway", "/api-keys", body),
        lambda errors: page("access/key_form.html", values=typed, permissions=sorted(PERMISSIONS), errors=errors),
        shown,
    )


@blueprint.route("/api-keys/<uuid:key_id>/revoke", methods=["POST"])
@requires("gateway:admin")
def revoke_key(key_id: object) -> Response:
    """A key that opens nothing from now on."""
    services().post("gateway", f"/api-keys/{key_id}/revoke")
    return on_to("/api-keys", "The key is revoked")


def _end_of(day: str) -> str:
    """The last second of a day where the operator is; what is no date is for the API to refuse."""
    try:
        last = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(23, 59, 59), ZoneInfo(door().settings.zone))
    except ValueError:
        return day
    return last.isoformat()


def _typed() -> dict[str, Any]:
    typed = fields() | {"active": ticked("active")}
    typed.pop("password", None)
    return typed


def _user_form(
    user: Mapping[str, Any] | None, values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None
) -> str:
    return page("access/user_form.html", user=user, values=values, errors=errors or {}, roles=list(ROLES))
