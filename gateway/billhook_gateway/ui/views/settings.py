"""Settings of all services: each with its value, its default and who changed it when."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.door import door, services
from billhook_gateway.panels import Unavailable
from billhook_gateway.ui.conflicts import seen
from billhook_gateway.ui.views.asking import attempt, on_to, page

blueprint = Blueprint("settings_pages", __name__)

PAGE = "/settings"
NO_SUCH_RESOURCE = 404
_WHOLE = re.compile(r"-?[0-9]{1,15}")


@blueprint.route(PAGE, methods=["GET"])
@requires("settings:read")
def list_settings() -> str:
    """By service; one that has no settings is left out, one that is silent is named."""
    answers = services().gather(**{name: (name, PAGE) for name in door().backend.services})
    silent = [
        name
        for name, answer in answers.items()
        if isinstance(answer, Unavailable) and answer.status != NO_SUCH_RESOURCE
    ]
    groups = [
        {"service": name, "settings": answer["items"]}
        for name, answer in answers.items()
        if not isinstance(answer, Unavailable)
    ]
    return page("settings/list.html", groups=groups, silent=silent, currency=door().settings.currency)


@blueprint.route(f"{PAGE}/<service>/<name>", methods=["GET"])
@requires("settings:read")
def edit_setting(service: str, name: str) -> str:
    """One setting's form, with its history."""
    setting = services().get(service, f"/settings/{name}")
    return _form(service, setting, setting["value"])


@blueprint.route(f"{PAGE}/<service>/<name>", methods=["POST"])
@requires("settings:write")
def change_setting(service: str, name: str) -> Response:
    """Decide."""
    setting = services().get(service, f"/settings/{name}")
    value = _typed(setting["type"])
    return attempt(
        lambda: services().put(service, f"/settings/{name}", {"value": value}, seen=seen()),
        lambda errors: _form(service, setting, value, errors),
        lambda _: on_to(PAGE, f"{setting['title']}: saved, it counts from now on"),
    )


@blueprint.route(f"{PAGE}/<service>/<name>/reset", methods=["POST"])
@requires("settings:write")
def reset_setting(service: str, name: str) -> Response:
    """Back to the default."""
    setting = services().get(service, f"/settings/{name}")
    return attempt(
        lambda: services().post(service, f"/settings/{name}/reset", seen=seen()),
        lambda errors: _form(service, setting, setting["value"], errors),
        lambda _: on_to(PAGE, f"{setting['title']}: back to the default"),
    )


def _typed(kind: str) -> Any:
    """What the form means; what cannot be meant goes on as text, to be refused by the service."""
    text = request.form.get("value", "").strip()
    if kind == "yes_no":
        return text == "true"
    if kind == "some_of":
        return request.form.getlist("value")
    if kind == "amount":
        return text.replace(",", ".") or None
    return int(text) if _WHOLE.fullmatch(text) else text


def _form(
    service: str,
    setting: Mapping[str, Any],
    value: object,
    errors: Mapping[str, list[str]] | None = None,
) -> str:
    return page(
        "settings/form.html",
        service=service,
        setting=setting,
        value=value,
        history=services().get(service, f"/settings/{setting['name']}/history", limit=20),
        errors=errors or {},
        currency=door().settings.currency,
    )
