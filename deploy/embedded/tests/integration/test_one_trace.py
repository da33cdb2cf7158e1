"""One id from a click at the gateway to the ledger line, through events, audit rows and logs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from sqlalchemy import select

from billhook import suite
from billhook_common.tables import audit_entry, outbox
from billhook_common.testing import Suite
from billhook_gateway.testing import Gate, Machine

pytestmark = pytest.mark.integration

NAMES = ("billing", "crm", "payments", "gateway")
CLICK = "click-0001"


@dataclass
class Operator:
    suite: Suite
    machine: Machine

    def command(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        named = {"Idempotency-Key": path + str(sorted(headers.items())), **headers}
        answer = self.machine.post(f"/api{path}", body, headers=named)
        assert answer.status_code == 201, answer.text
        assert "X-Request-Id" in answer.headers
        self.suite.until_quiet()
        return dict(answer.get_json())

    def ledger(self, **query: str) -> list[dict[str, Any]]:
        return list(self.machine.get("/api/billing/transactions", query_string=query).get_json()["items"])


@pytest.fixture
def operator(make_suite: Callable[..., Suite]) -> Iterator[Operator]:
    services = make_suite(*[suite.load(name) for name in NAMES])
    apps = {name: services[name].app for name in NAMES if name != "gateway"}
    gate = Gate(services["gateway"], apps)
    yield Operator(services, gate.machine())
    gate.close()


@pytest.fixture
def customer(operator: Operator) -> str:
    return str(operator.command("/crm/customers", {"name": "Ada"})["id"])


def _payment(customer: str) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "amount": {"amount": "29.90", "currency": "EUR"},
        "method": "cash",
        "received_on": "2026-11-24",
    }


def test_a_click_has_one_id_from_the_gateway_to_the_ledger(operator: Operator, customer: str) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        operator.command("/payments/payments", _payment(customer), **{"X-Request-Id": CLICK})

    with operator.suite["payments"].session() as session:
        audited = session.scalars(select(audit_entry.c.action).where(audit_entry.c.request_id == CLICK)).all()
        told = session.scalars(select(outbox.c.type).where(outbox.c.correlation_id == CLICK)).all()
    assert audited == ["payment_taken"]
    assert told == ["payments.payment.received.v1"]

    [posted] = operator.ledger(correlation_id=CLICK)
    assert (posted["kind"], posted["correlation_id"]) == ("payment", CLICK)
    detail = operator.machine.get(f"/api/billing/transactions/{posted['id']}").get_json()
    assert detail["correlation_id"] == CLICK

    with operator.suite["billing"].session() as session:
        echoes = session.scalars(select(outbox.c.type).where(outbox.c.correlation_id == CLICK)).all()
    assert "billing.transaction.posted.v1" in echoes

    answered = [line["service"] for line in lines if line["event"] == "command_answered"]
    assert answered == ["payments", "door"]
    assert {line["correlation_id"] for line in lines if line["event"] == "command_answered"} == {CLICK}
    applied = {line["service"] for line in lines if line["event"] == "events_applied" and line["causes"] == [CLICK]}
    assert {"billing"} <= applied


def test_payments_of_one_batch_keep_their_own_ids(operator: Operator, customer: str) -> None:
    other = str(operator.command("/crm/customers", {"name": "Bob"}, **{"X-Request-Id": "another-customer"})["id"])
    for at, owner in enumerate((customer, other, customer)):
        headers = {"X-Request-Id": f"click-{at:04}", "Idempotency-Key": f"pay-{at}"}
        assert operator.machine.post("/api/payments/payments", _payment(owner), headers=headers).status_code == 201
    operator.suite.until_quiet()

    posted = {line["correlation_id"]: line["customer"]["id"] for line in operator.ledger(kind="payment")}
    assert posted == {"click-0000": customer, "click-0001": other, "click-0002": customer}


def test_a_w3c_trace_is_taken_up_and_refused_when_it_is_none(operator: Operator, customer: str) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    operator.command("/payments/payments", _payment(customer), traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert [line["kind"] for line in operator.ledger(correlation_id=trace)] == ["payment"]

    answer = operator.machine.get("/api/billing/trial-balance", headers={"traceparent": f"00-{'0' * 32}-{'0' * 16}-01"})
    assert answer.headers["X-Request-Id"] != "0" * 32


@pytest.mark.parametrize("bad", ["short", "x" * 65, "with space", "a/../../etc/passwd", "line\u2028break"])
def test_an_id_that_is_none_is_replaced(operator: Operator, bad: str) -> None:
    answer = operator.machine.get(
        "/api/billing/trial-balance", headers={"X-Request-Id": bad.encode().decode("latin-1")}
    )
    assert answer.headers["X-Request-Id"] != bad
    assert len(answer.headers["X-Request-Id"]) == 36


def test_a_run_is_traced_to_the_person_who_confirmed_it(operator: Operator, customer: str) -> None:
    plan = operator.command(
        "/billing/plans",
        {"name": "Fibre", "price": "29.90", "currency": "EUR", "tax_rate": "21", "tax_included": True},
    )["id"]
    operator.command("/billing/subscriptions", {"customer_id": customer, "plan_id": plan, "starts_on": "2026-11-01"})
    run = operator.command("/billing/runs", {"run_date": "2026-11-01"})["id"]
    headers = {"X-Request-Id": "the-confirmation", "Idempotency-Key": "confirm"}
    assert operator.machine.post(f"/api/billing/runs/{run}/confirm", {}, headers=headers).status_code == 200
    operator.suite.until_quiet()

    assert [line["kind"] for line in operator.ledger(correlation_id="the-confirmation")] == ["charge"]
