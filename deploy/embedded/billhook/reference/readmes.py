"""The generated part of each service's README: what it owns, publishes, consumes, its settings and metrics."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from billhook import declared, suite
from billhook.reference import code
from billhook.reference.catalogue import EventType
from billhook.reference.every_service import decided_table, metric_table, setting_table
from billhook_common.config import ServiceConfig

BEGIN = "<!-- Written by ./billhook docs: -->"
END = "<!-- until here. -->"


class NoPlace(Exception):
    """A README has no place for the generated part."""


def pages(root: Path, catalogue: Sequence[EventType]) -> Mapping[Path, str]:
    """Each README with its generated part renewed. Raises NoPlace."""
    found = {}
    for folder in declared.package_folders(root):
        path = folder / "README.md"
        up = "../" * len(folder.relative_to(root).parts)
        found[path] = with_part(
            path.read_text("utf-8"), "\n".join(_part(folder.name, catalogue, f"{up}docs")), str(path)
        )
    return found


def with_part(text: str, part: str, name: str) -> str:
    """``text`` with ``part`` between the marks. Raises NoPlace."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoPlace(f"{name} needs the lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{part}\n\n{END}{after}"


def _part(name: str, catalogue: Sequence[EventType], docs: str) -> Iterator[str]:
    service = suite.load(name)
    yield from ("**Owns** the tables", "")
    for table, meaning in code.tables(service.package, service.metadata):
        yield f"- `{table}`: {meaning}" if meaning else f"- `{table}`"
    told = [event for event in catalogue if event.publisher == name and event.sent]
    heard = [(event, item) for event in catalogue for item in event.consumers if item.service == name]
    yield from ("", f"**Publishes** ([events]({docs}/events.md))" if told else "**Publishes** nothing.", "")
    yield from (f"- `{event.name}`: {event.when}" for event in told)
    yield from ("", "**Consumes**" if heard else "**Consumes** nothing.", "")
    yield from (f"- `{event.name}`: {item.effect}" for event, item in heard)
    own = code.settings(service.config, name.upper(), beyond=ServiceConfig)
    of_all = f"those of [every service]({docs}/every-service.md)"
    yield from ("", f"**Settings**: {of_all}{', and' if own else '.'}", "")
    yield from (*setting_table(own), "") if own else ()
    if service.settings:
        yield from ("**Decided by staff** (`/settings`)", "", *decided_table(service.settings), "")
    measured = code.metrics(service.package)
    yield f"**Metrics**: {of_all}{', and' if measured else '.'}"
    yield from ("", *metric_table(measured)) if measured else ()
