"""An OpenAPI document as people read it: operations with their fields, examples, answers and a line for a terminal."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

METHODS = ("get", "post", "put", "patch", "delete")
DEPTH = 5
"""How deep fields inside fields are shown; schemas may contain themselves."""
_EXAMPLES = {
    "uuid": "01a1f0a0-0000-7000-8000-000000000000",
    "date": "2026-12-01",
    "date-time": "2026-12-01T08:00:00Z",
    "decimal": "29.90",
    "binary": "@file",
}
_PROSE = "\n\nNeeds the right"
_FORMS = ("application/json", "multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Field:
    """A value in a body, or a parameter: ``name`` with dots and ``[]`` for what lies inside others."""

    name: str
    kind: str
    required: bool
    note: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A body: its fields and an example."""

    fields: list[Field]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, as callers of the gateway see it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    right: str | None
    parameters: list[tuple[str, Field]]
    body: Shape | None
    answers: list[tuple[str, str, Shape | None]]
    curl: str

    @property
    def searched(self) -> str:
        """What a search looks through."""
        names = " ".join(field.name for _, field in self.parameters)
        return f"{self.method} {self.path} {self.summary} {self.right or ''} {names}".casefold()


def operations(document: Mapping[str, Any], service: str, address: str) -> list[Operation]:
    """The operations of a service's document by path; ``address`` is where the gateway is reached."""
    reader = _Reader(document, service, address)
    found = [
        reader.operation(path, method, item)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]
    return sorted(found, key=lambda one: (one.path, METHODS.index(one.method.lower())))


