"""The API for people who write programs: what there is, how it is called, what it answers."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from werkzeug.exceptions import NotFound

from billhook_common.auth import requires
from billhook_gateway.door import door, services
from billhook_gateway.panels import Unavailable
from billhook_gateway.ui.reference import Operation, operations
from billhook_gateway.ui.views.asking import page

blueprint = Blueprint("reference_pages", __name__, url_prefix="/api-keys/reference")


@blueprint.route("", methods=["GET"])
@requires("gateway:admin")
def show_reference() -> str:
    """How to call it, and every operation of every service that answers, or those that ``?q=`` is found in."""
    found = _documents()
    wanted = request.args.get("q", "").casefold().split()
    address = request.host_url.rstrip("/")
    listed = {
        name: [
            operation
            for operation in operations(document, name, address)
            if all(word in operation.searched for word in wanted)
        ]
        for name, document in found.items()
        if document is not None
    }
    away = sorted(name for name, document in found.items() if document is None)
    line = f'curl -H "Authorization: Bearer $BILLHOOK_KEY" {address}/api/crm/customers'
    return page("reference/index.html", listed=listed, away=away, line=line, total=_count(listed))


@blueprint.route("/<service>", methods=["GET"])
@requires("gateway:admin")
def show_service(service: str) -> str:
    """One service: its operations with fields, examples and answers, and the problems that it may answer."""
    if service not in door().backend.services:
        raise NotFound
    document = services().get(service, "/openapi.json")
    found = operations(document, service, request.host_url.rstrip("/"))
    return page(
        "reference/service.html",
        service=service,
        names=list(door().backend.services),
        operations=found,
        problems=document.get("x-problems", ()),
    )


def _documents() -> dict[str, Mapping[str, Any] | None]:
    """The document of each service by name, None where it does not answer; an old answer is as good as a new one."""
    found: dict[str, Mapping[str, Any] | None] = {}
    for name, answer in (
        services().gather(**{name: (name, "/openapi.json") for name in door().backend.services}).items()
    ):
        document = answer.value if isinstance(answer, Unavailable) else answer
        found[name] = document if isinstance(document, dict) and "paths" in document else None
    return found


def _count(listed: Mapping[str, list[Operation]]) -> int:
    return sum(len(found) for found in listed.values())
