"""Plans through HTTP."""

from typing import Any

import pytest
from sqlalchemy import func, select

from billhook_billing.models import Plan
from billhook_common.contracts.billing import PlanChanged
from billhook_common.ids import uuid7
from billhook_common.tables import audit_entry
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

FIBER = {"name": "Fiber 300", "price": "24.90", "currency": "EUR", "tax_rate": "21", "tax_included": False}


def test_a_plan_is_made_told_and_read_again(sales: Any) -> None:
    body = FIBER | {"kind": "bundle", "description": "With TV", "price": "0.123456", "tax_rate": "5.5"}
    answer = sales.client.post("/plans", body | {"period_months": 12, "enabled": False})
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert made == {
        "id": made["id"], "version": 1, "name": "Fiber 300", "kind": "bundle", "description": "With TV",
        "price": "0.123456", "currency": "EUR", "tax_rate": "5.5", "tax_included": False, "period_months": 12,
        "enabled": False, "subscriptions": 0,
    }  # fmt: skip
    assert sales.get(f"/plans/{made['id']}") == made
    (told,) = sales.harness.published(PlanChanged)
    assert (str(told.plan_id), told.version, told.name, str(told.price), told.enabled) == (
        made["id"], 1, "Fiber 300", "0.123456", False,
    )  # fmt: skip


def test_names_are_given_out_once_letter_case_and_blanks_apart(sales: Any) -> None:
    sales.plan("Fiber 300")
    other = sales.plan("Fiber 500")
    for name in ("Fiber 300", "FIBER 300", "  Fiber   300 "):
        for answer in (
            sales.client.post("/plans", FIBER | {"name": name}),
            sales.client.patch(f"/plans/{other}", {"name": name}),
        ):
            assert (answer.status_code, answer.json["type"]) == (409, "/problems/plan-name-taken")
            assert answer.json["errors"][0]["pointer"] == "/name"
    assert len(sales.walk("/plans")) == 2
    assert sales.client.patch(f"/plans/{other}", {"name": "fiber 500"}).json["name"] == "fiber 500"


def test_a_change_is_told_and_what_is_sold_keeps_its_terms(sales: Any) -> None:
    plan = sales.plan()
    sold = sales.subscribe(sales.customer(), plan)
    changed = sales.client.patch(f"/plans/{plan}", {"price": "99.00", "tax_rate": "10"}, seen=1)
    assert (changed.status_code, changed.json["version"], changed.json["price"]) == (200, 2, "99.00")
    assert changed.json["subscriptions"] == 1
    kept = sales.get(f"/subscriptions/{sold['id']}")
    assert (kept["price"], kept["tax_rate"]) == ("24.90", "21")
    assert [(fact.version, str(fact.price)) for fact in sales.harness.published(PlanChanged)] == [
        (1, "24.90"), (2, "99.00"),
    ]  # fmt: skip
    new = sales.subscribe(sales.customer(), plan)
    assert (new["price"], new["tax_rate"]) == ("99.00", "10")


def test_a_stale_version_is_refused(sales: Any) -> None:
    plan = sales.plan()
    assert sales.client.patch(f"/plans/{plan}", {"price": "1.00"}, seen=1).status_code == 200
    stale = sales.client.patch(f"/plans/{plan}", {"price": "2.00"}, seen=1)
    assert (stale.status_code, stale.json["type"]) == (412, "/problems/version-gone")
    assert sales.get(f"/plans/{plan}")["price"] == "1.00"


def test_plans_are_listed_by_name_and_filtered(sales: Any) -> None:
    for name in ("Voice", "Fiber 300", "Fiber 1000"):
        sales.plan(name)
    off = sales.plan("Old DSL", enabled=False)
    names = [plan["name"] for plan in sales.walk("/plans")]
    assert names == sorted(names)
    assert [plan["id"] for plan in sales.walk("/plans", enabled="false")] == [off]
    assert len(sales.walk("/plans", enabled="true")) == 3
    page = sales.get("/plans", limit=2)
    rest = sales.get("/plans", limit=2, after=page["next"])
    assert [plan["name"] for plan in page["items"] + rest["items"]] == names


