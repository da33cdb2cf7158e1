"""Partners and locations: made, renamed, archived, chosen for customers, and the scope of colleagues."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from billhook_common.contracts.crm import CustomerChanged, CustomerCreated, LocationChanged, PartnerChanged
from billhook_common.ids import uuid7
from billhook_common.scope import Scope
from billhook_common.tables import audit_entry
from billhook_common.testing import Client, ServiceHarness
from billhook_crm.actions.belong import FIRST_PARTNER_ID

pytestmark = pytest.mark.integration


def made(client: Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, body)
    assert answer.status_code == 201, answer.text
    return answer.json  # type: ignore[no-any-return]


def put(client: Client, path: str, version: int, **body: Any) -> Any:
    return client.put(path, body, headers={"If-Match": f'"{version}"'})


@pytest.mark.parametrize("kind", ["partner", "location"])
def test_made_renamed_archived_and_told(harness: ServiceHarness, kind: str) -> None:
    client = harness.client()
    north = made(client, f"/{kind}s", name="  North   side ")
    assert (north["name"], north["version"], north["archived"], north["customers"]) == ("North side", 1, False, 0)
    path = f"/{kind}s/{north['id']}"
    assert client.get(path).headers["ETag"] == '"1"'
    assert put(client, path, 1, name="South", archived=False).json["version"] == 2
    assert put(client, path, 1, name="East", archived=False).status_code == 412
    assert put(client, path, 2, name="South", archived=True).json["archived"] is True
    facts: list[PartnerChanged | LocationChanged] = [*harness.published(PartnerChanged)]
    facts += harness.published(LocationChanged)
    assert [(fact.version, fact.name, fact.archived) for fact in facts if fact.name != "main"] == [
        (1, "North side", False), (2, "South", False), (3, "South", True),
    ]  # fmt: skip
    assert [item["name"] for item in client.get(f"/{kind}s", archived="true").json["items"]] == ["South"]
    with harness.session() as session:
        actions = session.scalars(select(audit_entry.c.action).order_by(audit_entry.c.id)).all()
    assert actions == [f"{kind}_created", f"{kind}_changed", f"{kind}_changed"]


def test_bad_names_are_refused(harness: ServiceHarness) -> None:
    client = harness.client()
    made(client, "/partners", name="Žižka")
    for name in ("", "   ", "x" * 101, None, 5, "a\u202eb"):
        answer = client.post("/partners", {"name": name})
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/name"), name
    taken = client.post("/partners", {"name": "zizka"})
    assert (taken.status_code, taken.json["type"]) == (409, "/problems/name-taken")
    other = made(client, "/partners", name="Other")
    assert put(client, f"/partners/{other['id']}", 1, name="ŽIŽKA", archived=False).status_code == 409
    assert put(client, f"/partners/{uuid7()}", 1, name="x", archived=False).status_code == 404
    assert client.put(f"/partners/{other['id']}", {"name": "x", "archived": False}).status_code == 428


def test_customers_choose_by_id_or_by_name(harness: ServiceHarness) -> None:
    client = harness.client()
    plain = made(client, "/customers", name="Plain")
    assert (plain["partner"], plain["partner_id"], plain["location_id"]) == ("main", str(FIRST_PARTNER_ID), None)
    north, mirov = made(client, "/partners", name="North"), made(client, "/locations", name="Mirov")
    by_id = made(client, "/customers", name="A", partner_id=north["id"], location_id=mirov["id"])
    by_name = made(client, "/customers", name="B", partner="north", location="MIROV")
    for one in (by_id, by_name):
        assert (one["partner"], one["partner_id"], one["location"]) == ("North", north["id"], "Mirov")
    assert str(harness.published(CustomerCreated)[-1].location_id) == mirov["id"]
    moved = client.patch(f"/customers/{plain['id']}", {"partner_id": north["id"], "location": "Mirov"}).json
    assert (moved["partner"], moved["location_id"]) == ("North", mirov["id"])
    assert str(harness.published(CustomerChanged)[-1].partner_id) == north["id"]
    gone = client.patch(f"/customers/{plain['id']}", {"location_id": None}).json
    assert (gone["location"], gone["location_id"], gone["partner"]) == ("", None, "North")
    assert client.get(f"/partners/{north['id']}").json["customers"] == 3


def test_what_is_not_there_or_archived_cannot_be_chosen(harness: ServiceHarness) -> None:
    client = harness.client()
    old = made(client, "/locations", name="Old")
    kept = made(client, "/customers", name="Kept", location="Old")
    assert put(client, f"/locations/{old['id']}", 1, name="Old", archived=True).status_code == 200
    for body, pointer in (
        ({"location": "Old"}, "/location"),
        ({"location_id": old["id"]}, "/location_id"),
        ({"location": "Nowhere"}, "/location"),
        ({"partner_id": str(uuid7())}, "/partner_id"),
        ({"partner_id": None}, "/partner_id"),
        ({"partner_id": "north"}, "/partner_id"),
    ):
        for answer in (
            client.post("/customers", {"name": "New", **body}),
            client.patch(f"/customers/{kept['id']}", body if "location" not in body else {"location": "Nowhere"}),
        ):
            if answer.request.method == "PATCH" and body.get("location_id") == old["id"]:
                continue
            assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, pointer), body
    assert client.get(f"/customers/{kept['id']}").json["location"] == "Old"
    assert client.patch(f"/customers/{kept['id']}", {"note": "stays"}).status_code == 200


def test_the_first_partner_stays(harness: ServiceHarness) -> None:
    client = harness.client()
    made(client, "/customers", name="Anna")
    refused = put(client, f"/partners/{FIRST_PARTNER_ID}", 1, name="main", archived=True)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/needed-always")
    assert put(client, f"/partners/{FIRST_PARTNER_ID}", 1, name="Brightvale", archived=False).status_code == 200
    assert made(client, "/customers", name="Eva")["partner"] == "Brightvale"


def test_a_colleague_of_one_partner_finds_nothing_of_the_others(harness: ServiceHarness) -> None:
    everyone = harness.client()
    north, south = (made(everyone, "/partners", name=name) for name in ("North", "South"))
    mirov = made(everyone, "/locations", name="Mirov")
    mine = made(everyone, "/customers", name="Mine", partner_id=north["id"], location_id=mirov["id"])
    theirs = made(everyone, "/customers", name="Theirs", partner_id=south["id"])
    scoped = harness.client(scope=Scope(partners=frozenset({uuid_of(north)})))
    assert [item["name"] for item in scoped.get("/customers").json["items"]] == ["Mine"]
    assert scoped.get("/customers/count").json == {"total": 1, "filtered": 1}
    assert scoped.get("/customers/count", q="Theirs").json == {"total": 1, "filtered": 0}
    assert scoped.get("/panels/customers").json["total"] == 1
    assert scoped.get("/panels/locations").json["by_location"] == {"Mirov": 1}
    assert [item["name"] for item in scoped.get("/partners").json["items"]] == ["North"]
    path = f"/customers/{theirs['id']}"
    for answer in (
        scoped.get(path), scoped.patch(path, {"note": "x"}), scoped.post(f"{path}/archive"),
        scoped.get(f"/partners/{south['id']}"),
    ):  # fmt: skip
        assert answer.status_code == 404
        assert "Theirs" not in answer.text
    assert scoped.get(f"/customers/{mine['id']}").status_code == 200
    assert scoped.post("/partners", {"name": "East"}).status_code == 403
    assert scoped.get("/imports").status_code == 403


def test_nobody_moves_customers_out_of_their_scope(harness: ServiceHarness) -> None:
    everyone = harness.client()
    north, south = (made(everyone, "/partners", name=name) for name in ("North", "South"))
    mine = made(everyone, "/customers", name="Mine", partner_id=north["id"])
    scoped = harness.client(scope=Scope(partners=frozenset({uuid_of(north)})))
    for answer in (
        scoped.post("/customers", {"name": "New"}),
        scoped.post("/customers", {"name": "New", "partner_id": south["id"]}),
        scoped.patch(f"/customers/{mine['id']}", {"partner_id": south["id"]}),
        scoped.patch(f"/customers/{mine['id']}", {"partner": "South"}),
    ):
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/partner_id")
    assert made(scoped, "/customers", name="New", partner_id=north["id"])["partner"] == "North"


def test_a_scope_of_locations_leaves_out_whoever_has_none(harness: ServiceHarness) -> None:
    everyone = harness.client()
    mirov = made(everyone, "/locations", name="Mirov")
    made(everyone, "/customers", name="Here", location="Mirov")
    made(everyone, "/customers", name="Nowhere")
    scoped = harness.client(scope=Scope(locations=frozenset({uuid_of(mirov)})))
    assert [item["name"] for item in scoped.get("/customers").json["items"]] == ["Here"]


def uuid_of(item: dict[str, Any]) -> UUID:
    return UUID(item["id"])
