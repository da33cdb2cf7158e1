"""Users, roles and the company, through the gateway's own API."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from billhook_common.contracts.gateway import CompanyChanged
from billhook_common.migrate import check
from billhook_common.tables import answer, audit_entry
from billhook_common.testing import ServiceHarness
from billhook_gateway.models import Base, User
from billhook_gateway.testing import PASSWORD, Gate

pytestmark = pytest.mark.integration

ANNA = {"login": "Anna@Example.org", "name": "Anna Nováková", "role": "support", "password": PASSWORD}
COMPANY = {
    "name": "Brightvale Networks s.r.o.",
    "address": {"street": "Dlouhá 1", "city": "Praha", "zip": "110 00", "country": "CZ"},
    "company_number": "12345678",
    "tax_id": "CZ12345678",
    "vat_payer": True,
    "email": "office@example.org",
    "phone": "+420 800 000 000",
    "iban": "cz65 0800 0000 1920 0014 5399",
    "bic": "GIBACZPX",
}


def details(user: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: user[name] for name in ("login", "name", "role", "active")} | changes


def seen(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def test_models_and_migration_agree(harness: ServiceHarness) -> None:
    check(harness.service.migrations, harness.config.database_url, Base.metadata)


def test_a_user_is_made_and_signs_in(gate: Gate) -> None:
    admin = gate.browser("administrator")
    made = admin.post("/api/gateway/users", ANNA)
    assert made.status_code == 201, made.text
    assert made.json["login"] == "anna@example.org"
    assert "password" not in made.text
    assert gate.browser().sign_in("anna@example.org").json["name"] == "Anna Nováková"
    listed = admin.get("/api/gateway/users").json["items"]
    assert [user["login"] for user in listed] == ["administrator", "anna@example.org"]
    assert admin.get(f"/api/gateway/users/{made.json['id']}").json["signed_in_at"] is not None


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"login": ""}, "/login"),
        ({"login": "a\0b"}, "/login"),
        ({"login": "x" * 255}, "/login"),
        ({"login": 5}, "/login"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "\ud800"}, "/name"),
        ({"role": "super-administrator"}, "/role"),
        ({"role": ["administrator"]}, "/role"),
        ({"password": "short"}, "/password"),
        ({"password": "password1234"}, "/password"),
        ({"password": "anna@example.org"}, "/password"),
        ({"password": "\udfff" * 20}, "/password"),
        ({"password": 123456789012}, "/password"),
        ({"is_admin": True}, "/is_admin"),
        ({"id": str(uuid4())}, "/id"),
        ({"password_hash": "x"}, "/password_hash"),
    ],
)
def test_a_bad_user_is_refused_naming_the_field(harness: ServiceHarness, change: dict[str, Any], pointer: str) -> None:
    import json  # noqa: PLC0415  (msgspec refuses to write half a character, attackers do not)

    client = harness.client()
    answer = client.post("/users", None, data=json.dumps({**ANNA, **change}), content_type="application/json")
    assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])


def test_a_login_is_taken_however_it_is_typed(harness: ServiceHarness) -> None:
    client = harness.client()
    assert client.post("/users", ANNA).status_code == 201
    again = client.post("/users", {**ANNA, "login": " ANNA@example.ORG"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/login-taken")
    other = client.post("/users", {**ANNA, "login": "b@example.org"}).json
    renamed = client.put(f"/users/{other['id']}", details(other, login="anna@example.org"), seen=other["version"])
    assert (renamed.status_code, renamed.json["type"]) == (409, "/problems/login-taken")


def test_a_changed_role_ends_the_sessions_of_the_old_one(gate: Gate) -> None:
    admin = gate.browser("administrator")
    user = admin.post("/api/gateway/users", ANNA).json
    anna = gate.browser()
    anna.sign_in(ANNA["login"])
    path = f"/api/gateway/users/{user['id']}"
    renamed = admin.put(path, details(user, name="Anna Malá"), headers=seen(user["version"])).json
    assert anna.get("/api/gateway/sessions/caller").json["name"] == "Anna Malá"
    admin.put(f"/api/gateway/users/{user['id']}", details(renamed, role="cashier"), headers=seen(renamed["version"]))
    assert anna.get("/api/gateway/company").status_code == 401
    anna.sign_in(ANNA["login"])
    assert anna.get("/api/gateway/sessions/caller").json["user"]["role"] == "cashier"


def test_a_user_who_leaves_is_out_at_once(gate: Gate) -> None:
    admin = gate.browser("administrator")
    user = admin.post("/api/gateway/users", ANNA).json
    anna = gate.browser()
    anna.sign_in(ANNA["login"])
    left = admin.put(f"/api/gateway/users/{user['id']}", details(user, active=False), headers=seen(user["version"]))
    assert left.status_code == 200
    assert anna.get("/api/gateway/company").status_code == 401
    assert anna.sign_in(ANNA["login"]).status_code == 401


def test_sessions_of_a_user_are_ended_by_an_administrator(gate: Gate) -> None:
    admin = gate.browser("administrator")
    user = admin.post("/api/gateway/users", ANNA).json
    anna = gate.browser()
    anna.sign_in(ANNA["login"])
    assert admin.post(f"/api/gateway/users/{user['id']}/sign-out").status_code == 204
    assert anna.get("/api/gateway/company").status_code == 401


def test_an_old_version_does_not_overwrite_a_new_one(harness: ServiceHarness) -> None:
    client = harness.client()
    user = client.post("/users", ANNA).json
    assert client.put(f"/users/{user['id']}", details(user, name="First"), seen=user["version"]).json["version"] == 2
    late = client.put(f"/users/{user['id']}", details(user, name="Second"), seen=user["version"])
    assert (late.status_code, late.json["type"]) == (412, "/problems/version-gone")


def test_the_last_administrator_stays(harness: ServiceHarness) -> None:
    client = harness.client()
    only = client.post("/users", {**ANNA, "role": "administrator"}).json
    for change in ({"role": "finance"}, {"active": False}):
        kept = client.put(f"/users/{only['id']}", details(only, **change), seen=only["version"])
        assert (kept.status_code, kept.json["type"]) == (409, "/problems/last-administrator")
    client.post("/users", {**ANNA, "login": "b", "role": "administrator"})
    assert client.put(f"/users/{only['id']}", details(only, role="finance"), seen=only["version"]).status_code == 200


def test_who_manages_users_cannot_rise_above_themselves(harness: ServiceHarness) -> None:
    boss, clerk = harness.client(), harness.client("gateway:admin", "crm:*", "tickets:*", "inventory:*")
    top = boss.post("/users", {**ANNA, "login": "top", "role": "administrator"}).json
    assert clerk.post("/users", {**ANNA, "role": "administrator"}).json["type"] == "/problems/rights-exceeded"
    assert clerk.post("/users", {**ANNA, "role": "finance"}).status_code == 403
    assert clerk.put(f"/users/{top['id']}", details(top, name="Mine now"), seen=top["version"]).status_code == 403
    assert clerk.post(f"/users/{top['id']}/password", {"password": "a stolen sentence"}).status_code == 403
    assert clerk.post(f"/users/{top['id']}/sign-out").status_code == 403
    wanted = {"name": "all", "permissions": ["*"]}
    assert clerk.post("/api-keys", wanted).json["type"] == "/problems/rights-exceeded"
    assert clerk.post("/api-keys", {"name": "some", "permissions": ["crm:read"]}).status_code == 201


def test_a_password_is_set_and_ends_any_wait(gate: Gate) -> None:
    admin = gate.browser("administrator")
    user = admin.post("/api/gateway/users", ANNA).json
    for _ in range(5):
        gate.browser().sign_in(ANNA["login"], "wrong")
    path = f"/api/gateway/users/{user['id']}/password"
    assert admin.post(path, {"password": "anna@example.org"}).status_code == 422
    assert admin.post(path, {"password": "another good sentence"}).status_code == 204
    assert gate.browser().sign_in(ANNA["login"], "another good sentence").status_code == 200


def test_nothing_of_a_password_is_kept_for_repeated_requests(harness: ServiceHarness) -> None:
    client = harness.client()
    user = client.post("/users", ANNA, key="once").json
    client.post(f"/users/{user['id']}/password", {"password": "another good sentence"}, key="twice")
    client.post("/api-keys", {"name": "a", "permissions": ["crm:read"]}, key="thrice")
    with harness.session() as session:
        assert session.scalars(select(answer.c.key)).all() == []


def test_changes_are_audited_without_secrets(harness: ServiceHarness) -> None:
    client = harness.client()
    user = client.post("/users", ANNA).json
    client.put(f"/users/{user['id']}", details(user, role="cashier"), seen=user["version"])
    client.post(f"/users/{user['id']}/password", {"password": "another good sentence"})
    with harness.session() as session:
        rows = session.execute(select(audit_entry).order_by(audit_entry.c.id)).all()
        hashes = session.scalars(select(User.password_hash)).all()
    assert [(row.action, row.subject, row.actor) for row in rows] == [
        (action, UUID(user["id"]), "user:test") for action in ("user_created", "user_changed", "password_set")
    ]
    assert (rows[1].before["role"], rows[1].after["role"]) == ("support", "cashier")
    assert not any(secret in str(rows) for secret in (*hashes, ANNA["password"], "another good sentence"))


def test_a_user_that_is_not_there(harness: ServiceHarness) -> None:
    client = harness.client()
    nobody = f"/users/{uuid4()}"
    answers = [
        client.get(nobody),
        client.put(nobody, details({**ANNA, "active": True}), seen=1),
        client.post(f"{nobody}/password", {"password": PASSWORD}),
        client.post(f"{nobody}/sign-out"),
        client.post(f"/api-keys/{uuid4()}/revoke"),
        client.post(f"/sessions/{uuid4()}/end"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 6


def test_users_are_paged(harness: ServiceHarness) -> None:
    client = harness.client()
    for number in range(3):
        client.post("/users", {**ANNA, "login": f"user{number}"})
    first = client.get("/users", limit=2).json
    second = client.get("/users", limit=2, after=first["next"]).json
    assert [user["login"] for user in first["items"] + second["items"]] == ["user0", "user1", "user2"]
    assert second["next"] is None


def test_roles_and_rights_are_told(harness: ServiceHarness) -> None:
    roles = harness.client().get("/roles").json
    assert [role["code"] for role in roles["items"]] == ["administrator", "finance", "cashier", "support"]
    assert "billing:*" in roles["grantable"]


def test_the_company_is_saved_and_told(harness: ServiceHarness) -> None:
    client = harness.client()
    assert client.get("/company").json["version"] == 0
    saved = client.put("/company", COMPANY, seen=0)
    assert saved.status_code == 200, saved.text
    assert saved.json == {
        **COMPANY,
        "version": 1,
        "iban": "CZ6508000000192000145399",
        "changed_at": "2026-11-24T09:00:00+00:00",
    }
    client.put("/company", {**COMPANY, "name": "Brightvale a.s."}, seen=1)
    first, second = harness.published(CompanyChanged)
    assert (first.version, first.address.city, first.iban) == (1, "Praha", "CZ6508000000192000145399")
    assert (second.version, second.name, second.company_id) == (2, "Brightvale a.s.", first.company_id)
    assert client.put("/company", COMPANY, seen=1).json["type"] == "/problems/version-gone"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"iban": "CZ6508000000192000145398"}, "/iban"),
        ({"iban": "hello"}, "/iban"),
        ({"bic": "gibaczpx"}, "/bic"),
        ({"bic": "GIBACZPX\n"}, "/bic"),
        ({"address": {"country": "Czechia"}}, "/address/country"),
        ({"address": {"street": "a\0"}}, "/address/street"),
        ({"version": 0}, "/version"),
        ({"id": str(uuid4())}, "/id"),
    ],
)
def test_bad_company_data_is_refused(harness: ServiceHarness, change: dict[str, Any], pointer: str) -> None:
    answer = harness.client().put("/company", {**COMPANY, **change}, seen=0)
    assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])


def test_everybody_may_read_the_company_and_only_administrators_change_it(gate: Gate) -> None:
    cashier = gate.browser("cashier")
    assert cashier.get("/api/gateway/company").status_code == 200
    assert cashier.put("/api/gateway/company", COMPANY).status_code == 403


def test_a_users_limits_go_into_the_token_of_every_request(gate: Gate) -> None:
    partner = "01935b6a-0000-7000-8000-0000000000a1"
    login = gate.user("support")
    browser = gate.browser()
    browser.sign_in(login)
    (user,) = [one for one in gate.machine().get("/api/gateway/users").json["items"] if one["login"] == login]
    assert (user["partner_ids"], user["location_ids"]) == ([], [])
    body = {"login": login, "name": user["name"], "role": "support", "active": True}
    path = f"/api/gateway/users/{user['id']}"
    seen = {"If-Match": "*"}
    changed = gate.machine().send("PUT", path, {**body, "partner_ids": [partner, partner]}, headers=seen)
    assert changed.json["partner_ids"] == [partner]
    assert browser.get("/api/echo/customers").json["scope"] == {"partners": [partner]}
    kept = gate.machine().send("PUT", path, body, headers=seen)
    assert kept.json["partner_ids"] == [partner]
    bad = gate.machine().send("PUT", path, {**body, "partner_ids": ["north"]}, headers=seen)
    assert (bad.status_code, bad.json["errors"][0]["pointer"]) == (422, "/partner_ids/0")
    own = browser.get("/api/gateway/users")
    assert own.status_code == 403
