"""Whether the event contracts are still what was released: within a version only optional fields may be added.

The shapes of a release are kept in ``released/<version>.json`` as JSON Schemas. What was sent is kept and replayed, and
readers are deployed on their own days: so nothing goes away, changes its name or type, or begins to be required;
nothing ceases to be required either, for a reader may count on it. Anything else is a new type, ``…v2``.
"""

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, cast

import msgspec
from packaging.version import Version

from billhook_common.contracts import Fact, all_facts

Shape = Mapping[str, Any]
"""A JSON Schema of an event's data, with its ``$defs``."""
_SAID = frozenset({"title", "description", "default", "examples"})
"""Words of a schema that do not change what is valid; a default fills a field left out, for the reader alone."""


class AlreadyReleased(Exception):
    """Shapes of this version are kept already; a release does not change."""


class Breaks(Exception):
    """What was released does not hold any more; the text has a line for each break."""


def shapes(facts: Mapping[str, type[Fact]] | None = None) -> dict[str, Shape]:
    """The shape of every event type's data, by type."""
    found = {name: msgspec.json.schema(fact) for name, fact in sorted((facts or all_facts()).items())}
    return msgspec.json.decode(msgspec.json.encode(found), type=dict[str, Any])  # as it is read from a file


def breaks(released: Mapping[str, Shape], present: Mapping[str, Shape]) -> list[str]:
    """What of ``released`` does not hold in ``present``, one line each; empty when only optional fields were added."""
    found: list[str] = []
    for name, shape in sorted(released.items()):
        if name not in present:
            found.append(f"{name}: removed")
        else:
            found += _differences(name, _Reader(shape, present[name]), shape, present[name])
    return found


def last_release(folder: Path | None = None) -> tuple[str, dict[str, Shape]] | None:
    """Version and shapes of the newest release, or None before the first."""
    files = {path.stem: path for path in (folder or _folder()).glob("*.json")}
    if not files:
        return None
    newest = max(files, key=Version)
    return newest, msgspec.json.decode(files[newest].read_bytes(), type=dict[str, Any])


def release(version: str, folder: Path | None = None) -> Path:
    """Keep today's shapes as those of ``version``. Raises AlreadyReleased, Breaks."""
    place = (folder or _folder()) / f"{Version(version)}.json"
    if place.exists():
        raise AlreadyReleased(f"{place.name} is there: version {version} has been released.")
    present, last = shapes(), last_release(folder)
    if last is not None and (found := breaks(last[1], present)):
        raise Breaks("\n".join(found))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(msgspec.json.format(msgspec.json.encode(present), indent=1) + b"\n")
    return place


def _folder() -> Path:
    return Path(str(resources.files("billhook_common.contracts"))) / "released"


class _Reader:
    """Follows the references of two shapes, each pair once: a structure may hold itself."""

    def __init__(self, old: Shape, new: Shape) -> None:
        self._old = old.get("$defs", {})
        self._new = new.get("$defs", {})
        self.seen: set[tuple[str, str]] = set()

    def resolve(self, old: Shape, new: Shape) -> tuple[Shape, Shape] | None:
        """What the two stand for; None when this pair of references was compared before."""
        if "$ref" in old and "$ref" in new:
            pair = (old["$ref"], new["$ref"])
            if pair in self.seen:
                return None
            self.seen.add(pair)
        return _followed(old, self._old), _followed(new, self._new)


def _followed(schema: Shape, definitions: Mapping[str, Shape]) -> Shape:
    while "$ref" in schema:
        schema = definitions[str(schema["$ref"]).removeprefix("#/$defs/")]
    return schema


def _differences(place: str, reader: _Reader, old: Shape, new: Shape) -> Iterator[str]:
    pair = reader.resolve(old, new)
    if pair is None:
        return
    old, new = pair
    if "properties" in old and "properties" in new:
        yield from _of_fields(place, reader, old, new)
    elif "items" in old and "items" in new:
        yield from _differences(f"{place}[]", reader, old["items"], new["items"])
    elif "anyOf" in old and "anyOf" in new and len(old["anyOf"]) == len(new["anyOf"]):
        for was, now in zip(old["anyOf"], new["anyOf"], strict=True):
            yield from _differences(place, reader, was, now)
    elif _meaning(old) != _meaning(new):
        yield f"{place}: was {_words(old)}, is {_words(new)}"


def _of_fields(place: str, reader: _Reader, old: Shape, new: Shape) -> Iterator[str]:
    was, now = cast(Mapping[str, Shape], old["properties"]), cast(Mapping[str, Shape], new["properties"])
    required_before, required_now = set(old.get("required", ())), set(new.get("required", ()))
    for name in was:
        if name not in now:
            yield f"{place}.{name}: removed"
            continue
        yield from _differences(f"{place}.{name}", reader, was[name], now[name])
        if name in required_before - required_now:
            yield f"{place}.{name}: was required, readers count on it"
    for name in now:
        if name in required_now - required_before:
            yield f"{place}.{name}: required now, which what was sent before may not have"


def _meaning(schema: Any) -> Any:
    """The schema without what is only said; alternatives in any order."""
    if isinstance(schema, Mapping):
        return {name: _meaning(value) for name, value in schema.items() if name not in _SAID}
    if isinstance(schema, list):
        return sorted((_meaning(value) for value in schema), key=repr)
    return schema


def _words(schema: Shape) -> str:
    """A schema in a few words: ``string (uuid)``, ``one of "a", "b"``, ``list``."""
    if "enum" in schema:
        return "one of " + ", ".join(f'"{value}"' for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_words(part) for part in schema["anyOf"])
    if "$ref" in schema:
        return re.sub(r".*/", "", str(schema["$ref"]))
    kind = str(schema.get("title") or schema.get("type", "anything"))
    return f"{kind} ({schema['format']})" if "format" in schema else kind
