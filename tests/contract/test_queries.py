"""Nothing that a caller asks for is ignored: each route takes the parameters that it documents and no other."""

import inspect
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from billhook import suite
from billhook_common.auth import policy_of
from billhook_common.paging import PAGE_ROWS_MOST
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness

NOT_ASKED = "nonsense"


def read_paths(app: Flask) -> list[str]:
    """Every path to GET that asks for a right, with made-up ids."""
    found = []
    for rule in app.url_map.iter_rules():
        policy = policy_of(app.view_functions[rule.endpoint])
        if "GET" in (rule.methods or ()) and policy and policy.permission is not None:
            found.append(re.sub(r"<[^>]+>", str(uuid4()), rule.rule))
    return sorted(found)


@pytest.fixture(params=suite.NAMES)
def service(request: pytest.FixtureRequest) -> Service:
    """Each service in turn."""
    return suite.load(request.param)


@pytest.mark.integration
def test_a_parameter_that_a_route_does_not_know_is_refused_by_name(harness: ServiceHarness) -> None:
    client, paths = harness.client(), read_paths(harness.app)
    assert paths
    ignored = []
    for path in paths:
        answer = client.get(path, **{NOT_ASKED: "1"})
        pointers = [error["pointer"] for error in (answer.json or {}).get("errors", ())]
        if answer.status_code != 422 or f"/{NOT_ASKED}" not in pointers:
            ignored.append((path, answer.status_code, pointers))
    assert ignored == []


@pytest.mark.integration
def test_a_list_names_its_orders_and_refuses_others(harness: ServiceHarness) -> None:
    document = harness.app.test_client().get("/openapi.json").json
    client = harness.client()
    for path, operations in document["paths"].items():
        asked = {item["name"]: item["schema"] for item in operations.get("get", {}).get("parameters", ())}
        if "sort" not in asked:
            continue
        orders = asked["sort"]["enum"]
        assert {order.removeprefix("-") for order in orders} == {order for order in orders if order[0] != "-"}
        for order in orders:
            assert client.get(path, sort=order).status_code == 200, (path, order)
        refused = client.get(path, sort="id; DROP TABLE")
        assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (422, "/sort")


@pytest.mark.contract
@pytest.mark.parametrize("name", suite.NAMES)
def test_a_view_that_pages_documents_limit_and_cursor(name: str) -> None:
    service = suite.load(name)
    app = service.api(service.config(database_url="postgresql://nowhere/nothing"))
    document = app.test_client().get("/openapi.json").json
    for rule in app.url_map.iter_rules():
        if not _pages(app.view_functions[rule.endpoint]) or "GET" not in (rule.methods or ()):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        asked: dict[str, Any] = {item["name"]: item["schema"] for item in document["paths"][path]["get"]["parameters"]}
        assert asked["limit"]["maximum"] == PAGE_ROWS_MOST, path
        assert asked["after"]["type"] == "string", path


def _pages(view: Callable[..., Any]) -> bool:
    return "page_of(" in inspect.getsource(inspect.unwrap(view))
