"""``docs/every-service.md``: the settings and metrics that every service has from the chassis."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from billhook.reference.code import CHASSIS, Metric, Setting, metrics, settings
from billhook_common.config import ServiceConfig
from billhook_common.settings import Setting as Decided

HEAD = """# What every service has

Written by `./billhook docs` from `billhook_common`; do not edit. What a service has beyond this stands in its README.
"""


def page() -> str:
    """The page; ``<SERVICE>`` stands for a service's name in upper case."""
    lines = [
        HEAD,
        "## Settings",
        "",
        "Environment variables, read once when a process starts. A value of the wrong type is refused by name.",
        "",
        *setting_table(settings(ServiceConfig, "<SERVICE>")),
        "",
        "## Metrics",
        "",
        "At `/metrics` of the API, and of a worker where `BILLHOOK_METRICS_PORT` is set.",
        "",
        *metric_table(metrics(CHASSIS)),
    ]
    return "\n".join(lines) + "\n"


def setting_table(found: Sequence[Setting]) -> Iterator[str]:
    """Rows of Markdown."""
    yield from ("| variable | default | meaning |", "|---|---|---|")
    for item in found:
        yield f"| `{item.name}` | {f'`{item.default}`' if item.default else '–'} | {item.meaning} |"


def decided_table(found: Sequence[Decided[Any]]) -> Iterator[str]:
    """Rows of Markdown."""
    yield from ("| setting | type | default | meaning |", "|---|---|---|---|")
    for item in found:
        default = json.dumps(item.write(item.default))
        yield f"| `{item.name}` | {item.kind.replace('_', ' ')} | `{default}` | {item.doc} |"


def metric_table(found: Sequence[Metric]) -> Iterator[str]:
    """Rows of Markdown."""
    yield from ("| metric | kind | labels | meaning |", "|---|---|---|---|")
    for item in found:
        labels = ", ".join(f"`{label}`" for label in item.labels) or "–"
        yield f"| `{item.name}` | {item.kind} | {labels} | {item.meaning} |"
