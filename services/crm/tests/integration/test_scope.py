"""A colleague of one partner walks every route with the records of another: not a byte of them comes back."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from billhook_common.auth import policy_of
from billhook_common.scope import Scope
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

SECRETS = ("Xanthippe", "xanthippe@example.org", "Umbra Telecom")
NARROWED = {"/customers", "/customers/count", "/panels/customers", "/panels/locations", "/partners", "/locations"}


def routes(app: Flask) -> list[tuple[str, str]]:
    return [
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if getattr(policy_of(app.view_functions[rule.endpoint]), "permission", None)
    ]


def test_no_route_gives_a_byte_of_what_is_outside(harness: ServiceHarness) -> None:
    client = harness.client()
    mine, theirs = (client.post("/partners", {"name": name}).json["id"] for name in ("Mine", "Umbra Telecom"))
    body: dict[str, Any] = {"name": "Xanthippe", "email": "xanthippe@example.org", "partner_id": theirs}
    outside = client.post("/customers", {**body, "note": "Xanthippe"}).json["id"]
    shown = client.get(f"/customers/{outside}").text
    assert all(secret in shown for secret in SECRETS)
    scoped = harness.client(scope=Scope(partners=frozenset({UUID(mine)})))
    answered = []
    for method, rule in routes(harness.app):
        for record in (outside, theirs):
            path = rule
            for name in ("customer_id", "group_id", "import_id"):
                path = path.replace(f"<uuid:{name}>", record)
            call = getattr(scoped, method.lower())
            answer = call(path) if method in ("GET", "DELETE") else call(path, {})
            assert not [secret for secret in SECRETS if secret in answer.text], (method, path)
            answered.append((method, rule, answer.status_code))
    assert {(method, rule) for method, rule, status in answered if status < 400} == {("GET", path) for path in NARROWED}
    assert client.get(f"/customers/{outside}").text == shown
