"""Plans: what is sold."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from billhook_common.auth import requires
from billhook_gateway.door import door, services
from billhook_gateway.ui.conflicts import seen
from billhook_gateway.ui.views.asking import asked, attempt, fields, on_to, page, ticked

blueprint = Blueprint("plan_pages", __name__)


@blueprint.route("/plans", methods=["GET"])
@requires("billing:read")
def list_plans() -> str:
    """All plans."""
    return page("plans/list.html", plans=services().get("billing", "/plans", **asked()))


@blueprint.route("/plans/new", methods=["GET"])
@requires("billing:write")
def new_plan() -> str:
    """The form of a new plan."""
    return _form(None, {"tax_included": False, "enabled": True})


@blueprint.route("/plans/new", methods=["POST"])
@requires("billing:write")
def make_plan() -> Response:
    """A new plan."""
    return attempt(
        lambda: services().post("billing", "/plans", _body() | {"currency": door().settings.currency}),
        lambda errors: _form(None, _typed(), errors),
        lambda made: on_to("/plans", f"{made['name']} is on sale"),
    )


@blueprint.route("/plans/<uuid:plan_id>", methods=["GET"])
@requires("billing:read")
def edit_plan(plan_id: object) -> str:
    """The form of a plan."""
    plan = services().get("billing", f"/plans/{plan_id}")
    return _form(plan, plan)


@blueprint.route("/plans/<uuid:plan_id>", methods=["POST"])
@requires("billing:write")
def change_plan(plan_id: object) -> Response:
    """Save a plan."""
    body = _body()
    del body["period_months"]  # what runs by it would change its length
    return attempt(
        lambda: services().patch("billing", f"/plans/{plan_id}", body, seen=seen()),
        lambda errors: _form(services().get("billing", f"/plans/{plan_id}"), _typed(), errors),
        lambda _: on_to("/plans", "Saved"),
    )


def _typed() -> dict[str, Any]:
    return fields() | {"tax_included": ticked("tax_included"), "enabled": ticked("enabled")}


def _body() -> dict[str, Any]:
    body = _typed()
    months = body.get("period_months", "")
    return body | {"period_months": int(months) if months.isdigit() else months}


def _form(
    plan: Mapping[str, Any] | None, values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None
) -> str:
    return page("plans/form.html", plan=plan, values=values, errors=errors or {}, currency=door().settings.currency)
