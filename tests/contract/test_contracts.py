"""Event contracts: every type has a golden example that today's code reads and writes, field for field."""

import importlib
from importlib import resources

import msgspec
import pytest

from billhook.suite import NAMES, load
from billhook_common.contracts import PUBLISHERS, Fact, all_facts, every_service, publisher_of
from billhook_common.events.envelope import encode

pytestmark = pytest.mark.contract

EVERYONES = {fact.TYPE: fact for fact in (every_service.PositionsPublished, every_service.ReplayRequested)}
FACTS = all_facts() | EVERYONES
EXAMPLES = resources.files("billhook_common.contracts") / "examples"


def example(event_type: str) -> bytes:
    return (EXAMPLES / f"{event_type}.json").read_bytes()


def test_every_type_has_an_example_and_every_example_a_type() -> None:
    names = {path.name.removesuffix(".json") for path in EXAMPLES.iterdir()}
    assert names == set(FACTS)


@pytest.mark.parametrize("event_type", sorted(FACTS))
def test_the_example_is_read_and_written_as_it_is(event_type: str) -> None:
    fact = msgspec.json.decode(example(event_type), type=FACTS[event_type])
    assert msgspec.json.decode(encode(fact)) == msgspec.json.decode(example(event_type))


@pytest.mark.parametrize("event_type", sorted(FACTS))
def test_a_reader_ignores_what_it_does_not_know(event_type: str) -> None:
    document = msgspec.json.decode(example(event_type))
    plain = msgspec.json.decode(example(event_type), type=FACTS[event_type])
    assert msgspec.json.decode(msgspec.json.encode({**document, "added_later": 1}), type=FACTS[event_type]) == plain


@pytest.mark.parametrize("event_type", sorted(FACTS))
def test_names_follow_the_scheme(event_type: str) -> None:
    publisher, subject, past, version = event_type.split(".")
    assert publisher in {*PUBLISHERS, every_service.ANY_SERVICE}
    assert subject.replace("_", "").isalpha()
    assert past.replace("_", "").isalpha()
    assert version.startswith("v") and version[1:].isdigit()
    module = "every_service" if event_type in EVERYONES else publisher
    assert FACTS[event_type].__module__ == f"billhook_common.contracts.{module}"


def test_services_subscribe_only_to_what_others_publish() -> None:
    for name in NAMES:
        for event_type in load(name).handlers.types():
            assert event_type in FACTS, f"{name} hears {event_type}, which nobody publishes"
            assert publisher_of(event_type) != name, f"{name} hears itself"


def test_services_publish_only_their_own_types() -> None:
    for name in NAMES:
        source = "\n".join(
            path.read_text(encoding="utf-8")
            for path in _modules(f"billhook_{name}")
        )  # fmt: skip
        for fact in _named_in(source):
            if publisher_of(fact.TYPE) == name:
                continue
            assert f"publish(session, clock, {fact.__name__}" not in source
            assert f"fact={fact.__name__}(" not in source


def _modules(package: str) -> list:
    root = resources.files(importlib.import_module(package))
    return [path for path in root.rglob("*.py") if "migrations" not in str(path)]  # type: ignore[attr-defined]


def _named_in(source: str) -> list[type[Fact]]:
    return [fact for fact in FACTS.values() if fact.__name__ in source]
