"""The pages that are written from the code: complete, valid for tools, and the same as the code says."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from billhook import suite
from billhook.data import CHECKOUT
from billhook.reference import asyncapi, code, events, pages, readmes, stale
from billhook.reference.catalogue import Consumer, EventType, read_catalogue
from billhook_common.config import ServiceConfig
from billhook_common.contracts import all_facts, publisher_of
from billhook_common.contracts.crm import CustomerCreated
from billhook_common.events.broker import CONTENT_TYPE
from billhook_gateway.config import GatewayConfig

pytestmark = pytest.mark.contract

CATALOGUE = read_catalogue()
NAMES = [event.name for event in CATALOGUE]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The AsyncAPI document as a tool reads it."""
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "docs/asyncapi.yaml").read_text("utf-8"))
    return found


def resolved(document: dict[str, Any], reference: str) -> Any:
    place: Any = document
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for value in part.values() for found in references(value)]
    return [found for value in part for found in references(value)] if isinstance(part, list) else []


def test_what_is_written_is_what_the_code_says() -> None:
    assert stale(CHECKOUT) == []


def test_a_file_that_is_behind_is_found(tmp_path: Path) -> None:
    for path, text in pages(CHECKOUT).items():
        copy = tmp_path / path.relative_to(CHECKOUT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, "utf-8")
        (copy.parent / "pyproject.toml").touch()
    assert stale(tmp_path) == []
    for name in ("docs/events.md", "services/crm/README.md"):
        file = tmp_path / name
        file.write_text(file.read_text("utf-8").replace("crm.customer.created.v1", "crm.customer.made.v1"), "utf-8")
    assert {str(path.relative_to(tmp_path)) for path in stale(tmp_path)} == {"docs/events.md", "services/crm/README.md"}


def test_every_event_has_publisher_words_and_consumers() -> None:
    assert set(NAMES) == set(all_facts())
    created = next(event for event in CATALOGUE if event.fact is CustomerCreated)
    assert created.publisher == "crm"
    assert created.sent
    assert {consumer.service for consumer in created.consumers} >= {"billing", "invoicing", "payments", "tickets"}
    assert all(event.when and all(consumer.effect for consumer in event.consumers) for event in CATALOGUE)


def test_the_page_shows_types_in_words_and_says_what_is_only_promised() -> None:
    promised = EventType(
        "crm.customer.created.v1", CustomerCreated, "crm", "Now.", False, (Consumer("b", "Opens."),), "{}"
    )
    text = events.page([promised])
    for line in (
        "Promised: crm does not send it yet.",
        "- **b**: Opens.",
        "| `customer_id` | uuid |  |",
        '| `category` | `"company"` or `"person"` |  |',
        '| `language` | string | `"en"` if left out |',
        "| `created_on` | date |  |",
        "`Address`: A postal address; `country` is ISO 3166-1 alpha-2.",
    ):
        assert line in text


def test_asyncapi_references_lead_somewhere(document: dict[str, Any]) -> None:
    assert document == asyncapi.document(CATALOGUE)
    assert document["asyncapi"] == "3.0.0"
    for reference in references(document):
        assert resolved(document, reference)


def test_asyncapi_has_each_type_on_its_routing_key_in_bundles(document: dict[str, Any]) -> None:
    assert sorted(channel["address"] for channel in document["channels"].values()) == NAMES
    for message in document["components"]["messages"].values():
        assert message["contentType"] == CONTENT_TYPE == document["defaultContentType"]
        assert message["payload"]["type"] == "array"


def test_asyncapi_examples_are_valid_and_a_lone_event_is_not(document: dict[str, Any]) -> None:
    for name, message in document["components"]["messages"].items():
        schema = {**document, "$schema": "https://json-schema.org/draft/2020-12/schema", **message["payload"]}
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        [example] = message["examples"]
        assert [error.message for error in validator.iter_errors(example["payload"])] == [], name
        assert not validator.is_valid(example["payload"][0]), "an event outside a bundle"
        data = {key: value for key, value in list(example["payload"][0]["data"].items())[1:]}
        assert not validator.is_valid([{**example["payload"][0], "data": data}]), "a field left out"


def test_asyncapi_operations_are_those_of_the_services(document: dict[str, Any]) -> None:
    receives = {
        (operation["tags"][0]["name"], resolved(document, operation["channel"]["$ref"])["address"])
        for operation in document["operations"].values()
        if operation["action"] == "receive"
    }
    assert receives == {(name, kind) for name in suite.NAMES for kind in suite.load(name).handlers.types()}
    sends = {
        (operation["tags"][0]["name"], resolved(document, operation["channel"]["$ref"])["address"])
        for operation in document["operations"].values()
        if operation["action"] == "send"
    }
    assert sends == {(publisher_of(event.name), event.name) for event in CATALOGUE if event.sent}


@pytest.mark.parametrize("name", suite.NAMES)
def test_a_readme_names_every_table_of_its_service_with_its_meaning(name: str) -> None:
    service = suite.load(name)
    found = code.tables(service.package, service.metadata)
    assert {table for table, _ in found} == set(service.metadata.tables)
    assert [table for table, meaning in found if not meaning] == []
    folder = "gateway" if name == "gateway" else f"services/{name}"
    readme = (CHECKOUT / folder / "README.md").read_text("utf-8")
    assert [table for table, _ in found if f"- `{table}`: " not in readme] == []


def test_settings_are_those_of_the_dataclass() -> None:
    own = code.settings(GatewayConfig, "GATEWAY", beyond=ServiceConfig)
    assert "BILLHOOK_HTTPS" in {item.name for item in own}
    assert "BILLHOOK_ZONE" not in {item.name for item in own}
    [https] = [item for item in own if item.name == "BILLHOOK_HTTPS"]
    assert (https.kind, https.default) == ("bool", "false")
    assert {item.name for item in code.settings(ServiceConfig, "CRM")} >= {"BILLHOOK_CRM_DATABASE_URL", "BILLHOOK_ZONE"}


def test_metrics_are_those_of_the_package_alone() -> None:
    common = {metric.name for metric in code.metrics(code.CHASSIS)}
    assert {"billhook_requests_total", "billhook_request_seconds"} <= common
    own = {metric.name for metric in code.metrics("billhook_billing")}
    assert "billhook_billing_book_differences" in own
    assert not own & common


def test_a_readme_without_a_place_for_the_generated_part_is_refused() -> None:
    with pytest.raises(readmes.NoPlace, match=r"x\.md"):
        readmes.with_part("# Nothing\n", "part", "x.md")
