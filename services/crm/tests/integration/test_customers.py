"""Customers through HTTP."""

import datetime as dt
import itertools
import threading
from typing import Any

import pytest
from sqlalchemy import select, text

from billhook_common import migrate
from billhook_common.contracts.crm import CustomerChanged, CustomerCreated
from billhook_common.ids import uuid7
from billhook_common.service import Service
from billhook_common.tables import audit_entry
from billhook_common.testing import Client, ServiceHarness

pytestmark = pytest.mark.integration


def make_groups(client: Client, details: dict[str, Any]) -> None:
    for kind in ("partner", "location"):
        if details.get(kind):
            assert client.post(f"/{kind}s", {"name": details[kind]}).status_code in (201, 409)


def a_customer(client: Client, name: str = "Jan Žižka", **details: Any) -> dict[str, Any]:
    make_groups(client, details)
    answer = client.post("/customers", {"name": name, **details})
    assert answer.status_code == 201, answer.text
    return answer.json  # type: ignore[no-any-return]


def walk(client: Client, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = client.get("/customers", **query, **after)
        assert page.status_code == 200, page.text
        items += page.json["items"]
        if page.json["next"] is None:
            return items
        after = {"after": page.json["next"]}


def names(client: Client, **query: Any) -> list[str]:
    return [item["name"] for item in walk(client, **query)]


def test_models_and_migrations_agree(harness: ServiceHarness, service: Service) -> None:
    migrate.check(service.migrations, harness.config.database_url, service.metadata)


def test_a_customer_needs_only_a_name_and_is_told_to_everyone(harness: ServiceHarness) -> None:
    made = a_customer(harness.client())
    assert (made["number"], made["login"], made["payment_reference"]) == ("10000001",) * 3
    assert (made["status"], made["category"], made["version"]) == ("new", "person", 1)
    assert made["balance"] == made["overdue"] == {"amount": "0.00", "currency": "EUR"}
    assert (made["plan"], made["monthly"], made["last_payment_on"]) == ("", None, None)
    (told,) = harness.published(CustomerCreated)
    assert (str(told.customer_id), told.version, told.number, told.payment_reference, told.created_on) == (
        made["id"], 1, "10000001", "10000001", dt.date(2026, 11, 24),
    )  # fmt: skip


def test_everything_that_is_written_is_read_again(harness: ServiceHarness) -> None:
    body = {
        "name": "Penzion U Kapra s.r.o.", "login": "kapr", "number": "K-7", "category": "company",
        "contact_person": "Eva", "company_number": "123", "tax_id": "CZ123",
        "email": "a@example.org, b@example.org", "phone": "+420 555 111 222",
        "address": {"street": "Husova 1", "city": "Brno", "zip": "602 00", "country": "CZ"},
        "gps": {"lat": 49.195, "lon": 16.607}, "birth_date": "1980-02-29", "contract_number": "C1",
        "lifecycle": "active", "imported_status": "blocked", "partner": "north", "location": "Mirov",
        "payment_reference": "RF18 5390 0754 7034", "language": "cs", "note": "one\ntwo", "created_on": "2020-01-31",
    }  # fmt: skip
    client = harness.client()
    made = a_customer(client, **body)
    read = client.get(f"/customers/{made['id']}").json
    assert {name: read[name] for name in body} == body
    assert read["status"] == "blocked"
    assert read == made
    (told,) = harness.published(CustomerCreated)
    assert (told.address.city, told.tax_id, told.language, told.partner) == ("Brno", "CZ123", "cs", "north")


def test_numbers_skip_what_somebody_has(harness: ServiceHarness) -> None:
    client = harness.client()
    a_customer(client, login="10000001", number="x")
    a_customer(client, login="y", number="10000002")
    a_customer(client, login="z", number="w", payment_reference="0010000003")
    assert a_customer(client)["number"] == "10000004"


@pytest.mark.parametrize(
    ("body", "problem", "pointer"),
    [
        ({"login": "ANNA"}, "login-taken", "/login"),
        ({"number": "7", "login": "b"}, "reference-taken", "/number"),
        ({"number": "007", "login": "b"}, "reference-taken", "/number"),
        ({"payment_reference": "55-5"}, "reference-taken", "/payment_reference"),
        ({"payment_reference": "7"}, "reference-taken", "/payment_reference"),
        ({"number": "555", "login": "b"}, "reference-taken", "/number"),
        ({"number": "Anna"}, "login-taken", "/login"),
    ],
)
def test_names_and_references_are_given_once(
    harness: ServiceHarness, body: dict[str, str], problem: str, pointer: str
) -> None:
    client = harness.client()
    a_customer(client, login="anna", number="7", payment_reference="555")
    answer = client.post("/customers", {"name": "Other", **body})
    assert (answer.status_code, answer.json["type"]) == (409, f"/problems/{problem}")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert client.get("/customers/count").json["total"] == 1


def test_the_same_login_twenty_times_at_once_makes_one_customer(harness: ServiceHarness) -> None:
    codes: list[int] = []

    def create() -> None:
        codes.append(harness.client().post("/customers", {"name": "Eva", "login": "eva"}).status_code)

    threads = [threading.Thread(target=create) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201] + [409] * 19
    assert len(harness.published(CustomerCreated)) == 1


def test_the_same_command_sent_again_makes_one_customer(harness: ServiceHarness) -> None:
    first, second = (harness.client().post("/customers", {"name": "Eva"}, key="k1") for _ in range(2))
    assert first.json == second.json
    assert len(harness.published(CustomerCreated)) == 1


@pytest.mark.parametrize(
    "query", ["zizka", "ŽIŽKA", "žiž", "jan ziz", "ziz jan", "555111", "111 222", "trebic", "KAPR@"]
)
def test_search_folds_accents_and_case(harness: ServiceHarness, query: str) -> None:
    client = harness.client()
    a_customer(client, "Jan Žižka", email="kapr@example.org", phone="+420 555 111 222", address={"city": "Třebíč"})
    a_customer(client, "Eva Malá", email="eva@example.org", phone="+420 555 999 333", address={"city": "Brno"})
    assert names(client, q=query) == ["Jan Žižka"]
    assert client.get("/customers/count", q=query).json == {"total": 2, "filtered": 1}


@pytest.mark.parametrize("query", ["%", "_", "\\", "%%%", "a_b", "' OR 1=1 --", "\u202e", "zizka malá"])
def test_search_takes_its_words_literally(harness: ServiceHarness, query: str) -> None:
    client = harness.client()
    a_customer(client)
    a_customer(client, "Eva Malá")
    answer = client.get("/customers", q=query)
    assert answer.status_code in (200, 422)
    assert answer.json.get("items", []) == []


def test_search_finds_the_present_name_only(harness: ServiceHarness) -> None:
    client = harness.client()
    made = a_customer(client, "Anna Nováková")
    client.patch(f"/customers/{made['id']}", {"name": "Anna Malá"})
    assert names(client, q="novakova") == []
    assert names(client, q="mala") == ["Anna Malá"]


def test_pages_hold_every_customer_once_in_every_order(harness: ServiceHarness) -> None:
    client = harness.client()
    for number, name in enumerate(("Žák", "Adam", "adam", "Čapek", "Zeman", "Ádám", "Žák")):
        a_customer(client, name, created_on=f"2026-01-{1 + number % 3:02d}")
    by_name = ["Adam", "adam", "Ádám", "Čapek", "Žák", "Žák", "Zeman"]
    assert names(client, limit=2) == by_name
    assert names(client, limit=3, sort="-name") == by_name[::-1]
    for sort in ("number", "-number", "created", "-created", "balance", "-balance"):
        ids = [item["id"] for item in walk(client, limit=2, sort=sort)]
        assert len(set(ids)) == len(ids) == 7
    days = [item["created_on"] for item in walk(client, sort="-created", limit=2)]
    assert days == sorted(days, reverse=True)


def test_filters_narrow_the_list_and_the_count_alike(harness: ServiceHarness) -> None:
    client = harness.client()
    a_customer(client, "A", lifecycle="active", location="Mirov", category="company", created_on="2026-10-31")
    a_customer(client, "B", lifecycle="active", imported_status="blocked", location="Mirov", partner="north")
    a_customer(client, "C", created_on="2026-11-01")
    cases: dict[str, dict[str, Any]] = {
        "AB": {"location": "Mirov"}, "A": {"category": "company"}, "B": {"status": "blocked"}, "C": {"status": "new"},
        "BC": {"created_from": "2026-11-01"}, "": {"status": "archived"}, "ABC": {"balance": "zero"},
    }  # fmt: skip
    cases["A "] = {"created_until": "2026-11-01"}
    cases[" B"] = {"partner": "north", "lifecycle": "active"}
    cases["  "] = {"balance": "negative", "overdue": "true"}
    for expected, query in cases.items():
        assert names(client, **query) == list(expected.strip()), query
        assert client.get("/customers/count", **query).json == {"total": 3, "filtered": len(expected.strip())}


def test_each_panel_figure_equals_its_list(harness: ServiceHarness) -> None:
    client = harness.client()
    a_customer(client, "A", lifecycle="active", created_on="2026-10-31", location="Mirov")
    a_customer(client, "B", lifecycle="active", imported_status="inactive")
    gone = a_customer(client, "C")
    client.post(f"/customers/{gone['id']}/archive")
    panel = client.get("/panels/customers").json
    assert panel["total"] == client.get("/customers/count").json["total"] == 3
    for status, number in panel["by_status"].items():
        assert number == len(walk(client, status=status))
    assert panel["new_this_month"] == len(walk(client, created_from=panel["month_from"])) == 2
    assert panel["overdue"] == len(walk(client, overdue="true")) == 0
    assert client.get("/panels/locations").json == {"by_location": {"Mirov": 1, "": 1}}


def test_a_change_is_told_audited_and_moves_the_version(harness: ServiceHarness) -> None:
    client = harness.client()
    made = a_customer(client, lifecycle="new", address={"street": "A 1", "city": "Brno"})
    changed = client.patch(f"/customers/{made['id']}", {"lifecycle": "active", "address": {"street": "B 2"}}).json
    assert (changed["version"], changed["status"]) == (2, "active")
    assert changed["address"] == {"street": "B 2", "city": "Brno", "zip": "", "country": ""}
    (told,) = harness.published(CustomerChanged)
    assert (told.version, told.lifecycle, told.address.street) == (2, "active", "B 2")
    with harness.session() as session:
        entry = session.execute(select(audit_entry).where(audit_entry.c.action == "customer_changed")).one()
    assert entry.before == {"lifecycle": "new", "street": "A 1"}
    assert entry.after == {"lifecycle": "active", "street": "B 2"}
    assert entry.actor == "user:test"


def test_a_change_to_the_same_values_is_none(harness: ServiceHarness) -> None:
    client = harness.client()
    made = a_customer(client)
    assert client.patch(f"/customers/{made['id']}", {"name": made["name"]}).json == made
    assert client.patch(f"/customers/{made['id']}", {}).json["version"] == 1
    assert harness.published(CustomerChanged) == []


def test_a_change_of_an_old_version_is_refused_saying_what_is_there(harness: ServiceHarness) -> None:
    client = harness.client()
    path = f"/customers/{a_customer(client)['id']}"
    assert client.patch(path, {"name": "Mine"}, seen=1).json["version"] == 2
    refused = client.patch(path, {"name": "Yours"}, seen=1)
    assert (refused.status_code, refused.json["type"], refused.json["version"]) == (412, "/problems/version-gone", 2)
    assert client.get(path).json["name"] == "Mine"


def test_two_changes_at_once_keep_both_and_count_both(harness: ServiceHarness) -> None:
    path = f"/customers/{a_customer(harness.client())['id']}"
    make_groups(harness.client(), {"location": "Mirov", "partner": "north"})
    bodies = [{"location": "Mirov"}, {"note": "x"}, {"partner": "north"}, {"contact_person": "Eva"}]
    threads = [threading.Thread(target=harness.client().patch, args=(path, body)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read = harness.client().get(path).json
    assert (read["location"], read["note"], read["partner"], read["contact_person"]) == ("Mirov", "x", "north", "Eva")
    assert sorted(fact.version for fact in harness.published(CustomerChanged)) == [2, 3, 4, 5]


def test_a_reference_given_up_stays_with_its_customer(harness: ServiceHarness) -> None:
    client = harness.client()
    path = f"/customers/{a_customer(client, payment_reference='111')['id']}"
    assert client.patch(path, {"payment_reference": "222"}).status_code == 200
    refused = client.post("/customers", {"name": "Other", "payment_reference": "111"})
    assert refused.json["type"] == "/problems/reference-taken"
    assert client.patch(path, {"payment_reference": "0111"}).json["payment_reference"] == "0111"


def test_a_change_cannot_take_what_another_has(harness: ServiceHarness) -> None:
    client = harness.client()
    a_customer(client, login="anna", payment_reference="111")
    path = f"/customers/{a_customer(client, login='eva')['id']}"
    for body, pointer in (({"login": "ANNA"}, "/login"), ({"payment_reference": "1-11"}, "/payment_reference")):
        refused = client.patch(path, body)
        assert refused.status_code == 409
        assert [error["pointer"] for error in refused.json["errors"]] == [pointer]
    assert client.patch(path, {"payment_reference": "-"}).status_code == 422
    assert client.get(path).json["version"] == 1


def test_details_are_taken_away_again(harness: ServiceHarness) -> None:
    client = harness.client()
    made = a_customer(client, email="a@example.org", phone="555 111 222", gps={"lat": 1.5, "lon": 2}, note="x")
    blank = {"email": "", "phone": "", "gps": None, "note": "", "birth_date": None}
    read = client.patch(f"/customers/{made['id']}", blank).json
    assert {name: read[name] for name in blank} == blank
    assert client.get("/customers/count", q="555111222").json["filtered"] == 0


def test_a_login_given_up_is_free_again(harness: ServiceHarness) -> None:
    client = harness.client()
    path = f"/customers/{a_customer(client, login='anna')['id']}"
    assert client.patch(path, {"login": "Anna"}).status_code == 200
    assert client.patch(path, {"login": "eva"}).status_code == 200
    other = a_customer(client, login="anna")
    refused = client.patch(f"/customers/{other['id']}", {"login": "EVA"})
    assert refused.json["type"] == "/problems/login-taken"


def test_who_left_is_archived_and_may_come_back_but_not_as_new(harness: ServiceHarness) -> None:
    client = harness.client()
    path = f"/customers/{a_customer(client)['id']}"
    assert client.post(f"{path}/archive").json["status"] == "archived"
    assert client.post(f"{path}/archive").json["version"] == 2
    refused = client.patch(path, {"lifecycle": "new"})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/lifecycle-move-refused")
    assert client.patch(path, {"lifecycle": "active"}).json["status"] == "active"
    assert [fact.lifecycle for fact in harness.published(CustomerChanged)] == ["archived", "active"]


def test_an_unknown_customer_is_not_found(harness: ServiceHarness) -> None:
    client, path = harness.client(), f"/customers/{uuid7()}"
    answers = (client.get(path), client.patch(path, {"note": "x"}), client.post(f"{path}/archive"))
    assert [answer.status_code for answer in answers] == [404] * 3
    assert client.get("/customers/not-an-id").status_code == 404


BAD_BODIES: list[tuple[dict[str, Any], str]] = [
    ({}, "/name"),
    ({"name": ""}, "/name"),
    ({"name": "   "}, "/name"),
    ({"name": "n" * 201}, "/name"),
    ({"name": "a\x00b"}, "/name"),
    ({"name": "a\u202eb"}, "/name"),
    ({"name": None}, "/name"),
    ({"name": ["a"]}, "/name"),
    ({"name": "a", "login": ""}, "/login"),
    ({"name": "a", "number": "---"}, "/number"),
    ({"name": "a", "payment_reference": "žš"}, "/payment_reference"),
    ({"name": "a", "payment_reference": "1" * 36}, "/payment_reference"),
    ({"name": "a", "category": "robot"}, "/category"),
    ({"name": "a", "email": "a@b"}, "/email"),
    ({"name": "a", "email": "a@@b.cz"}, "/email"),
    ({"name": "a", "email": "a@b.cz, nobody"}, "/email"),
    ({"name": "a", "phone": "call me"}, "/phone"),
    ({"name": "a", "address": {"country": "XX"}}, "/address/country"),
    ({"name": "a", "address": {"planet": "Earth"}}, "/address/planet"),
    ({"name": "a", "address": "Brno"}, "/address"),
    ({"name": "a", "gps": {"lat": 91, "lon": 0}}, "/gps/lat"),
    ({"name": "a", "gps": {"lat": 1}}, "/gps/lon"),
    ({"name": "a", "birth_date": "31.02.2021"}, "/birth_date"),
    ({"name": "a", "lifecycle": "archived"}, "/lifecycle"),
    ({"name": "a", "imported_status": "active"}, "/imported_status"),
    ({"name": "a", "language": "Czech"}, "/language"),
    ({"name": "a", "note": "n" * 2001}, "/note"),
    ({"name": "a", "id": str(uuid7())}, "/id"),
    ({"name": "a", "version": 7}, "/version"),
    ({"name": "a", "balance": {"amount": "9.00", "currency": "EUR"}}, "/balance"),
    ({"name": "a", "status": "active"}, "/status"),
]


def test_a_bad_customer_is_refused_naming_the_field(harness: ServiceHarness) -> None:
    client = harness.client()
    for body, pointer in BAD_BODIES:
        answer = client.post("/customers", body)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.content_type == "application/problem+json"
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer], body
    assert client.get("/customers/count").json["total"] == 0
    assert harness.published(CustomerCreated) == []


def test_a_place_of_not_a_number_is_refused(harness: ServiceHarness) -> None:
    for number in ("NaN", "Infinity", "-Infinity", "1e309"):
        answer = harness.client().post(
            "/customers", data=f'{{"name": "a", "gps": {{"lat": {number}, "lon": 0}}}}', content_type="application/json"
        )
        assert answer.status_code in (400, 422), answer.text


BAD_QUERIES: list[dict[str, Any]] = [
    {"limit": "0"}, {"limit": "501"}, {"limit": "x"}, {"limit": "-1"}, {"after": "x"}, {"after": "WyJhIl0"},
    {"after": "WyJhIiwiYiJd"}, {"after": "bnVsbA"}, {"sort": "login"}, {"sort": "name; DROP TABLE customer"},
    {"status": "lost"}, {"balance": "big"}, {"overdue": "perhaps"}, {"created_from": "yesterday"},
    {"q": "a" * 101}, {"q": "a\x00"},
]  # fmt: skip


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_bad_query_is_refused(harness: ServiceHarness, query: dict[str, Any]) -> None:
    answer = harness.client().get("/customers", **query)
    assert answer.status_code in (400, 422), answer.text
    assert answer.content_type == "application/problem+json"


ROUTES = [
    ("GET", "/customers", "crm:read"),
    ("GET", "/customers/count", "crm:read"),
    ("POST", "/customers", "crm:write"),
    ("GET", "/customers/{id}", "crm:read"),
    ("PATCH", "/customers/{id}", "crm:write"),
    ("POST", "/customers/{id}/archive", "crm:write"),
    ("GET", "/panels/customers", "crm:read"),
    ("GET", "/panels/locations", "crm:read"),
    *(
        (method, f"/{kind}", right)
        for kind in ("partners", "locations")
        for method, right in (("GET", "crm:read"), ("POST", "crm:partners"))
    ),
    *(
        (method, f"/{kind}/{{id}}", right)
        for kind in ("partners", "locations")
        for method, right in (("GET", "crm:read"), ("PUT", "crm:partners"))
    ),
    ("GET", "/imports", "crm:import"),
    ("POST", "/imports", "crm:import"),
    ("GET", "/imports/{id}", "crm:import"),
    ("PUT", "/imports/{id}/mapping", "crm:import"),
    ("GET", "/imports/{id}/preview", "crm:import"),
    ("POST", "/imports/{id}/confirm", "crm:import"),
    ("GET", "/imports/{id}/failures.csv", "crm:import"),
]


def test_every_route_asks_for_its_own_right_and_no_other(harness: ServiceHarness) -> None:
    rights = ["crm:read", "crm:write", "crm:import", "crm:partners", "billing:*", "tickets:*"]
    for (method, route, needed), right in itertools.product(ROUTES, rights):
        path = route.format(id=uuid7())
        call = getattr(harness.client(right), method.lower())
        answer = call(path) if method == "GET" else call(path, {})
        assert (answer.status_code == 403) == (right != needed), (method, path, right, answer.text)


def test_strangers_get_nothing(harness: ServiceHarness) -> None:
    for method, path, _ in ROUTES:
        call = getattr(harness.stranger(), method.lower())
        assert call(path.format(id=uuid7())).status_code == 401


def test_the_table_of_routes_is_complete(harness: ServiceHarness) -> None:
    public = {"/livez", "/readyz", "/metrics", "/openapi.json", "/static/<path:filename>"}
    found = {
        (
            method,
            rule.rule.replace("<uuid:customer_id>", "{id}")
            .replace("<uuid:import_id>", "{id}")
            .replace("<uuid:group_id>", "{id}"),
        )
        for rule in harness.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in public and not rule.rule.startswith("/ops/")  # of the chassis, tested there
    }
    assert found == {(method, path) for method, path, _ in ROUTES}


def test_the_list_uses_an_index_for_search_and_orders(harness: ServiceHarness) -> None:
    with harness.session() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(session.scalars(text("EXPLAIN SELECT id FROM customer WHERE search LIKE '%zizka%'")))
    assert "ix_customer_search" in plan
