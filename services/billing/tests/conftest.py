"""The service under test, and what its tests sell."""

import datetime as dt
import itertools
from typing import Any
from uuid import UUID

import msgspec
import pytest

from billhook_billing.app import service as billing
from billhook_common.contracts.billing import CustomerCharged
from billhook_common.contracts.crm import CustomerChanged, CustomerCreated
from billhook_common.ids import uuid7
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness


@pytest.fixture(scope="session")
def service() -> Service:
    """The billing service."""
    return billing


class Sales:
    """Customers who have arrived, plans, services and billing runs, all through the public doors."""

    def __init__(self, harness: ServiceHarness) -> None:
        self.harness = harness
        self.client = harness.client()
        self.serial = itertools.count(1)
        self._numbers = itertools.count(1)
        self._facts: dict[UUID, CustomerCreated] = {}

    def customer(self, login: str = "", *, lifecycle: str = "active") -> UUID:
        return self.customers(login, lifecycle=lifecycle)[0]

    def customers(self, *logins: str, lifecycle: str = "active") -> list[UUID]:
        facts = []
        for login, number in zip(logins, self._numbers, strict=False):
            facts.append(
                CustomerCreated(
                    customer_id=uuid7(), version=1, number=str(10_000_000 + number), login=login or f"c{number}",
                    name=f"Customer {number}", category="person", lifecycle=lifecycle,
                    created_on=dt.date(2026, 1, 1),
                )
            )  # fmt: skip
        self.harness.deliver(*facts)
        self._facts |= {fact.customer_id: fact for fact in facts}
        return [fact.customer_id for fact in facts]

    def archive(self, customer_id: UUID) -> None:
        known = msgspec.structs.asdict(self._facts[customer_id])
        self.harness.deliver(CustomerChanged(**known | {"version": 2, "lifecycle": "archived"}))

    def plan(self, name: str = "Fiber 300", price: str = "24.90", **more: object) -> str:
        body = {"name": name, "price": price, "currency": "EUR", "tax_rate": "21", "tax_included": False} | more
        return str(self._made("/plans", body)["id"])

    def subscribe(self, customer_id: UUID, plan_id: str, **more: object) -> dict[str, Any]:
        body = {"customer_id": str(customer_id), "plan_id": plan_id, "starts_on": "2026-12-01"} | more
        return self._made("/subscriptions", body)

    def bill(self, customer_id: UUID, **settings: object) -> None:
        answer = self.client.patch(f"/accounts/{customer_id}/settings", settings)
        assert answer.status_code == 200, answer.text

    def preview(self, run_date: str = "2026-12-01") -> dict[str, Any]:
        run = self._made("/runs", {"run_date": run_date})
        self.harness.run_jobs("advance_runs")
        return self.get(f"/runs/{run['id']}")

    def confirm(self, run: dict[str, Any]) -> dict[str, Any]:
        answer = self.client.post(f"/runs/{run['id']}/confirm")
        assert answer.status_code == 200, answer.text
        self.harness.run_jobs("advance_runs")
        return self.get(f"/runs/{run['id']}")

    def run(self, run_date: str = "2026-12-01", *, late: bool = False) -> dict[str, Any]:
        run = self.preview(run_date)
        if late:
            assert self.client.post(f"/runs/{run['id']}/approve", {"customers": None}).status_code == 200
        return self.confirm(run)

    def charged(self) -> list[CustomerCharged]:
        return self.harness.published(CustomerCharged)

    def wrongly_answered(
        self, method: str, path: str, base: dict[str, Any], cases: list[tuple[dict[str, Any], str]]
    ) -> list[tuple[object, ...]]:
        """The cases that are not refused with 422 and exactly their pointer; the value ``...`` leaves a field out."""
        wrong = []
        for change, pointer in cases:
            body = {name: value for name, value in (base | change).items() if value is not ...}
            answer = getattr(self.client, method)(path, body)
            pointers = [error["pointer"] for error in answer.json.get("errors", ())]
            if (answer.status_code, answer.content_type, pointers) != (422, "application/problem+json", [pointer]):
                wrong.append((change, pointer, answer.status_code, pointers))
        return wrong

    def get(self, path: str, **query: object) -> Any:
        answer = self.client.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def walk(self, path: str, **query: object) -> list[dict[str, Any]]:
        items, after = [], {}
        while True:
            page = self.get(path, limit=500, **query, **after)
            items += page["items"]
            if page["next"] is None:
                return items
            after = {"after": page["next"]}

    def _made(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        answer = self.client.post(path, body)
        assert answer.status_code == 201, answer.text
        return answer.json  # type: ignore[no-any-return]


@pytest.fixture
def sales(harness: ServiceHarness) -> Sales:
    """What is sold in a test."""
    return Sales(harness)
