"""What the OpenAPI document of a service says beside its schemas: each operation's name, right and key."""

import copy
import re
from typing import Any

from flask import Flask

from billhook_common.auth import Policy, policy_of
from billhook_common.errors import BillhookError
from billhook_common.etags import is_versioned

SCHEME = "key"
_SECURITY_SCHEMES = {
    SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key at the gateway, which brings it to the service as a token for one minute.",
    }
}
_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 255},
    "description": "Makes the command safe to repeat: the same key gets the same answer and has one effect.",
}
_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string", "pattern": r'^("[0-9]{1,18}"|\*)$'},
    "example": '"3"',
    "description": (
        "The ETag of the record that was read. Where somebody changed it meanwhile, the answer is 412 and names the "
        "present version; `*` changes it whatever it is."
    ),
}
_REFUSED = {
    "412": "The record was changed meanwhile; `version` is its present one, `changed_at` and `changed_by` say by whom.",
    "428": "If-Match is missing.",
}
_ETAG = {"description": "The record's version, for If-Match.", "schema": {"type": "string", "example": '"3"'}}
_CHANGES = frozenset({"post", "put", "patch", "delete"})


def describe(document: dict[str, Any], app: Flask) -> dict[str, Any]:
    """Name each operation (``operationId``), its right (``x-permission``, in words too) and its Idempotency-Key.

    ``x-problems`` lists the refusals of the service's own package and of the chassis.
    """
    document = copy.deepcopy(document)  # apispec hands out its own
    document.setdefault("components", {})["securitySchemes"] = _SECURITY_SCHEMES
    document["x-problems"] = _problems(("billhook_common", f"billhook_{app.name}"))
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        view = app.view_functions[rule.endpoint]
        policy = policy_of(view)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            operation = document["paths"].get(path, {}).get(method.lower())
            if operation is not None and policy is not None:
                _describe(operation, policy, method.lower(), rule.endpoint)
                _describe_version(document["paths"][path], operation, required=is_versioned(view))
    return document


def _describe(operation: dict[str, Any], policy: Policy, method: str, endpoint: str) -> None:
    operation["operationId"] = f"{endpoint.replace('.', '_')}{'' if method == 'get' else f'_{method}'}"
    operation["x-permission"] = policy.permission
    operation["security"] = [] if policy.permission is None else [{SCHEME: []}]
    said = f"Needs the right `{policy.permission}`." if policy.permission else "For everyone who is signed in."
    operation["description"] = f"{operation.get('description', '')}\n\n{said}".strip()
    _name_files(operation)
    if method in _CHANGES and not policy.secret:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY | {"required": policy.key})


def _describe_version(path: dict[str, Any], operation: dict[str, Any], *, required: bool | None) -> None:
    """If-Match of a command, and the ETag of what is read at the same path to be changed."""
    if required is None:
        return
    operation.setdefault("parameters", []).append(_IF_MATCH | {"required": required})
    refusals = {status: said for status, said in _REFUSED.items() if required or status != "428"}
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] |= {status: {"description": said, "content": content} for status, said in refusals.items()}
    for each in (operation, path.get("get")):
        for status, answer in (each or {"responses": {}})["responses"].items():
            if status.startswith("2"):
                answer.setdefault("headers", {})["ETag"] = _ETAG


def _problems(packages: tuple[str, ...]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    waiting = BillhookError.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.partition(".")[0] in packages:
            said = (kind.__doc__ or "").partition("\n")[0]
            known = {"type": f"/problems/{kind.problem_type()}", "status": kind.status, "title": kind.title}
            found[kind.problem_type()] = known | {"description": said}
    return sorted(found.values(), key=lambda problem: (problem["status"], problem["type"]))


def _name_files(operation: dict[str, Any]) -> None:
    """Files and the form fields beside them are a body of OpenAPI 3, not parameters as they were in version 2."""
    fields = [item for item in operation.get("parameters", ()) if item.get("in") == "formData"]
    if not fields:
        return
    operation["parameters"] = [item for item in operation["parameters"] if item not in fields]
    body = operation.setdefault("requestBody", {"required": True, "content": {}})
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {item["name"]: item["schema"] for item in fields},
        "required": [item["name"] for item in fields if item.get("required")],
    }
    form = body["content"].pop("application/x-www-form-urlencoded", {}).get("schema")
    body["content"]["multipart/form-data"] = {"schema": {"allOf": [form, schema]} if form else schema}
