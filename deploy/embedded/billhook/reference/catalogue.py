"""Every event type: who tells it, when, what it says, and who hears it; from contracts and handlers."""

import re
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path

from billhook import suite
from billhook_common.contracts import Fact, all_facts, publisher_of

_HANDLERS = "handlers.py"


@dataclass(frozen=True, slots=True)
class Consumer:
    """A service that hears an event, and what it makes of it."""

    service: str
    effect: str


@dataclass(frozen=True, slots=True)
class EventType:
    """One type; ``sent`` is False while its publisher has only promised it."""

    name: str
    fact: type[Fact]
    publisher: str
    when: str
    sent: bool
    consumers: tuple[Consumer, ...]
    example: str


def read_catalogue() -> list[EventType]:
    """All types, by publisher in alphabetical order and name."""
    examples = resources.files("billhook_common.contracts") / "examples"
    sources = {name: _source(name) for name in suite.NAMES}
    consumers = _consumers()
    found = []
    for name, fact in sorted(all_facts().items()):
        publisher = publisher_of(name)
        found.append(
            EventType(
                name=name,
                fact=fact,
                publisher=publisher,
                when=prose(fact.__doc__),
                sent=re.search(rf"\b{fact.__name__}\b", sources[publisher]) is not None,
                consumers=tuple(consumers.get(name, ())),
                example=(examples / f"{name}.json").read_text(encoding="utf-8").strip(),
            )
        )
    return found


def prose(docstring: str | None) -> str:
    """A docstring as one paragraph of Markdown."""
    return " ".join((docstring or "").split()).replace("``", "`")


def _consumers() -> dict[str, list[Consumer]]:
    found: dict[str, list[Consumer]] = {}
    for name in suite.NAMES:
        handlers = suite.load(name).handlers
        for event_type in handlers.types():
            handler = handlers.get(event_type)
            assert handler is not None
            found.setdefault(event_type, []).append(Consumer(name, prose(handler.function.__doc__)))
    return found


def _source(service: str) -> str:
    folder = Path(str(resources.files(import_module(f"billhook_{service}"))))
    modules = [path for path in sorted(folder.rglob("*.py")) if path.name != _HANDLERS]
    return "\n".join(path.read_text(encoding="utf-8") for path in modules)
