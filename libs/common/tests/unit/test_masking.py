"""What operators may see of an event's payload: nothing personal, and nothing that nobody decided about."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.contracts import all_facts
from billhook_common.events.envelope import named
from billhook_common.operations.masking import (
    HIDDEN,
    HIDDEN_PERSONAL,
    is_known,
    masked_payload,
    masked_text,
)

pytestmark = pytest.mark.unit

CUSTOMER = {
    "specversion": "1.0",
    "id": "01935b6a-0000-7000-8000-000000000001",
    "type": "crm.customer.changed.v1",
    "time": "2026-11-24T09:00:00Z",
    "data": {
        "customer_id": "01935b6a-0000-7000-8000-000000000002",
        "version": 3,
        "name": "Jan Novák",
        "email": "jan@example.org",
        "phone": "+420 777 123 456",
        "address": {"street": "Dlouhá 1", "city": "Brno", "zip": "60200", "country": "CZ"},
        "lifecycle": "active",
        "created_on": "2026-11-24",
        "nickname": "Honza",
    },
}


def text_fields(kind: Any, name: str = "") -> Iterator[str]:
    match kind:
        case msgspec.inspect.StructType():
            for field in kind.fields:
                yield from text_fields(field.type, field.encode_name)
        case msgspec.inspect.UnionType():
            for one in kind.types:
                yield from text_fields(one, name)
        case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType():
            yield from text_fields(kind.item_type, name)
        case msgspec.inspect.StrType():
            yield name


@pytest.mark.parametrize("fact", all_facts().values(), ids=lambda fact: fact.TYPE)
def test_somebody_decided_about_every_text_of_every_contract(fact: type) -> None:
    assert [name for name in text_fields(msgspec.inspect.type_info(fact)) if not is_known(name)] == []


def test_a_customers_payload_shows_structure_ids_and_dates_and_hides_the_person() -> None:
    shown = masked_payload(msgspec.json.encode(CUSTOMER))
    assert {name: shown[name] for name in ("id", "type", "time")} == {
        name: CUSTOMER[name] for name in ("id", "type", "time")
    }
    data = shown["data"]
    assert (data["version"], data["lifecycle"], data["created_on"]) == (3, "active", "2026-11-24")
    assert {data[name] for name in ("name", "email", "phone")} == {HIDDEN_PERSONAL}
    assert data["address"] == dict.fromkeys(("street", "city", "zip"), HIDDEN_PERSONAL) | {"country": "CZ"}
    assert data["nickname"] == HIDDEN


@pytest.mark.parametrize(
    "document",
    [
        {"Jan Novák": 1},
        {"amount": "Jan Novák"},
        {"id": "Jan Novák"},
        {"state": "Jan Novák"},
        {"currency": ["Jan Novák"]},
        {"type": {"Jan Novák": "Jan Novák"}},
        {"customer_id": "Jan Novák"},
        {"note": "Jan Novák"},
        ["Jan Novák"],
        "Jan Novák",
    ],
)
def test_a_name_in_a_place_of_something_else_is_hidden_too(document: Any) -> None:
    assert "Nov" not in str(masked_payload(msgspec.json.encode(document)))


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_nothing_that_people_type_comes_through(document: Any) -> None:
    shown = msgspec.json.encode({"data": masked_payload(msgspec.json.encode({"data": document}))}).decode()
    typed = [text for text in texts(document) if " " in text and len(text) > 3]
    assert [text for text in typed if text in shown and text not in f"{HIDDEN} ‹9 more›"] == []


def texts(document: Any) -> Iterator[str]:
    match document:
        case str():
            yield document
        case list():
            for inner in document:
                yield from texts(inner)
        case dict():
            for name, inner in document.items():
                yield name
                yield from texts(inner)


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_json_are_only_counted(raw: bytes) -> None:
    assert masked_payload(raw) == f"‹{len(raw)} bytes that are not JSON›"


def test_what_is_nested_deeply_or_long_is_cut() -> None:
    deep = b'{"a":' * 40 + b"1" + b"}" * 40
    assert HIDDEN in str(masked_payload(deep))
    assert masked_payload(msgspec.json.encode([True] * 60))[-1] == "‹10 more›"


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("no customer 'Jan Novák' here", "Novák"),
        ("Key (email)=(jan@example.org) already exists", "jan"),
        ("mail to jan@example.org failed", "jan@"),
        ("account CZ65 0800 0000 1920 0014 5399 is closed", "0800"),
        ("call +420 777 123 456", "777"),
    ],
)
def test_reasons_lose_what_they_quote(text: str, gone: str) -> None:
    assert gone not in masked_text(text)


def test_reasons_keep_ids_and_words() -> None:
    reason = "The lines of 01935b6a-0000-7000-8000-000000000001 add up to 29.90, not 30.00"
    assert masked_text(reason) == reason


def test_a_type_that_cannot_be_one_is_hidden() -> None:
    assert named("crm.customer.changed.v2") == "crm.customer.changed.v2"
    assert named("Jan Novák") == HIDDEN
    assert named("a" * 101) == HIDDEN
