"""Every route of every service, and of the door, names the right that it asks for; few ask for none."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from billhook_common.auth import Identity, Policy, policy_of
from billhook_common.clock import SystemClock
from billhook_common.db import Database
from billhook_common.ids import uuid7
from billhook_common.scope import Scope
from billhook_common.testing.harness import TEST_KEY, public_key_file
from billhook_gateway.backends import Backend
from billhook_gateway.config import SERVICES, GatewayConfig
from billhook_gateway.domain.roles import PERMISSIONS
from billhook_gateway.web import create_app

pytestmark = pytest.mark.unit

PROBES = {"/livez", "/readyz", "/metrics", "/openapi.json"}
PUBLIC_AT_THE_DOOR = {
    *("/livez", "/readyz", "/metrics", "/static/<path:name>"),
    *("/sign-in", "/forgot-password", "/reset-password"),
}
KNOWN_IS_ENOUGH = {
    ("gateway", "GET", "/company"),  # the operator's name stands on every page
    ("gateway", "GET", "/sessions"),  # one's own
    ("gateway", "GET", "/sessions/caller"),
    ("gateway", "POST", "/sessions/<uuid:session_id>/end"),
}
COMPUTES_ONLY = {("billing", "POST", "/quote"), ("invoicing", "POST", "/quote")}
"""Commands that change nothing and so need the right to read alone."""
CHASSIS = {"ops": "/ops/", "settings": "/settings"}
"""The chassis' own resources by area, the same in every service and with the same rights."""


@dataclass(frozen=True)
class Route:
    """One method of one rule."""

    owner: str
    method: str
    rule: str
    policy: Policy | None

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.owner, self.method, self.rule)


def routes_of(owner: str, app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(owner, method, rule.rule, policy_of(app.view_functions[rule.endpoint]))


def service_app(name: str) -> Flask:
    service: Any = importlib.import_module(f"billhook_{name}.app").service
    config = service.config(database_url="postgresql://nowhere/nothing", gateway_keys=public_key_file())
    app: Flask = service.api(config)
    return app


def door_app() -> Flask:
    config, clock = GatewayConfig(database_url="postgresql://nowhere/nothing"), SystemClock("UTC")
    return create_app(config, clock, Database(config), Backend({}, TEST_KEY, clock))


def installed() -> list[str]:
    found = [name for name in (*SERVICES, "gateway") if importlib.util.find_spec(f"billhook_{name}")]
    return [name for name in found if importlib.util.find_spec(f"billhook_{name}.app")]


@pytest.fixture(scope="module")
def service_routes() -> list[Route]:
    return [route for name in installed() for route in routes_of(name, service_app(name))]


@pytest.fixture(scope="module")
def door_routes() -> list[Route]:
    return list(routes_of("door", door_app()))


def test_no_route_is_without_a_policy(service_routes: list[Route], door_routes: list[Route]) -> None:
    assert [route.key for route in service_routes + door_routes if route.policy is None] == []


def test_only_probes_of_a_service_are_public(service_routes: list[Route]) -> None:
    public = [route for route in service_routes if route.policy and route.policy.permission is None]
    assert {route.rule for route in public} <= PROBES
    assert {route.method for route in public} == {"GET"}


def test_the_door_opens_for_strangers_only_to_sign_in(door_routes: list[Route]) -> None:
    public = {route.rule for route in door_routes if route.policy and route.policy.permission is None}
    assert public <= PUBLIC_AT_THE_DOOR


def test_being_known_is_enough_for_a_listed_few(service_routes: list[Route]) -> None:
    known = {route.key for route in service_routes if route.policy and route.policy.permission == ""}
    assert known <= KNOWN_IS_ENOUGH


def test_a_service_asks_for_rights_of_its_own_that_exist(service_routes: list[Route]) -> None:
    asked = [(route, route.policy.permission) for route in service_routes if route.policy and route.policy.permission]
    assert [route.key for route, right in asked if right not in PERMISSIONS] == []
    foreign = [(route, right.partition(":")[0]) for route, right in asked if not right.startswith(f"{route.owner}:")]
    assert [route.key for route, area in foreign if not route.rule.startswith(CHASSIS.get(area, "nowhere"))] == []


def test_operations_are_the_same_in_every_service_and_for_operators_only(service_routes: list[Route]) -> None:
    routes = [route for route in service_routes if route.rule.startswith("/ops/")]
    assert {route.policy.permission for route in routes if route.policy} == {"ops:read", "ops:write"}
    by_owner = {
        owner: {(route.method, route.rule) for route in routes if route.owner == owner} for owner in installed()
    }
    assert len({frozenset(found) for found in by_owner.values()}) == 1


def test_what_changes_something_needs_more_than_the_right_to_read(service_routes: list[Route]) -> None:
    changing = [route for route in service_routes if route.method != "GET" and route.policy and route.policy.permission]
    weak = {route.key for route in changing if route.policy and str(route.policy.permission).endswith(":read")}
    assert weak <= COMPUTES_ONLY


def test_pages_ask_for_rights_that_exist(door_routes: list[Route]) -> None:
    asked = {route.policy.permission for route in door_routes if route.policy and route.policy.permission}
    assert asked <= set(PERMISSIONS)


LIMITED = Identity("user:1", "Limited", frozenset({"*"}), scope=Scope(partners=frozenset({uuid7()})))
SCOPED = {"crm"}
"""Services with routes that narrow what they give to the caller's scope; each walks them in tests of its own."""


@pytest.mark.parametrize("name", installed())
def test_whoever_is_limited_is_refused_on_every_route_that_does_not_narrow(name: str) -> None:
    app = service_app(name)
    token = {"Authorization": f"Bearer {TEST_KEY.sign(LIMITED, name)}"}
    closed = [route for route in routes_of(name, app) if route.policy and route.policy.permission]
    if name in SCOPED:
        closed = [route for route in closed if route.policy and not route.policy.scoped]
    assert closed
    for route in closed:
        path = re.sub(r"<uuid:\w+>", str(uuid7()), re.sub(r"<(?!uuid)[^<>]+>", "x", route.rule))
        answer = app.test_client().open(path, method=route.method, headers=token)
        assert (answer.status_code, b"limited to partners" in answer.data) == (403, True), route.key
