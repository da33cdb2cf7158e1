"""Items through HTTP and events."""

import datetime as dt
import itertools
import threading
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from billhook_common import migrate
from billhook_common.contracts.crm import CustomerChanged, CustomerCreated
from billhook_common.contracts.inventory import ItemAssigned, ItemReturned
from billhook_common.ids import uuid7
from billhook_common.service import Service
from billhook_common.tables import audit_entry
from billhook_common.testing import Client, ServiceHarness

pytestmark = pytest.mark.integration


def a_customer(harness: ServiceHarness, name: str = "Anna Nováková") -> UUID:
    customer_id = uuid7()
    harness.deliver(snapshot(CustomerCreated, customer_id, 1, name))
    return customer_id


def snapshot(kind: type[Any], customer_id: UUID, version: int, name: str) -> Any:
    return kind(
        customer_id=customer_id, version=version, number="10000001", login="anna", name=name, category="person",
        lifecycle="active", created_on=dt.date(2026, 1, 5),
    )  # fmt: skip


def an_item(client: Client, serial: str = "SN-1", **details: Any) -> dict[str, Any]:
    product_id = details.pop("product_id", None) or a_product(client, f"Router {serial}")
    answer = client.post("/items", {"product_id": product_id, "serial": serial, **details})
    assert answer.status_code == 201, answer.text
    return answer.json  # type: ignore[no-any-return]


def a_product(client: Client, name: str = "Router") -> str:
    return str(client.post("/products", {"name": name}).json["id"])


def walk(client: Client, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = client.get("/items", **query, **after).json
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


def test_models_and_migrations_agree(harness: ServiceHarness, service: Service) -> None:
    migrate.check(service.migrations, harness.config.database_url, service.metadata)


def test_an_item_goes_to_a_customer_and_comes_back(harness: ServiceHarness) -> None:
    client, customer_id = harness.client(name="Eva"), a_customer(harness)
    made = an_item(client, barcode="8590001")
    path = f"/items/{made['id']}"
    assert (made["status"], made["condition"], made["location"], made["customer"]) == ("in_stock", "new", "Main", None)
    out = client.post(f"{path}/assign", {"customer_id": str(customer_id), "note": "roof"}).json
    assert (out["status"], out["customer"]["name"], out["version"]) == ("assigned", "Anna Nováková", 2)
    harness.clock.advance(dt.timedelta(days=3))
    back = client.post(f"{path}/return", {"location": "Van 2"}).json
    assert (back["status"], back["condition"], back["location"], back["customer"]) == (
        "in_stock",
        "used",
        "Van 2",
        None,
    )
    (assigned,), (returned,) = harness.published(ItemAssigned), harness.published(ItemReturned)
    assert (assigned.customer_id, assigned.serial, assigned.product, assigned.version, assigned.on) == (
        customer_id, "SN-1", "Router SN-1", 2, dt.date(2026, 11, 24),
    )  # fmt: skip
    assert (returned.customer_id, returned.version, returned.on) == (customer_id, 3, dt.date(2026, 11, 27))
    history = [(entry["action"], entry["actor"], entry["status"], entry["note"]) for entry in back["movements"]]
    assert history == [
        ("received", "Eva", "in_stock", ""),
        ("assigned", "Eva", "assigned", "roof"),
        ("returned", "Eva", "in_stock", ""),
    ]
    assert back["movements"][1]["customer"]["id"] == str(customer_id)


def test_a_customer_that_has_not_arrived_is_answered_with_try_again(harness: ServiceHarness) -> None:
    client = harness.client()
    path = f"/items/{an_item(client)['id']}"
    answer = client.post(f"{path}/assign", {"customer_id": str(uuid7())})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/not-known-yet")
    assert answer.headers["Retry-After"] == "1"
    assert client.get(path).json["status"] == "in_stock"


def test_own_use_is_nobody_elses_news(harness: ServiceHarness) -> None:
    client = harness.client()
    path = f"/items/{an_item(client)['id']}"
    assert client.post(f"{path}/use", {"note": "lab"}).json["status"] == "internal_usage"
    assert client.post(f"{path}/return", {"condition": "broken"}).json["condition"] == "broken"
    assert harness.published(ItemReturned) == harness.published(ItemAssigned) == []


def test_moves_that_make_no_sense_are_refused(harness: ServiceHarness) -> None:
    client, body = harness.client(), {"customer_id": str(a_customer(harness))}
    path = f"/items/{an_item(client)['id']}"
    assert client.post(f"{path}/return", {}).json["type"] == "/problems/item-is-in-stock"
    assert client.post(f"{path}/assign", body).status_code == 200
    for refused in (client.post(f"{path}/assign", body), client.post(f"{path}/use", {})):
        assert (refused.status_code, refused.json["type"]) == (409, "/problems/item-is-not-in-stock")
    client.post(f"{path}/return", {"condition": "broken"})
    assert client.post(f"{path}/assign", body).json["type"] == "/problems/item-is-broken"
    assert len(client.get(path).json["movements"]) == 3
    assert len(harness.published(ItemAssigned)) == 1


def test_one_item_ten_times_at_once_goes_to_one_customer(harness: ServiceHarness) -> None:
    path = f"/items/{an_item(harness.client())['id']}"
    body = {"customer_id": str(a_customer(harness))}
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(harness.client().post(f"{path}/assign", body).status_code))
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] + [409] * 9
    assert len(harness.published(ItemAssigned)) == 1


