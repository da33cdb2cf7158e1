"""The contracts between services: what each event says. One module a publisher.

A type's name is ``<publisher>.<subject>.<past tense>.v<major>``. Within a version only optional fields may be
added; a reader ignores fields that it does not know. ``examples/`` holds a golden example of every type.
"""

import importlib
from typing import ClassVar

import msgspec

PUBLISHERS = ("crm", "billing", "invoicing", "payments", "tickets", "inventory", "gateway")


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """The data of one event type; ``TYPE`` is its name and routing key."""

    TYPE: ClassVar[str] = ""


def all_facts() -> dict[str, type[Fact]]:
    """Every event type that is published, by name."""
    for publisher in PUBLISHERS:
        importlib.import_module(f"{__name__}.{publisher}")
    return {fact.TYPE: fact for fact in _subclasses(Fact) if publisher_of(fact.TYPE) in PUBLISHERS}


def _subclasses(kind: type[Fact]) -> list[type[Fact]]:
    direct = kind.__subclasses__()
    return direct + [deeper for child in direct for deeper in _subclasses(child)]


def publisher_of(event_type: str) -> str:
    """The service that alone may publish ``event_type``."""
    return event_type.partition(".")[0]