@dataclass(frozen=True, slots=True)
class _Reader:
    document: Mapping[str, Any]
    service: str
    address: str

    def operation(self, path: str, method: str, item: Mapping[str, Any]) -> Operation:
        told = item[method]
        full = f"/api/{self.service}{path}"
        listed = [self.resolved(each) for each in (*item.get("parameters", ()), *told.get("parameters", ()))]
        content = self.resolved(told.get("requestBody", {})).get("content", {})
        kind = next((name for name in _FORMS if name in content), "")
        body = self.shape(content[kind].get("schema", {}), asked=True) if kind else None
        text = told.get("description", "").partition(_PROSE)[0]
        return Operation(
            anchor=told.get("operationId", f"{method}{path}"),
            method=method.upper(),
            path=full,
            summary=told.get("summary", "").replace("``", ""),
            description="" if text.startswith(("Needs the right", "For everyone")) else text.replace("``", "").strip(),
            right=told.get("x-permission"),
            parameters=[(each["in"], self.parameter(each)) for each in listed],
            body=body,
            answers=[
                self.answer(status, self.resolved(answer)) for status, answer in sorted(told["responses"].items())
            ],
            curl=self.curl(method, full, listed, content[kind].get("schema", {}) if kind else None, kind),
        )

    def parameter(self, told: Mapping[str, Any]) -> Field:
        schema = self.resolved(told.get("schema", {}))
        note = _note(schema | {key: told[key] for key in ("description",) if key in told})
        return Field(told["name"], self.kind(schema), bool(told.get("required")), note)

    def answer(self, status: str, told: Mapping[str, Any]) -> tuple[str, str, Shape | None]:
        contents: list[Mapping[str, Any]] = list(told.get("content", {}).values())
        schema = contents[0].get("schema") if contents and status.startswith("2") else None
        return status, told.get("description", ""), self.shape(schema, asked=False) if schema else None

    def shape(self, schema: Mapping[str, Any], *, asked: bool) -> Shape:
        example = msgspec.json.format(msgspec.json.encode(self.example(schema, asked=asked))).decode()
        return Shape(list(self.fields(schema, "", asked=asked)), example)

    def resolved(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """The part itself, or what it refers to; ``allOf`` put together."""
        found: Any = part
        for _ in range(DEPTH):
            if "$ref" not in found:
                break
            target: Any = self.document
            for step in found["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            found = {**target, **{name: value for name, value in found.items() if name != "$ref"}}
        whole = dict(found)
        for each in whole.pop("allOf", ()):
            inner = self.resolved(each)
            whole["properties"] = {**whole.get("properties", {}), **inner.get("properties", {})}
            whole["required"] = [*whole.get("required", ()), *inner.get("required", ())]
            whole = {**inner, **whole}
        return whole

    def kind(self, schema: Mapping[str, Any]) -> str:
        """What a value is, in a word or two: ``text``, ``uuid``, ``list of integer``, ``one of a, b``."""
        whole = self.resolved(schema)
        if "enum" in whole:
            return "one of " + ", ".join("null" if one is None else str(one) for one in whole["enum"])
        for name in ("anyOf", "oneOf"):
            if name in whole:
                return " or ".join(dict.fromkeys(self.kind(each) for each in whole[name]))
        types = whole.get("type", "any")
        plain = [str(one) for one in (types if isinstance(types, list) else [types])]
        named = [self.kind_of(one, whole) for one in plain]
        return " or ".join(named)

    def kind_of(self, plain: str, schema: Mapping[str, Any]) -> str:
        if plain == "array":
            return f"list of {self.kind(schema.get('items', {}))}"
        return str(schema.get("format") or "text") if plain == "string" else plain

    def fields(self, schema: Mapping[str, Any], prefix: str, *, asked: bool, depth: int = 0) -> Iterator[Field]:
        """The fields of an object and of what lies in it; ``asked`` leaves out what only answers have."""
        whole = self.resolved(schema)
        needed = whole.get("required", ())
        for name, part in whole.get("properties", {}).items():
            inner = self.resolved(part)
            if inner.get("readOnly" if asked else "writeOnly"):
                continue
            yield Field(f"{prefix}{name}", self.kind(inner), name in needed, _note(inner))
            if depth < DEPTH:
                below = self.resolved(inner.get("items", {})) if "items" in inner else inner
                mark = "[]." if "items" in inner else "."
                yield from self.fields(below, f"{prefix}{name}{mark}", asked=asked, depth=depth + 1)

    def example(self, schema: Mapping[str, Any], *, asked: bool, depth: int = 0) -> Any:
        """A value that fits."""
        whole = self.resolved(schema)
        if "example" in whole:
            return whole["example"]
        if whole.get("enum"):
            return whole["enum"][0]
        for name in ("anyOf", "oneOf"):
            if whole.get(name):
                return self.example(whole[name][0], asked=asked, depth=depth)
        types = whole.get("type")
        plain = types[0] if isinstance(types, list) else types
        if depth > DEPTH:
            return None
        if plain == "array":
            return [self.example(whole.get("items", {}), asked=asked, depth=depth + 1)]
        if plain == "object" or "properties" in whole:
            skip = "readOnly" if asked else "writeOnly"
            inner = {name: self.resolved(part) for name, part in whole.get("properties", {}).items()}
            return {
                name: self.example(part, asked=asked, depth=depth + 1)
                for name, part in inner.items()
                if not part.get(skip)
            }
        return _plain_example(plain, whole)

    def curl(
        self, method: str, path: str, listed: list[dict[str, Any]], schema: Mapping[str, Any] | None, kind: str
    ) -> str:
        """A line that works once the key and the names in braces are filled in."""
        line = ["curl", "-H", '"Authorization: Bearer $BILLHOOK_KEY"']
        if method != "get":
            line += ["-X", method.upper()]
        if any(each["name"] == "Idempotency-Key" and each.get("required") for each in listed):
            line += ["-H", '"Idempotency-Key: $(uuidgen)"']
        if any(each["name"] == "If-Match" for each in listed):
            line += ["-H", "'If-Match: \"1\"'"]
        if schema is not None and kind == "application/json":
            body = msgspec.json.encode(self.example(schema, asked=True)).decode()
            line += ["-H", "'Content-Type: application/json'", "-d", shlex.quote(body)]
        elif schema is not None:
            for name in self.resolved(schema).get("properties", {}):
                line += ["-F", f"{name}=@file.csv" if name == "file" else f"{name}=…"]
        return " ".join([*line, shlex.quote(f"{self.address}{path}")])


def _plain_example(plain: Any, schema: Mapping[str, Any]) -> Any:
    if "default" in schema and schema["default"] not in (None, ""):
        return schema["default"]
    if plain == "string":
        return _EXAMPLES.get(str(schema.get("format")), "text")
    return {"integer": max(1, int(schema.get("minimum", 1))), "number": 1.5, "boolean": True}.get(str(plain))


def _note(schema: Mapping[str, Any]) -> str:
    """What else there is to know: the description, bounds and default."""
    said = [str(schema["description"]).rstrip(".") + "."] if schema.get("description") else []
    least, most = schema.get("minLength"), schema.get("maxLength")
    if most is not None:
        said.append(f"{least} characters." if least == most else f"{least or 0} to {most} characters.")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        said.append(f"{'' if low is None else low} to {'' if high is None else high}.".strip())
    if schema.get("default") not in (None, "", []):
        default = schema["default"]
        said.append(f"Default {str(default).lower() if isinstance(default, bool) else default}.")
    return " ".join(said)
