"""The OpenAPI document of all services together: valid, nothing of the same name, a right on every operation."""

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from billhook import suite
from billhook_common.auth import policy_of
from billhook_gateway.openapi import merged

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def apps() -> dict[str, Any]:
    """Every service's app; no database is asked for a document."""
    services = [suite.load(name) for name in suite.NAMES]
    return {item.name: item.api(item.config(database_url="postgresql://nowhere/nothing")) for item in services}


@pytest.fixture(scope="module")
def documents(apps: dict[str, Any]) -> dict[str, Any]:
    """Every service's own document."""
    return {name: app.test_client().get("/openapi.json").json for name, app in apps.items()}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post", "put", "patch", "delete"):
                yield path, method, operation


def test_the_whole_is_valid_and_so_is_each_part(documents: dict[str, Any]) -> None:
    validate(merged(documents, []))
    for document in documents.values():
        validate(document)


def test_a_document_is_the_same_each_time(apps: dict[str, Any], documents: dict[str, Any]) -> None:
    for name, app in apps.items():
        assert app.test_client().get("/openapi.json").json == documents[name]


def test_nothing_is_lost_or_named_twice(documents: dict[str, Any]) -> None:
    whole = merged(documents, [])
    names = [operation["operationId"] for _, _, operation in operations(whole)]
    assert len(names) == len(set(names)) == sum(len(list(operations(part))) for part in documents.values())
    schemas = sum(len(part["components"]["schemas"]) for part in documents.values())
    assert len(whole["components"]["schemas"]) == schemas
    tags = [tag["name"] for tag in whole["tags"]]
    assert len(tags) == len(set(tags))
    assert {tag for _, _, operation in operations(whole) for tag in operation["tags"]} <= set(tags)
    assert all(path.startswith("/api/") for path in whole["paths"])


def test_every_operation_says_the_right_of_its_route(apps: dict[str, Any], documents: dict[str, Any]) -> None:
    for name, document in documents.items():
        rights = {}
        for rule in apps[name].url_map.iter_rules():
            policy = policy_of(apps[name].view_functions[rule.endpoint])
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                path = rule.rule.replace("<uuid:", "{").replace("<int:", "{").replace("<", "{").replace(">", "}")
                rights[path, method.lower()] = policy
        for path, method, operation in operations(document):
            policy = rights[path, method]
            assert operation["x-permission"] == policy.permission, (name, path)
            assert operation["security"] or policy.permission is None
            assert policy.permission is None or policy.permission in operation["description"]
            keys = [item for item in operation.get("parameters", ()) if item["name"] == "Idempotency-Key"]
            takes_key = method != "get" and not policy.secret
            assert [item["required"] for item in keys] == ([policy.key] if takes_key else [])


def test_a_service_that_is_away_is_named_and_the_rest_is_shown(documents: dict[str, Any]) -> None:
    rest = {name: document for name, document in documents.items() if name != "crm"}
    whole = merged(rest, ["crm"])
    validate(whole)
    assert whole["x-missing"] == ["crm"]
    assert "crm" in whole["info"]["description"]
    assert {path.split("/")[2] for path in whole["paths"]} == set(rest)
