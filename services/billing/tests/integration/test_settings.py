"""How a customer is billed."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import func, select

from billhook_common.contracts.billing import SubscriptionChanged
from billhook_common.ids import uuid7
from billhook_common.tables import audit_entry
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

DEFAULTS = {"mode": "invoice", "billing_day": 1, "prepaid_months": 1, "due_days": 14}


def test_settings_have_defaults_and_are_changed_one_by_one(sales: Any) -> None:
    path = f"/accounts/{sales.customer()}/settings"
    assert sales.get(path) == DEFAULTS
    changes = {"mode": "no_invoice", "billing_day": 31, "prepaid_months": 0, "due_days": 0}
    for name, value in changes.items():
        answer = sales.client.patch(path, {name: value})
        assert (answer.status_code, answer.json[name]) == (200, value)
    assert sales.get(path) == sales.client.patch(path, {}).json == changes
    with sales.harness.session() as session:
        noted = session.execute(select(audit_entry).order_by(audit_entry.c.id)).all()
    assert [(row.before, row.after) for row in noted[:2]] == [
        ({"mode": "invoice"}, {"mode": "no_invoice"}), ({"billing_day": 1}, {"billing_day": 31}),
    ]  # fmt: skip


def test_a_new_billing_day_is_told_for_every_service(sales: Any) -> None:
    customer, plan = sales.customer(), sales.plan()
    sold = [sales.subscribe(customer, plan)["id"] for _ in range(2)]
    sales.bill(customer, billing_day=20)
    told = sales.harness.published(SubscriptionChanged)
    assert sorted(str(fact.subscription_id) for fact in told) == sorted(sold)
    assert {(fact.billing_day, fact.version) for fact in told} == {(20, 2)}
    sales.bill(customer, billing_day=20, due_days=30)
    assert len(sales.harness.published(SubscriptionChanged)) == 2


def test_due_days_count_from_the_run_date(sales: Any) -> None:
    customer = sales.customer()
    sales.bill(customer, due_days=30)
    sales.subscribe(customer, sales.plan())
    sales.run("2026-12-01")
    assert [fact.due_on for fact in sales.charged()] == [dt.date(2026, 12, 31)]


def test_bad_settings_are_refused_naming_the_field(sales: Any) -> None:
    path = f"/accounts/{sales.customer()}/settings"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"mode": "proforma"}, "/mode"),
        ({"mode": None}, "/mode"),
        ({"billing_day": 0}, "/billing_day"),
        ({"billing_day": 32}, "/billing_day"),
        ({"billing_day": "1"}, "/billing_day"),
        ({"billing_day": 10**30}, "/billing_day"),
        ({"prepaid_months": -1}, "/prepaid_months"),
        ({"prepaid_months": 13}, "/prepaid_months"),
        ({"prepaid_months": 1.5}, "/prepaid_months"),
        ({"due_days": -1}, "/due_days"),
        ({"due_days": 91}, "/due_days"),
        ({"due_days": True}, "/due_days"),
        ({"balance": "100.00"}, "/balance"),
    ]
    assert sales.wrongly_answered("patch", path, {}, cases) == []
    assert sales.get(path) == DEFAULTS
    with sales.harness.session() as session:
        assert session.scalar(select(func.count()).select_from(audit_entry)) == 0


def test_settings_of_nobody(sales: Any) -> None:
    path = f"/accounts/{uuid7()}/settings"
    assert sales.client.get(path).status_code == 404
    waiting = sales.client.patch(path, {"due_days": 7})
    assert (waiting.status_code, waiting.json["type"]) == (409, "/problems/not-known-yet")


def test_rights_decide(sales: Any, harness: ServiceHarness) -> None:
    path = f"/accounts/{sales.customer()}/settings"
    for client, read, write in (
        (harness.stranger(), 401, 401),
        (harness.client("billing:run", "billing:import"), 403, 403),
        (harness.client("billing:read"), 200, 403),
        (harness.client("billing:write"), 403, 200),
    ):
        assert (client.get(path).status_code, client.patch(path, {"due_days": 7}).status_code) == (read, write)


def decide(sales: Any, name: str, value: int, version: int = 0) -> None:
    answer = sales.client.put(f"/settings/{name}", {"value": value}, headers={"If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


def test_new_customers_have_the_due_days_that_were_decided(sales: Any) -> None:
    before = sales.customer()
    decide(sales, "due_days", 30)
    after = sales.customer()
    assert [sales.get(f"/accounts/{one}/settings")["due_days"] for one in (before, after)] == [14, 30]


def test_a_run_keeps_the_catch_up_limit_it_began_with(sales: Any) -> None:
    sales.subscribe(sales.customer(), sales.plan(), starts_on="2026-06-01")
    decide(sales, "catch_up_periods", 12)
    path = "/runs"
    run = sales.client.post(path, {"run_date": "2026-11-24"}).json
    decide(sales, "catch_up_periods", 1, version=1)
    sales.harness.run_jobs("advance_runs")
    run = sales.get(f"{path}/{run['id']}")
    assert (run["state"], run["counts"]["charges"], run["counts"]["late"]) == ("preview_ready", 1, 0)
    sales.confirm(run)
    assert len(sales.charged()) == 1
