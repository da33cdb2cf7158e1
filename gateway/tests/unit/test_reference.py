"""An OpenAPI document as people read it: references followed, loops ended, examples that fit, lines that run."""

import shlex
from typing import Any

import msgspec
import pytest

from billhook_gateway.ui.reference import Operation, operations

pytestmark = pytest.mark.unit

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/nodes/{node_id}": {
            "parameters": [
                {"in": "path", "name": "node_id", "required": True, "schema": {"type": "string", "format": "uuid"}}
            ],
            "patch": {
                "operationId": "nodes_change",
                "summary": "It's changed.",
                "x-permission": "nodes:write",
                "parameters": [
                    {"in": "header", "name": "Idempotency-Key", "required": True, "schema": {"type": "string"}},
                    {"in": "header", "name": "If-Match", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}},
                "responses": {
                    "200": {
                        "description": "OK",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}},
                    },
                    "default": {"$ref": "#/components/responses/Any"},
                },
            },
        },
        "/files": {
            "post": {
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "allOf": [
                                    {"properties": {"name": {"type": "string"}}},
                                    {
                                        "properties": {"file": {"type": "string", "format": "binary"}},
                                        "required": ["file"],
                                    },
                                ]
                            }
                        }
                    }
                },
                "responses": {"204": {"description": "Done"}},
            }
        },
    },
    "components": {
        "responses": {"Any": {"description": "A problem"}},
        "schemas": {
            "Node": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "id": {"type": "string", "format": "uuid", "readOnly": True},
                    "name": {"type": "string", "minLength": 1, "maxLength": 9, "description": "What it's called."},
                    "size": {"type": ["integer", "null"], "minimum": 5, "maximum": 7},
                    "open": {"type": "boolean", "default": False},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
                },
            }
        },
    },
}


def told(method: str) -> Operation:
    return next(one for one in operations(DOCUMENT, "net", "https://isp.example") if one.method == method)


def test_a_body_shows_what_is_sent_and_an_answer_what_comes_back() -> None:
    change = told("PATCH")
    assert change.body is not None
    first = change.body.fields[0]
    assert (first.name, first.kind, first.required) == ("name", "text", True)
    assert first.note == "What it's called. 1 to 9 characters."
    names = {field.name for field in change.body.fields}
    assert {"parts[].name", "parts[].parts[].size"} <= names
    assert "id" not in names
    (status, _, shape), other = change.answers
    assert (status, other) == ("200", ("default", "A problem", None))
    assert shape is not None
    assert msgspec.json.decode(shape.example)["id"].startswith("01a1f0a0-")
    example = msgspec.json.decode(change.body.example)
    assert (example["size"], example["open"], example["name"]) == (5, False, "text")


def test_the_line_for_a_terminal_says_all_that_the_call_needs() -> None:
    words = shlex.split(told("PATCH").curl.replace("$(uuidgen)", "KEY"))
    assert words[0] == "curl"
    assert words[-1] == "https://isp.example/api/net/nodes/{node_id}"
    assert {"Idempotency-Key: KEY", 'If-Match: "1"', "Content-Type: application/json", "PATCH"} <= set(words)
    assert msgspec.json.decode(words[words.index("-d") + 1])["name"] == "text"
    assert shlex.split(told("POST").curl)[-5:] == [
        "-F",
        "name=…",
        "-F",
        "file=@file.csv",
        "https://isp.example/api/net/files",
    ]


def test_paths_rights_and_parameters_are_found() -> None:
    assert all(word in told("PATCH").searched for word in ("nodes:write", "patch", "if-match", "/api/net/nodes"))
