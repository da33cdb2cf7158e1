"""YAML of what JSON can say: enough to write a document that people read in a diff."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_WORDS_WITH_A_MEANING = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def dump(value: Mapping[str, Any]) -> str:
    """The document; texts are quoted as in JSON, which YAML reads too."""
    return "\n".join(_lines(value, 0)) + "\n"


def _lines(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if _is_block(inner):
                yield f"{pad}{_key(str(name))}:"
                yield from _lines(inner, depth + 1)
            else:
                yield f"{pad}{_key(str(name))}: {_scalar(inner)}"
    else:
        for inner in value:
            if _is_block(inner):
                first, *rest = _lines(inner, depth + 1)
                yield f"{pad}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{pad}- {_scalar(inner)}"


def _is_block(value: Any) -> bool:
    return bool(value) and (isinstance(value, Mapping) or (isinstance(value, Sequence) and not isinstance(value, str)))


def _key(name: str) -> str:
    plain = _PLAIN.fullmatch(name) and name.lower() not in _WORDS_WITH_A_MEANING
    return name if plain else _scalar(name)


def _scalar(value: Any) -> str:
    return msgspec.json.encode(value).decode()
