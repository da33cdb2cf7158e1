"""Tickets through HTTP and events."""

import datetime as dt
from uuid import UUID

import pytest

from billhook_common.contracts.crm import CustomerChanged, CustomerCreated
from billhook_common.contracts.tickets import TicketClosed, TicketOpened
from billhook_common.ids import uuid7
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration


def a_customer(customer_id: UUID, version: int = 1, name: str = "Anna Nováková") -> CustomerCreated:
    return CustomerCreated(
        customer_id=customer_id, version=version, number="10000001", login="anna", name=name, category="person",
        lifecycle="active", email="anna@example.org", created_on=dt.date(2026, 1, 5),
    )  # fmt: skip


def test_a_ticket_is_opened_for_a_customer_and_told(harness: ServiceHarness) -> None:
    customer_id = uuid7()
    harness.deliver(a_customer(customer_id))
    answer = harness.client().post(
        "/tickets", {"subject": "Slow line", "body": "Since Monday.", "customer_id": str(customer_id)}
    )
    assert answer.status_code == 201, answer.text
    ticket = answer.json
    assert ticket["number"] == "T-000001"
    assert ticket["status"] == "new"
    assert ticket["customer"]["name"] == "Anna Nováková"
    assert [message["body"] for message in ticket["messages"]] == ["Since Monday."]
    (told,) = harness.published(TicketOpened)
    assert (str(told.ticket_id), told.customer_id) == (ticket["id"], customer_id)


def test_a_customer_that_has_not_arrived_is_answered_with_try_again(harness: ServiceHarness) -> None:
    answer = harness.client().post("/tickets", {"subject": "x", "body": "y", "customer_id": str(uuid7())})
    assert answer.status_code == 409
    assert answer.json["type"] == "/problems/not-known-yet"
    assert answer.headers["Retry-After"] == "1"
    assert harness.client().get("/tickets").json["items"] == []


def test_a_closed_ticket_takes_notes_but_no_reply_until_it_is_reopened(harness: ServiceHarness) -> None:
    client = harness.client()
    path = f"/tickets/{client.post('/tickets', {'subject': 'x', 'body': 'y'}).json['id']}"
    assert client.post(f"{path}/close").json["status"] == "resolved"
    refused = client.post(f"{path}/messages", {"body": "one more thing"})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/ticket-is-closed")
    assert client.post(f"{path}/messages", {"body": "for us", "note": True}).json["status"] == "resolved"
    assert client.post(f"{path}/reopen").json["status"] == "work_in_progress"
    assert client.post(f"{path}/messages", {"body": "one more thing"}).json["status"] == "waiting_on_customer"
    assert len(harness.published(TicketClosed)) == 1


def test_the_newest_version_of_a_customer_stays_in_any_order(harness: ServiceHarness) -> None:
    customer_id = uuid7()
    newer = CustomerChanged(**{**_fields(a_customer(customer_id)), "version": 3, "name": "Anna Malá"})
    harness.deliver(newer, a_customer(customer_id))
    ticket = harness.client().post("/tickets", {"subject": "x", "body": "y", "customer_id": str(customer_id)}).json
    assert ticket["customer"]["name"] == "Anna Malá"


def test_lists_are_paged_filtered_and_equal_to_their_panel(harness: ServiceHarness) -> None:
    client = harness.client()
    ids = [client.post("/tickets", {"subject": f"no {n}", "body": "b"}).json["id"] for n in range(5)]
    client.post(f"/tickets/{ids[0]}/close")
    seen, after = [], None
    while True:
        page = client.get("/tickets", limit=2, state="open", **({"after": after} if after else {})).json
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == ids[:0:-1]
    assert client.get("/panels/tickets").json["open"] == len(seen)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"body": "b"}, "/subject"),
        ({"subject": "", "body": "b"}, "/subject"),
        ({"subject": "s" * 201, "body": "b"}, "/subject"),
        ({"subject": "s", "body": "b", "priority": "now"}, "/priority"),
        ({"subject": "s", "body": "b", "is_admin": True}, "/is_admin"),
    ],
)
def test_a_bad_ticket_is_refused_naming_the_field(harness: ServiceHarness, body: dict, pointer: str) -> None:
    answer = harness.client().post("/tickets", body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


def test_rights_decide(harness: ServiceHarness) -> None:
    assert harness.stranger().get("/tickets").status_code == 401
    assert harness.client("crm:read").get("/tickets").status_code == 403
    assert harness.client("tickets:read").post("/tickets", {"subject": "x", "body": "y"}).status_code == 403
    assert harness.client("tickets:*").post("/tickets", {"subject": "x", "body": "y"}).status_code == 201


def _fields(fact: CustomerCreated) -> dict:
    return {name: getattr(fact, name) for name in fact.__struct_fields__}