def test_a_change_is_noted_with_before_and_after(sales: Any) -> None:
    plan = sales.plan()
    sales.client.patch(f"/plans/{plan}", {"enabled": False})
    with sales.harness.session() as session:
        noted = session.execute(select(audit_entry).order_by(audit_entry.c.id)).all()
    assert [row.action for row in noted] == ["plan_made", "plan_changed"]
    assert (noted[1].before["enabled"], noted[1].after["enabled"], noted[1].actor) == (True, False, "user:test")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "/name"),
    ({"name": "   "}, "/name"),
    ({"name": "x" * 101}, "/name"),
    ({"name": "a\u202eb"}, "/name"),
    ({"name": "a\x00b"}, "/name"),
    ({"name": None}, "/name"),
    ({"name": 7}, "/name"),
    ({"kind": "radio"}, "/kind"),
    ({"description": "x" * 501}, "/description"),
    ({"price": "-0.01"}, "/price"),
    ({"price": "NaN"}, "/price"),
    ({"price": "Infinity"}, "/price"),
    ({"price": "1e309"}, "/price"),
    ({"price": 10**18}, "/price"),
    ({"price": str(10**18)}, "/price"),
    ({"price": 24.9}, "/price"),
    ({"price": "24,90"}, "/price"),
    ({"price": "0.0000001"}, "/price"),
    ({"price": ""}, "/price"),
    ({"price": None}, "/price"),
    ({"price": True}, "/price"),
    ({"price": {"amount": "1", "currency": "EUR"}}, "/price"),
    ({"tax_rate": "-1"}, "/tax_rate"),
    ({"tax_rate": "101"}, "/tax_rate"),
    ({"tax_rate": "100.000001"}, "/tax_rate"),
    ({"tax_rate": "NaN"}, "/tax_rate"),
    ({"tax_included": "perhaps"}, "/tax_included"),
    ({"enabled": "perhaps"}, "/enabled"),
]
BAD_WHEN_MADE: list[tuple[dict[str, Any], str]] = [
    ({"currency": "XXX"}, "/currency"),
    ({"currency": "eur"}, "/currency"),
    ({"currency": "EURO"}, "/currency"),
    ({"currency": ""}, "/currency"),
    ({"period_months": 0}, "/period_months"),
    ({"period_months": 13}, "/period_months"),
    ({"period_months": 10**30}, "/period_months"),
    ({"period_months": "1"}, "/period_months"),
    ({"period_months": 1.5}, "/period_months"),
    ({"id": str(uuid7())}, "/id"),
    ({"version": 3}, "/version"),
    ({"is_admin": True}, "/is_admin"),
]


def test_a_bad_plan_is_refused_naming_the_field(sales: Any) -> None:
    missing = [({name: ...}, f"/{name}") for name in FIBER]
    assert sales.wrongly_answered("post", "/plans", FIBER, [*BAD, *BAD_WHEN_MADE, *missing]) == []
    assert sales.walk("/plans") == sales.harness.published(PlanChanged) == []
    with sales.harness.session() as session:
        assert session.scalar(select(func.count()).select_from(audit_entry)) == 0


def test_a_bad_change_is_refused_and_changes_nothing(sales: Any) -> None:
    plan = sales.plan()
    fixed = [
        ({name: value}, f"/{name}") for name, value in (("currency", "EUR"), ("period_months", 1), ("kind", "voice"))
    ]
    assert sales.wrongly_answered("patch", f"/plans/{plan}", {}, [*BAD, *fixed]) == []
    assert sales.get(f"/plans/{plan}")["version"] == len(sales.harness.published(PlanChanged)) == 1


def test_a_plan_that_is_not_there_is_not_found(sales: Any) -> None:
    path = f"/plans/{uuid7()}"
    assert sales.client.get(path).status_code == sales.client.patch(path, {"price": "1"}).status_code == 404
    assert sales.client.get("/plans/7").status_code == 404


def test_rights_decide(sales: Any, harness: ServiceHarness) -> None:
    path = f"/plans/{sales.plan()}"
    for client, read, write in (
        (harness.stranger(), 401, 401),
        (harness.client("crm:read"), 403, 403),
        (harness.client("billing:read"), 200, 403),
        (harness.client("billing:write"), 403, 200),
        (harness.client("billing:*"), 200, 200),
    ):
        assert client.get("/plans").status_code == client.get(path).status_code == read
        assert client.patch(path, {"description": "x"}).status_code == write
        made = client.post("/plans", FIBER | {"name": f"by {read} {write}"}).status_code
        assert made == (201 if write == 200 else write)
    with harness.session() as session:
        assert session.scalar(select(func.count()).select_from(Plan)) == 3
