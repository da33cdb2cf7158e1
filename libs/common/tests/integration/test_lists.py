"""Lists: each order is kept over pages, and what a list does not know is refused by name."""

from typing import Any

import pytest

from billhook_common.testing import Client, ServiceHarness

pytestmark = pytest.mark.integration

STEPS = {"a": 3, "b": 1, "c": 3, "d": 2, "e": 1}


@pytest.fixture
def client(harness: ServiceHarness) -> Client:
    """A caller, once the sample has counters, some of the same value."""
    client = harness.client()
    for name, step in STEPS.items():
        assert client.post("/counters", {"name": name, "step": step}).status_code == 201
    return client


def walk(client: Client, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = client.get("/counters", limit=2, **query, **after).json
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


def names(items: list[dict[str, Any]]) -> str:
    return "".join(item["name"] for item in items)


def test_an_order_is_kept_over_pages_and_a_minus_turns_it_round(client: Client) -> None:
    assert names(walk(client)) == names(walk(client, sort="name")) == "abcde"
    assert names(walk(client, sort="-name")) == "edcba"
    by_value = walk(client, sort="value")
    assert [item["value"] for item in by_value] == [1, 1, 2, 3, 3]
    assert sorted(names(by_value)) == list("abcde")
    assert walk(client, sort="-value") == by_value[::-1]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"sort": "step"}, "/sort"),
        ({"sort": "--name"}, "/sort"),
        ({"sort": ""}, "/sort"),
        ({"name": "a"}, "/name"),
        ({"Sort": "name"}, "/Sort"),
        ({"order": "name", "limit": "2"}, "/order"),
    ],
)
def test_an_unknown_order_or_parameter_is_refused_by_name(client: Client, query: dict[str, str], pointer: str) -> None:
    answer = client.get("/counters", **query)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_a_command_without_parameters_takes_none(client: Client) -> None:
    answer = client.post("/counters?dry_run=true", {"name": "f", "step": 1})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/dry_run")
    assert names(walk(client)) == "abcde"


def test_the_document_names_orders_and_pages(harness: ServiceHarness) -> None:
    document = harness.app.test_client().get("/openapi.json").json
    asked = {item["name"]: item["schema"] for item in document["paths"]["/counters"]["get"]["parameters"]}
    assert asked["sort"]["enum"] == ["name", "-name", "value", "-value"]
    assert asked["sort"]["default"] == "name"
    assert (asked["limit"]["minimum"], asked["limit"]["maximum"], asked["limit"]["default"]) == (1, 500, 50)
    assert set(asked) == {"sort", "limit", "after"}
