"""Two people had the same form open: what the second one is shown, and which version a form is made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import g, request

from billhook_gateway.door import door

VERSION_GONE = 412


@dataclass(frozen=True, slots=True)
class Conflict:
    """Who changed the record meanwhile, and when; blank where nobody knows."""

    by: str
    at: str


def note_conflict(problem: Mapping[str, Any]) -> None:
    """Remember for this request what a refused change says of the one before it."""
    g.conflict = Conflict(door().name_of(str(problem.get("changed_by", ""))), str(problem.get("changed_at", "")))


def note_saved(record: Mapping[str, Any]) -> None:
    """Part of what the form asks for is saved: it goes on from the version that this made."""
    g.saved_version = str(record["version"])


def noted_conflict() -> Conflict | None:
    """The conflict of this request."""
    found: Conflict | None = g.get("conflict")
    return found


def seen() -> str:
    """The version of the record that the form was made from; blank where it brought none."""
    version = request.form.get("version", "")
    return version if version.isascii() and version.isdigit() else ""


def form_version(record: Mapping[str, Any]) -> str:
    """The version that a form of ``record`` carries: the one that its reader has seen.

    A form that is shown again because of a wrong value keeps its version, or it would overwrite what it never showed.
    """
    if noted_conflict() is not None:
        return str(record["version"])
    return g.get("saved_version") or seen() or str(record["version"])


def differences(present: Mapping[str, Any], typed: Mapping[str, Any], labels: Mapping[str, str]) -> list[list[Any]]:
    """``[label, what is there now, what was typed]`` of each field with a label whose values are not the same."""
    found = []
    for name, label in labels.items():
        now, mine = present.get(name), typed.get(name)
        if name in typed and name in present and _text(now) != _text(mine):
            found.append([label, now, mine])
    return found


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
