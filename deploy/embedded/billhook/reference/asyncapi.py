"""``docs/asyncapi.yaml``: the events as an AsyncAPI 3.0 document, for tools."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from billhook.reference.catalogue import EventType
from billhook.reference.yaml import dump
from billhook_common.contracts import Fact
from billhook_common.events.broker import EXCHANGE
from billhook_common.events.envelope import Envelope

BATCH = "application/cloudevents-batch+json"
SCHEMAS = "#/components/schemas/{name}"
HEAD = "# Written by ./billhook docs from the event contracts; do not edit.\n"


def page(catalogue: Sequence[EventType]) -> str:
    """The document as YAML."""
    return HEAD + dump(document(catalogue))


def document(catalogue: Sequence[EventType]) -> dict[str, Any]:
    """A channel a type (its routing key on the exchange), and for each service what it sends and receives."""
    facts: list[type[Fact]] = [event.fact for event in catalogue]
    _, schemas = msgspec.json.schema_components(facts, ref_template=SCHEMAS)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Billhook events",
            "version": "0.1.0",
            "description": "Events between the services, in bundles: a message is always a JSON array of CloudEvents.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": BATCH,
        "channels": {_key(event.name): _channel(event) for event in catalogue},
        "operations": _operations(catalogue),
        "components": {
            "messages": {_key(event.name): _message(event) for event in catalogue},
            "schemas": msgspec.json.decode(msgspec.json.encode({"Envelope": _envelope(), **schemas})),
        },
    }


def _key(event_type: str) -> str:
    """A name that component keys allow: billing.plan.changed.v1 → billing-plan-changed-v1."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", event_type)


def _channel(event: EventType) -> dict[str, Any]:
    return {
        "address": event.name,
        "description": event.when,
        "messages": {_key(event.name): {"$ref": f"#/components/messages/{_key(event.name)}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": {"name": EXCHANGE, "type": "topic", "durable": True}}},
    }


def _message(event: EventType) -> dict[str, Any]:
    one = {
        "allOf": [
            {"$ref": SCHEMAS.format(name="Envelope")},
            {
                "type": "object",
                "required": ["type", "data"],
                "properties": {
                    "type": {"const": event.name},
                    "data": {"$ref": SCHEMAS.format(name=event.fact.__name__)},
                },
            },
        ]
    }
    return {
        "name": event.name,
        "title": event.fact.__name__,
        "summary": event.when,
        "contentType": BATCH,
        "payload": {"type": "array", "minItems": 1, "items": one},
        "examples": [{"payload": [_example(event)]}],
    }


def _example(event: EventType) -> dict[str, Any]:
    data = msgspec.json.decode(event.example)
    return {
        "specversion": "1.0",
        "id": "0193a3f0-0000-7000-8000-000000000001",
        "source": event.publisher,
        "type": event.name,
        "subject": "0193a3f0-0000-7000-8000-000000000002",
        "time": "2026-11-24T09:00:00Z",
        "data": data,
    }


def _envelope() -> dict[str, Any]:
    """The envelope's own fields; what stands in ``data`` is each type's."""
    schema: Mapping[str, Any] = msgspec.json.schema(Envelope)["$defs"]["Envelope"]
    properties = {name: part for name, part in schema["properties"].items() if name != "data"}
    required = [name for name in schema["required"] if name != "data"]
    return {**schema, "properties": properties, "required": required}


def _operations(catalogue: Sequence[EventType]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for event in catalogue:
        key = _key(event.name)
        channel = {"$ref": f"#/channels/{key}"}
        messages = [{"$ref": f"#/channels/{key}/messages/{key}"}]
        if event.sent:
            found[f"{event.publisher}-sends-{key}"] = {
                "action": "send",
                "channel": channel,
                "summary": event.when,
                "tags": [{"name": event.publisher}],
                "messages": messages,
            }
        for consumer in event.consumers:
            found[f"{consumer.service}-receives-{key}"] = {
                "action": "receive",
                "channel": channel,
                "summary": consumer.effect,
                "tags": [{"name": consumer.service}],
                "messages": messages,
            }
    return found
