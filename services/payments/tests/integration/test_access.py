"""Who may do what, bad queries, and the bank accounts."""

import itertools
import re
from typing import Any

import pytest

from billhook_common.ids import uuid7
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

ROUTES = [
    ("GET", "/bank-accounts", "payments:read"),
    ("POST", "/bank-accounts", "payments:import"),
    ("GET", "/bank-accounts/{id}", "payments:read"),
    ("PATCH", "/bank-accounts/{id}", "payments:import"),
    ("GET", "/statements", "payments:read"),
    ("POST", "/statements", "payments:import"),
    ("GET", "/statements/{id}", "payments:read"),
    ("GET", "/statements/{id}/entries", "payments:read"),
    ("GET", "/statements/{id}/file", "payments:import"),
    ("POST", "/statements/{id}/post", "payments:pair"),
    ("GET", "/entries", "payments:read"),
    ("GET", "/entries/{id}", "payments:read"),
    ("POST", "/entries/{id}/accept", "payments:pair"),
    ("POST", "/entries/{id}/split", "payments:pair"),
    ("POST", "/entries/{id}/ignore", "payments:pair"),
    ("POST", "/entries/{id}/restore", "payments:pair"),
    ("POST", "/entries/{id}/undo", "payments:pair"),
    ("GET", "/payments", "payments:read"),
    ("POST", "/payments", "payments:write"),
    ("GET", "/payments/{id}", "payments:read"),
    ("POST", "/payments/{id}/reverse", "payments:reverse"),
    ("GET", "/refunds", "payments:read"),
    ("POST", "/refunds", "payments:reverse"),
    ("GET", "/refunds/{id}", "payments:read"),
    ("GET", "/customers/search", "payments:read"),
    ("GET", "/panels/payments", "payments:read"),
    ("GET", "/panels/unmatched", "payments:read"),
    ("GET", "/panels/documents", "payments:read"),
    ("GET", "/panels/payers", "payments:read"),
]


def call(client: Any, method: str, path: str) -> Any:
    return getattr(client, method.lower())(path.format(id=uuid7()), *([] if method == "GET" else [{}]))


def test_every_route_asks_for_its_own_right_and_no_other(harness: ServiceHarness) -> None:
    rights = ["payments:read", "payments:write", "payments:import", "payments:pair", "payments:reverse", "billing:*"]
    for (method, path, needed), right in itertools.product(ROUTES, rights):
        answer = call(harness.client(right), method, path)
        assert (answer.status_code == 403) == (right != needed), (method, path, right, answer.text)
        assert answer.status_code < 500


def test_strangers_get_nothing(harness: ServiceHarness) -> None:
    for method, path, _ in ROUTES:
        assert call(harness.stranger(), method, path).status_code == 401


def test_the_table_of_routes_is_complete(harness: ServiceHarness) -> None:
    public = {"/livez", "/readyz", "/metrics", "/openapi.json", "/static/<path:filename>"}
    found = {
        (method, re.sub(r"<uuid:\w+>", "{id}", rule.rule))
        for rule in harness.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in public and not rule.rule.startswith(("/ops/", "/settings"))  # of the chassis
    }
    assert found == {(method, path) for method, path, _ in ROUTES}


def test_the_api_is_documented(harness: ServiceHarness) -> None:
    document = harness.stranger().get("/openapi.json").json
    content = document["paths"]["/statements"]["post"]["requestBody"]["content"]
    assert content["multipart/form-data"]["schema"]["$ref"].endswith("/Upload")


BAD_QUERIES: list[tuple[str, dict[str, str]]] = [
    ("/payments", {"limit": "0"}), ("/payments", {"limit": "501"}), ("/payments", {"after": "x"}),
    ("/payments", {"sort": "note"}), ("/payments", {"method": "gold"}), ("/payments", {"state": "lost"}),
    ("/payments", {"from": "yesterday"}), ("/payments", {"customer_id": "1"}), ("/payments", {"q": "a" * 201}),
    ("/payments", {"q": "a\x00"}), ("/payments", {"source_key": ""}), ("/entries", {"state": "lost"}),
    ("/entries", {"after": "WyJhIl0"}), ("/statements", {"account_id": "x"}),
    ("/panels/payments", {"month": "2026-13"}), ("/panels/payers", {"month": "0000-01"}),
    ("/customers/search", {"q": ""}), ("/customers/search", {"q": "a" * 201}), ("/customers/search", {"q": "\x00"}),
]  # fmt: skip


def test_a_bad_query_is_refused(harness: ServiceHarness) -> None:
    for path, query in BAD_QUERIES:
        answer = harness.client().get(path, **query)
        assert answer.status_code in (400, 422), (path, query, answer.text)
        assert answer.content_type == "application/problem+json"


def test_what_is_not_there_is_not_found(harness: ServiceHarness) -> None:
    for path in ("/statements", "/entries", "/payments", "/refunds", "/bank-accounts"):
        assert harness.client().get(f"{path}/{uuid7()}").status_code == 404
    for path in ("entries", "file"):
        assert harness.client().get(f"/statements/{uuid7()}/{path}").status_code == 404
    assert harness.client().post(f"/statements/{uuid7()}/post").status_code == 404


BAD_ACCOUNTS: dict[str, tuple[dict[str, Any], str]] = {
    "check digits": ({"iban": "DE88370400440532013000"}, "iban-not-valid"),
    "too short": ({"iban": "DE8937040044053201300"}, "iban-not-valid"),
    "no number": ({"iban": ""}, "account-number-missing"),
    "local": ({"iban": "", "local_number": "a b;c"}, "account-number-not-valid"),
    "bic": ({"bic": "ABC"}, "bic-not-valid"),
    "currency": ({"currency": "XXX"}, "unknown-currency"),
    "name": ({"name": " "}, "invalid"),
    "more": ({"balance": "1"}, "invalid"),
}


def test_a_bad_account_is_refused(harness: ServiceHarness) -> None:
    for name, (changes, problem) in BAD_ACCOUNTS.items():
        body = {"name": "Savings Bank", "iban": "DE89370400440532013000", **changes}
        answer = harness.client().post("/bank-accounts", body)
        assert (answer.status_code, answer.json["type"]) == (422, f"/problems/{problem}"), (name, answer.text)
    assert harness.client().get("/bank-accounts").json["items"] == []


def test_an_account_is_set_up_once_and_changed_in_name_only(harness: ServiceHarness) -> None:
    client = harness.client()
    body = {"name": "Savings Bank", "iban": "de89 3704 0044 0532 0130 00", "bic": "cobadeff", "holder": "Net"}
    account = client.post("/bank-accounts", body).json
    assert (account["iban"], account["bic"], account["currency"], account["review_first"]) == (
        "DE89370400440532013000", "COBADEFF", "EUR", False,
    )  # fmt: skip
    again = client.post("/bank-accounts", {"name": "Other", "iban": "DE89370400440532013000"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/bank-account-exists")
    path = f"/bank-accounts/{account['id']}"
    changed = client.patch(path, {"name": "Main", "review_first": True, "bic": "deutdeff"}).json
    assert changed == {**account, "version": 2, "name": "Main", "review_first": True, "bic": "DEUTDEFF"}
    assert client.get(path).json == changed
    assert client.patch(path, {"iban": "CZ6508000000192000145399"}).status_code == 422
    assert client.patch(f"/bank-accounts/{uuid7()}", {"name": "x"}).status_code == 404
