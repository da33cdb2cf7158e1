"""``docs/events.md``: every event, for those who publish or hear it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from billhook.reference.catalogue import EventType, prose

HEAD = """# Events

Written by `./billhook docs` from `billhook_common/contracts` and the services' `handlers.py`; do not edit.

An event is a CloudEvent 1.0 in JSON; its type is its routing key. On the wire events travel in bundles: a message is
always a JSON array, of content type `application/cloudevents-batch+json` ([asyncapi.yaml](asyncapi.yaml)). Beside the
attributes of CloudEvents an event has `customerid` where a customer is concerned, `version` of its subject, `sourcekey`
(the client's Idempotency-Key), `correlationid`, `causationid`, and `epoch` and `position` in its publisher's log.

Within a version only optional fields are added, and a reader ignores what it does not know. Money is
`{"amount": "29.90", "currency": "EUR"}`, other decimals are strings, days are ISO dates, ids are UUIDs.
"""


def page(catalogue: Sequence[EventType]) -> str:
    """The page."""
    rows = ["| event | told by | heard by |", "|---|---|---|", *(_row(event) for event in catalogue)]
    return "\n".join([HEAD, *rows, "", *(line for event in catalogue for line in _section(event))]).rstrip() + "\n"


def field_type(schema: Mapping[str, Any]) -> str:
    """The type of a field in a few words: ``uuid``, ``list of ChargeLine``, ``"a"`` or ``"b"``, ``date or null``."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(field_type(part) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'`"{value}"`' for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {field_type(schema['items'])}" if "items" in schema else "list"
    return str(schema.get("format") or schema.get("type", "anything"))


def _row(event: EventType) -> str:
    heard = ", ".join(consumer.service for consumer in event.consumers) or "–"
    anchor = event.name.replace(".", "")
    return f"| [`{event.name}`](#{anchor}) | {event.publisher} | {heard} |"


def _section(event: EventType) -> Iterator[str]:
    schema = msgspec.json.schema(event.fact)
    definitions: dict[str, Any] = dict(schema["$defs"])
    own = definitions.pop(event.fact.__name__)
    yield from (f"## {event.name}", "", event.when, "")
    if not event.sent:
        yield from (f"Promised: {event.publisher} does not send it yet.", "")
    for consumer in event.consumers:
        yield f"- **{consumer.service}**: {consumer.effect}"
    yield from ("", *_fields(own)) if event.consumers else _fields(own)
    for name, part in sorted(definitions.items()):
        if name != "Money":
            yield from (f"`{name}`: {prose(part.get('description'))}", "", *_fields(part))
    yield from ("<details><summary>Example</summary>", "", "```json", event.example, "```", "", "</details>", "")


def _fields(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    yield from ("| field | type | |", "|---|---|---|")
    for name, part in schema["properties"].items():
        left_out = "" if name in required else _default(part)
        yield f"| `{name}` | {field_type(part)} | {left_out} |"
    yield ""


def _default(schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    return (
        "may be left out" if default in (None, "", [], {}) else f"`{msgspec.json.encode(default).decode()}` if left out"
    )
