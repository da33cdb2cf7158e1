"""``GET /api/openapi.json``: one OpenAPI document of all services, as callers of the gateway see them."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from billhook_common.api import json_response
from billhook_common.auth import signed_in
from billhook_gateway.door import door, services

blueprint = Blueprint("openapi", __name__)

_NAMED = ("schemas", "responses", "parameters", "headers", "requestBodies", "examples")
"""Components that services name on their own, so that two may have the same name."""


@blueprint.route("/api/openapi.json", methods=["GET"])
@signed_in
def whole_document() -> Response:
    """The documents of all services in one; a service that does not answer is named in ``x-missing``."""
    wanted = {name: (name, "/openapi.json") for name in door().backend.services}
    answers = services().gather(**wanted)
    found = {name: answer for name, answer in answers.items() if isinstance(answer, dict) and "paths" in answer}
    return json_response(merged(found, missing=sorted(set(answers) - set(found))))


def merged(documents: Mapping[str, Mapping[str, Any]], missing: list[str]) -> dict[str, Any]:
    """One document of several: paths below ``/api/<service>``, everything named is named after its service too."""
    components: dict[str, dict[str, Any]] = {}
    paths: dict[str, Any] = {}
    tags: list[dict[str, Any]] = []
    for service, document in sorted(documents.items()):
        own = _renamed(document, service)
        for kind, items in own.get("components", {}).items():
            components.setdefault(kind, {}).update(items)
        for path, item in own["paths"].items():
            paths[f"/api/{service}{path}"] = _operations(item, service)
        tags += [{**tag, "name": f"{service}: {tag['name']}"} for tag in own.get("tags", ())]
    away = f" Not answering now: {', '.join(missing)}." if missing else ""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Billhook",
            "version": "0.1.0",
            "description": f"Every service behind this gateway.{away}",
        },
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": components,
        "x-missing": missing,
    }


def _renamed(document: Mapping[str, Any], service: str) -> dict[str, Any]:
    """The document with ``service.`` before the name of each component, and in each reference to one."""
    renamed: dict[str, Any] = _references(document, service)
    renamed["components"] = {
        kind: {f"{service}.{name}": item for name, item in items.items()} if kind in _NAMED else items
        for kind, items in renamed.get("components", {}).items()
    }
    return renamed


def _references(part: Any, service: str) -> Any:
    if isinstance(part, list):
        return [_references(item, service) for item in part]
    if not isinstance(part, Mapping):
        return part
    changed = {name: _references(item, service) for name, item in part.items()}
    reference = part.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/components/"):
        kind, _, name = reference.removeprefix("#/components/").partition("/")
        changed["$ref"] = f"#/components/{kind}/{service}.{name}"
    return changed


def _operations(item: Mapping[str, Any], service: str) -> dict[str, Any]:
    return {name: _operation(part, service) if "responses" in part else part for name, part in item.items()}


def _operation(operation: Mapping[str, Any], service: str) -> dict[str, Any]:
    tags = [f"{service}: {tag}" for tag in operation.get("tags", ())]
    return {**operation, "operationId": f"{service}_{operation['operationId']}", "tags": tags}
