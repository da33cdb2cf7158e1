"""Pages that the code itself can tell: events, settings, tables, metrics. ``./billhook docs`` writes them.

``./billhook check`` fails when one is not what the code says.
"""

from collections.abc import Mapping
from pathlib import Path

from billhook.reference import asyncapi, events, every_service, readmes
from billhook.reference.catalogue import read_catalogue


def pages(root: Path) -> Mapping[Path, str]:
    """Every generated file of the checkout at ``root``, and what stands in it."""
    catalogue = read_catalogue()
    return {
        root / "docs/events.md": events.page(catalogue),
        root / "docs/asyncapi.yaml": asyncapi.page(catalogue),
        root / "docs/every-service.md": every_service.page(),
        **readmes.pages(root, catalogue),
    }


def stale(root: Path) -> list[Path]:
    """The files that are not there, or not what the code says."""
    return [path for path, text in pages(root).items() if not path.exists() or path.read_text("utf-8") != text]


def write(root: Path) -> list[Path]:
    """Write what is stale; the files that were written."""
    written = []
    for path, text in pages(root).items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written
