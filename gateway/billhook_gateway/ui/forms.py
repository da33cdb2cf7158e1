"""Between HTML forms and the services' JSON: dotted names one way, problem pointers the other."""

from collections.abc import Mapping, Sequence
from typing import Any


def nested(fields: Mapping[str, str]) -> dict[str, Any]:
    """``{"address.city": "Brno"}`` as ``{"address": {"city": "Brno"}}``, without blanks round the values."""
    body: dict[str, Any] = {}
    for name, value in fields.items():
        *parents, last = name.split(".")
        target = body
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                break
        else:
            target[last] = value.strip()
    return body


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The inverse of ``nested``: a record's values under the names of their fields."""
    fields: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            fields |= flat(value, f"{prefix}{name}.")
        else:
            fields[f"{prefix}{name}"] = value
    return fields


def errors_by_field(problem: Mapping[str, Any]) -> dict[str, list[str]]:
    """Messages of a problem+json answer by field name; what concerns no field stands under ``""``."""
    errors: dict[str, list[str]] = {}
    listed: Sequence[Mapping[str, str]] = problem.get("errors") or ()
    for error in listed:
        field = error.get("pointer", "").lstrip("#").strip("/").replace("/", ".")
        errors.setdefault(field, []).append(error["message"])
    if not errors:
        errors[""] = [problem.get("detail") or problem["title"]]
    return errors
