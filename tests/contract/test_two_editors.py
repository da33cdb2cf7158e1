"""Two people open the same record; the second to save is told, whatever the record is (If-Match)."""

from typing import Any

import pytest

from billhook import suite as installation
from billhook_common.etags import is_versioned
from billhook_common.testing import Suite
from billhook_common.testing.harness import Client
from billhook_gateway.testing import PASSWORD

pytestmark = pytest.mark.integration

PLAN = {"name": "Fibre", "price": "24.90", "currency": "EUR", "tax_rate": "21", "tax_included": False}
USER = {"login": "eva", "name": "Eva", "role": "support", "active": True}
UNSHARED = {
    ("billing", "PUT", "/imports/<uuid:import_id>/mapping"),  # a step of one person's import
    ("crm", "PUT", "/imports/<uuid:import_id>/mapping"),
    ("billing", "PATCH", "/accounts/<uuid:customer_id>/settings"),  # names what it changes; has no form of its own
}


class House:
    """All services, with one record of each kind that people change."""

    def __init__(self, services: Suite) -> None:
        self.services = services
        self.ids = {
            "customers": self.made("crm", "/customers", {"name": "Anna"}),
            "plans": self.made("billing", "/plans", PLAN),
            "items": self.made("inventory", "/items", {"product": "Router", "serial": "SN-1"}),
            "bank-accounts": self.made(
                "payments", "/bank-accounts", {"name": "Main", "iban": "DE89370400440532013000"}
            ),
            "users": self.made("gateway", "/users", USER | {"password": PASSWORD}),
        }
        services.until_quiet()
        sold = {"customer_id": self.ids["customers"], "plan_id": self.ids["plans"], "starts_on": "2026-11-01"}
        self.ids["subscriptions"] = self.made("billing", "/subscriptions", sold)
        opened = {"subject": "Down", "body": "All", "customer_id": self.ids["customers"]}
        self.ids["tickets"] = self.made("tickets", "/tickets", opened)
        self.ids["series"] = services["invoicing"].client().get("/series").json["items"][0]["id"]
        services.until_quiet()

    def client(self, service: str) -> Client:
        return self.services[service].client()

    def made(self, service: str, path: str, body: dict[str, Any]) -> str:
        answer = self.client(service).post(path, body)
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    def command(self, service: str, method: str, path: str, body: dict[str, Any] | None, if_match: str | None) -> Any:
        headers = {} if if_match is None else {"If-Match": if_match}
        return getattr(self.client(service), method.lower())(path, body, headers=headers)


@pytest.fixture
def house(make_suite: Any) -> House:
    return House(make_suite(*[installation.load(name) for name in installation.NAMES]))


COMPANY = {"name": "Brightvale", "email": "a@example.org"}
EDITS: list[tuple[str, str, str, str, dict[str, Any], dict[str, Any], bool]] = [
    ("crm", "PATCH", "/customers/{customers}", "", {"note": "first"}, {"note": "second"}, False),
    ("billing", "PATCH", "/plans/{plans}", "", {"price": "1.00"}, {"price": "2.00"}, False),
    ("billing", "PATCH", "/subscriptions/{subscriptions}", "", {"price": "1.00"}, {"price": "2.00"}, False),
    ("inventory", "PATCH", "/items/{items}", "", {"location": "Van 1"}, {"location": "Van 2"}, False),
    ("tickets", "POST", "/tickets/{tickets}", "/close", {}, {}, False),
    ("payments", "PATCH", "/bank-accounts/{bank-accounts}", "", {"name": "First"}, {"name": "Second"}, False),
    ("invoicing", "PATCH", "/series/{series}", "", {"pattern": "A{year}{next}"}, {"pattern": "B{year}{next}"}, True),
    ("gateway", "PUT", "/users/{users}", "", USER | {"name": "First"}, USER | {"name": "Second"}, True),
    ("gateway", "PUT", "/company", "", COMPANY, COMPANY | {"email": "b@example.org"}, True),
    ("billing", "PUT", "/settings/catch_up_periods", "", {"value": 1}, {"value": 2}, True),
]  # fmt: skip


def test_the_second_of_two_editors_is_told_and_can_save_again(house: House) -> None:
    for service, method, template, step, first, second, required in EDITS:
        path = template.format(**house.ids)
        read = house.client(service).get(path)
        tag = read.headers["ETag"]
        assert tag == f'"{read.json["version"]}"', path
        blind = house.command(service, method, path + step, second, None) if required else None
        assert blind is None or blind.status_code == 428, (path, blind.text)
        for odd in ("3", "W/" + tag, '"x"', tag + ", " + tag, '"', '"-1"', '"' + "9" * 19 + '"', ""):
            refused = house.command(service, method, path + step, second, odd)
            assert (refused.status_code, refused.json["type"]) == (400, "/problems/bad-request"), (path, odd)
        saved = house.command(service, method, path + step, first or None, tag)
        assert saved.status_code == 200, (path, saved.text)
        late = house.command(service, method, path + step, second or None, tag)
        present = saved.json["version"]
        assert (late.status_code, late.json["type"], late.json["version"]) == (412, "/problems/version-gone", present)
        assert str(present) in late.json["detail"]
        if "settings" not in path:
            assert late.json["changed_by"], path
            assert late.json["changed_at"], path
        now = house.client(service).get(path)
        assert (now.headers["ETag"], now.json["version"]) == (f'"{present}"', present)
        if step:
            continue
        again = house.command(service, method, path, second, f'"{present}"')
        assert (again.status_code, again.json["version"]) == (200, present + 1), again.text
        assert again.headers["ETag"] == f'"{present + 1}"'
        anyhow = house.command(service, method, path, first, "*")
        assert (anyhow.status_code, anyhow.json["version"]) == (200, present + 2), anyhow.text


def test_every_route_that_replaces_or_changes_takes_if_match(house: House) -> None:
    found = {
        (name, method, rule.rule)
        for name in installation.NAMES
        for rule in house.services[name].app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"PUT", "PATCH"}
        if is_versioned(house.services[name].app.view_functions[rule.endpoint]) is None
    }
    assert found == UNSHARED


def test_if_match_and_etag_are_documented(house: House) -> None:
    document = house.client("invoicing").get("/openapi.json").json["paths"]["/series/{series_id}"]
    (header,) = (item for item in document["patch"]["parameters"] if item.get("name") == "If-Match")
    assert header["required"] is True
    assert {"412", "428"} <= document["patch"]["responses"].keys()
    assert "ETag" in document["get"]["responses"]["200"]["headers"]
