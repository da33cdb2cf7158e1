"""The form of a new service: pressed twice, it sells once."""

import inspect
from typing import Any

import pytest
from flask import Flask, Response

from billhook_gateway.ui.views import customer_billing

pytestmark = pytest.mark.unit


class Recorded:
    """Services that remember what they were asked for."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, str, dict[str, Any], str | None]] = []

    def post(self, service: str, path: str, body: dict[str, Any], *, key: str | None = None) -> dict[str, str]:
        self.posted.append((service, path, body, key))
        return {"plan_name": "Fiber", "starts_on": "2026-12-01"}


def test_a_service_is_sold_with_the_key_of_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded()
    monkeypatch.setattr(customer_billing, "services", lambda: recorded)
    monkeypatch.setattr(customer_billing, "on_to", lambda *_: Response("done"))
    form = {"plan_id": "p", "starts_on": "2026-12-01", "idempotency_key": "k1"}
    with Flask(__name__).test_request_context(method="POST", data=form):
        inspect.unwrap(customer_billing.add_service)("c")
    body = {"plan_id": "p", "starts_on": "2026-12-01", "customer_id": "c"}
    assert recorded.posted == [("billing", "/subscriptions", body, "k1")]
