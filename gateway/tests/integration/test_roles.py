"""Role by route: who may do what, through the door, on every installed service.

The table of roles is written out here once more on purpose: a change of a role must be made, and meant, twice.
"""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from billhook_common.auth import policy_of
from billhook_common.clock import FixedClock
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases
from billhook_gateway.config import SERVICES
from billhook_gateway.testing import Gate

pytestmark = pytest.mark.integration

ROLES = {
    "administrator": r".*",
    "finance": r"crm:(read|write|import)|billing:.*|invoicing:.*|payments:.*|tickets:read|inventory:read",
    "cashier": r"(crm|billing|invoicing|payments):read|payments:write",
    "support": r"crm:(read|write)|tickets:.*|inventory:.*|(billing|invoicing|payments):read",
}
NOBODY = UUID("01900000-0000-7000-8000-000000000000")
LEAVING = {"/sign-out", "/password"}
"""Paths that end the session, or need more than a right."""
FILLED = {"uuid": str(NOBODY), "int": "1", "string": "x", "path": "x", "default": "x"}


@pytest.fixture
def everything(
    harness: ServiceHarness, databases: TestDatabases, clock: FixedClock
) -> Iterator[tuple[Gate, dict[str, ServiceHarness]]]:
    """The door with all installed services behind it."""
    services = {name: service for name in SERVICES if (service := _service(name)) is not None}
    dsns = {name: databases.create(service) for name, service in services.items()}
    harnesses = {name: ServiceHarness(services[name], dsn, clock) for name, dsn in dsns.items()}
    gate = Gate(harness, {name: item.app for name, item in harnesses.items()})
    yield gate, {**harnesses, "gateway": harness}
    gate.close()
    for name, item in harnesses.items():
        item.close()
        databases.drop(dsns[name])


def test_every_role_gets_what_it_may_on_every_route_and_nothing_else(
    everything: tuple[Gate, dict[str, ServiceHarness]],
) -> None:
    gate, harnesses = everything
    browsers = {role: gate.browser(role) for role in ROLES}
    wrong = []
    for method, path, permission in routes(harnesses):
        for role, rights in ROLES.items():
            allowed = permission in {None, ""} or bool(re.fullmatch(rights, permission or ""))
            answer = browsers[role].send(method, path, None if method == "GET" else {})
            refused = answer.status_code == 403 and answer.json["type"] == "/problems/forbidden"
            if refused == allowed or answer.status_code == 401:
                wrong.append((role, method, path, permission, answer.status_code))
        if gate.browser().send(method, path, None if method == "GET" else {}).status_code != 401:
            wrong.append(("stranger", method, path, permission, 0))
    assert wrong == []


def test_every_role_sees_the_pages_it_may_and_no_others(
    everything: tuple[Gate, dict[str, ServiceHarness]],
) -> None:
    gate, _ = everything
    browsers = {role: gate.browser(role) for role in ROLES}
    wrong = []
    for method, path, permission in _rules(gate.app):
        if permission is None or path.startswith("/api/") or path in LEAVING:
            continue
        for role, rights in ROLES.items():
            allowed = not permission or bool(re.fullmatch(rights, permission))
            answer = browsers[role].send(method, path, buffered=True)
            # A page may find that a service wants more; what counts here is the page's own right.
            refused = answer.status_code == 403 and f"The right {permission} is missing." in answer.text
            if refused == allowed or answer.status_code == 401:
                wrong.append((role, method, path, permission, answer.status_code))
        if gate.browser().send(method, path).status_code != 401:
            wrong.append(("stranger", method, path, permission, 0))
    assert wrong == []


def routes(harnesses: dict[str, ServiceHarness]) -> list[tuple[str, str, str | None]]:
    found = [
        (method, f"/api/{name}{path}", permission)
        for name, item in harnesses.items()
        for method, path, permission in _rules(item.app)
    ]
    assert len(found) > 20
    return found


def _rules(app: Flask) -> Iterator[tuple[str, str, str | None]]:
    """Method, a path with every part filled in, and the right that it asks for (None: public, "": known)."""
    for rule in app.url_map.iter_rules():
        policy = policy_of(app.view_functions[rule.endpoint])
        assert policy is not None, rule
        path = re.sub(r"<(?:(\w+)(?:\(([^)]*)\))?:)?\w+>", _filled, rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, path, policy.permission


def _filled(part: re.Match[str]) -> str:
    kind, choices = part[1] or "default", part[2] or ""
    return choices.partition(",")[0] if kind == "any" else FILLED[kind]


def _service(name: str) -> Any:
    package = f"billhook_{name}"
    if importlib.util.find_spec(package) is None or importlib.util.find_spec(f"{package}.app") is None:
        return None
    return importlib.import_module(f"{package}.app").service