def test_serials_and_products_are_named_once_letter_case_apart(harness: ServiceHarness) -> None:
    client = harness.client()
    product_id = a_product(client)
    an_item(client, "ab-1", product_id=product_id)
    refused = client.post("/items", {"product_id": product_id, "serial": "AB-1"})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/serial-taken")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/serial"]
    again = client.post("/products", {"name": "ROUTER"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/product-exists")
    unknown = client.post("/items", {"product_id": str(uuid7()), "serial": "x"})
    assert (unknown.status_code, unknown.json["type"]) == (422, "/problems/unknown-product")


def test_a_change_is_kept_in_the_history_and_audited(harness: ServiceHarness) -> None:
    client = harness.client()
    path = f"/items/{an_item(client, barcode='1')['id']}"
    changed = client.patch(path, {"barcode": "2", "location": "Van 1", "condition": "new"}).json
    assert (changed["barcode"], changed["location"], changed["version"]) == ("2", "Van 1", 2)
    assert client.patch(path, {"barcode": "2"}).json["version"] == 2
    assert [entry["action"] for entry in client.get(path).json["movements"]] == ["received", "changed"]
    with harness.session() as session:
        entry = session.execute(select(audit_entry).where(audit_entry.c.action == "item_changed")).one()
    assert (entry.before, entry.after["location"]) == ({"barcode": "1", "location": "Main"}, "Van 1")


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_the_newest_version_of_a_customer_stays_in_any_order(harness: ServiceHarness, order: tuple[int, ...]) -> None:
    customer_id = uuid7()
    for version in order:
        kind = CustomerCreated if version == 1 else CustomerChanged
        harness.deliver(snapshot(kind, customer_id, version, f"Name {version}"))
    client = harness.client()
    path = f"/items/{an_item(client)['id']}"
    assert client.post(f"{path}/assign", {"customer_id": str(customer_id)}).json["customer"]["name"] == "Name 3"


def test_lists_are_paged_filtered_and_equal_to_their_panel(harness: ServiceHarness) -> None:
    client, customer_id = harness.client(), a_customer(harness)
    product_id = a_product(client)
    ids = [an_item(client, f"SN-{n}", product_id=product_id, barcode=f"859{n}")["id"] for n in range(5)]
    other = an_item(client, "ZZ_9", condition="used", location="Van 1")
    client.post(f"/items/{ids[0]}/assign", {"customer_id": str(customer_id)})
    client.post(f"/items/{ids[1]}/use", {})
    found = {
        name: [item["id"] for item in walk(client, limit=2, **query)]
        for name, query in {
            "all": {}, "product": {"product_id": product_id}, "customer": {"customer_id": str(customer_id)},
            "stock": {"status": "in_stock"}, "van": {"location": "Van 1"}, "used": {"condition": "used"},
            "serial": {"q": "sn-3"}, "barcode": {"q": "8592"}, "literal": {"q": "_"}, "nothing": {"q": "%"},
        }.items()
    }  # fmt: skip
    assert found == {
        "all": [other["id"], *ids[::-1]], "product": ids[::-1], "customer": ids[:1],
        "stock": [other["id"], *ids[:1:-1]], "van": [other["id"]], "used": [other["id"]], "serial": [ids[3]],
        "barcode": [ids[2]], "literal": [other["id"]], "nothing": [],
    }  # fmt: skip
    panel = client.get("/panels/items").json
    assert panel["total"] == 6
    for status, number in panel["by_status"].items():
        assert number == len(walk(client, status=status))
    for condition, number in panel["in_stock_by_condition"].items():
        assert number == len(walk(client, status="in_stock", condition=condition))


def test_products_are_listed_by_name(harness: ServiceHarness) -> None:
    client = harness.client()
    for name in ("switch", "Antenna", "router"):
        a_product(client, name)
    first = client.get("/products", limit=2).json
    rest = client.get("/products", limit=2, after=first["next"]).json
    assert [item["name"] for item in first["items"] + rest["items"]] == ["Antenna", "router", "switch"]


def test_the_history_cannot_be_rewritten(harness: ServiceHarness) -> None:
    an_item(harness.client())
    for statement in ("UPDATE movement SET note = 'x'", "DELETE FROM movement", "TRUNCATE movement"):
        with pytest.raises(DBAPIError, match="append-only"), harness.session() as session:
            session.execute(text(statement))


BAD_ITEMS: list[tuple[dict[str, Any], str]] = [
    ({}, "/serial"),
    ({"serial": ""}, "/serial"),
    ({"serial": "  "}, "/serial"),
    ({"serial": "s" * 101}, "/serial"),
    ({"serial": "a\x00"}, "/serial"),
    ({"serial": 5}, "/serial"),
    ({"serial": "s", "condition": "shiny"}, "/condition"),
    ({"serial": "s", "location": ""}, "/location"),
    ({"serial": "s", "status": "assigned"}, "/status"),
    ({"serial": "s", "customer_id": str(uuid7())}, "/customer_id"),
    ({"serial": "s", "product_id": "router"}, "/product_id"),
    ({"serial": "s", "note": "n" * 2001}, "/note"),
]


def test_a_bad_item_is_refused_naming_the_field(harness: ServiceHarness) -> None:
    client = harness.client()
    product_id = a_product(client)
    for body, pointer in BAD_ITEMS:
        answer = client.post("/items", {"product_id": product_id, **body})
        assert answer.status_code == 422, body
        assert answer.content_type == "application/problem+json"
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert client.get("/items").json["items"] == []


@pytest.mark.parametrize(
    ("command", "body", "pointer"),
    [
        ("assign", {}, "/customer_id"),
        ("assign", {"customer_id": "anna"}, "/customer_id"),
        ("assign", {"customer_id": None}, "/customer_id"),
        ("return", {"condition": "lost"}, "/condition"),
        ("use", {"customer_id": str(uuid7())}, "/customer_id"),
    ],
)
def test_a_bad_move_is_refused_naming_the_field(
    harness: ServiceHarness, command: str, body: dict[str, Any], pointer: str
) -> None:
    client = harness.client()
    answer = client.post(f"/items/{an_item(client)['id']}/{command}", body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize("query", [{"status": "lost"}, {"limit": "501"}, {"after": "x"}, {"product_id": "router"}])
def test_a_bad_query_is_refused(harness: ServiceHarness, query: dict[str, str]) -> None:
    assert harness.client().get("/items", **query).status_code in (400, 422)


ROUTES = [
    ("GET", "/items", "inventory:read"),
    ("POST", "/items", "inventory:write"),
    ("GET", "/items/{id}", "inventory:read"),
    ("PATCH", "/items/{id}", "inventory:write"),
    ("POST", "/items/{id}/assign", "inventory:write"),
    ("POST", "/items/{id}/use", "inventory:write"),
    ("POST", "/items/{id}/return", "inventory:write"),
    ("GET", "/products", "inventory:read"),
    ("POST", "/products", "inventory:write"),
    ("GET", "/panels/items", "inventory:read"),
]


def test_every_route_asks_for_its_own_right_and_no_other(harness: ServiceHarness) -> None:
    rights = ["inventory:read", "inventory:write", "crm:*", "tickets:write"]
    for (method, route, needed), right in itertools.product(ROUTES, rights):
        path = route.format(id=uuid7())
        call = getattr(harness.client(right), method.lower())
        answer = call(path) if method == "GET" else call(path, {})
        assert (answer.status_code == 403) == (right != needed), (method, path, right, answer.text)


def test_strangers_get_nothing(harness: ServiceHarness) -> None:
    for method, route, _ in ROUTES:
        assert getattr(harness.stranger(), method.lower())(route.format(id=uuid7())).status_code == 401


def test_the_table_of_routes_is_complete(harness: ServiceHarness) -> None:
    public = {"/livez", "/readyz", "/metrics", "/openapi.json", "/static/<path:filename>"}
    found = {
        (method, rule.rule.replace("<uuid:item_id>", "{id}"))
        for rule in harness.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in public and not rule.rule.startswith(("/ops/", "/settings"))  # of the chassis
    }
    assert found == {(method, path) for method, path, _ in ROUTES}


def test_an_unknown_item_is_not_found(harness: ServiceHarness) -> None:
    client, path = harness.client(), f"/items/{uuid7()}"
    answers = (
        client.get(path),
        client.patch(path, {"note": "x"}),
        client.post(f"{path}/assign", {"customer_id": str(uuid7())}),
        client.post(f"{path}/use", {}),
        client.post(f"{path}/return", {}),
    )
    assert [answer.status_code for answer in answers] == [404] * 5
