"""Services through HTTP: sold, changed, stopped, ended."""

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import func, select

from billhook_billing.models import Subscription
from billhook_common.contracts.billing import SubscriptionActivated, SubscriptionChanged, SubscriptionEnded
from billhook_common.ids import uuid7
from billhook_common.tables import audit_entry
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration


def charged(sales: Any) -> list[str]:
    return [f"{line.period_from} {line.period_until} {line.net}" for fact in sales.charged() for line in fact.lines]


def test_a_service_takes_the_terms_of_its_plan(sales: Any) -> None:
    customer, plan = (
        sales.customer("anna"),
        sales.plan(price="30.00", tax_rate="20", tax_included=True, period_months=3),
    )
    made = sales.subscribe(customer, plan)
    assert made == {
        "id": made["id"], "version": 1, "plan_id": plan, "plan_name": "Fiber 300", "state": "active",
        "customer": {"id": str(customer), "number": "10000001", "name": "Customer 1"},
        "description": "Fiber 300", "price": "30.00", "quantity": "1", "currency": "EUR", "tax_rate": "20",
        "tax_included": True, "period_months": 3, "billing_day": 1,
        "monthly": {"amount": "8.33", "currency": "EUR"},
        "starts_on": "2026-12-01", "ends_before": None, "charged_until": None, "discounts": [], "stops": [],
    }  # fmt: skip
    (told,) = sales.harness.published(SubscriptionActivated)
    assert (str(told.subscription_id), told.customer_id, told.plan_name, str(told.monthly), told.billing_day) == (
        made["id"], customer, "Fiber 300", "8.33 EUR", 1,
    )  # fmt: skip


def test_a_service_may_have_its_own_terms(sales: Any) -> None:
    made = sales.subscribe(
        sales.customer(), sales.plan(), price="10.123456", quantity="2.5", tax_rate="10", description="Second line",
        ends_before="2027-12-01", charged_until="2026-12-10", state="pending",
        discounts=[{"kind": "percent", "value": "50", "from": "2026-11-01"}, {"kind": "fixed", "value": "1.00"}],
    )  # fmt: skip
    assert (made["price"], made["quantity"], made["tax_rate"], made["state"]) == ("10.123456", "2.5", "10", "pending")
    assert (made["description"], made["ends_before"], made["charged_until"]) == (
        "Second line", "2027-12-01", "2026-12-10",
    )  # fmt: skip
    assert made["discounts"] == [
        {"kind": "percent", "value": "50", "from": "2026-11-01", "until": None},
        {"kind": "fixed", "value": "1.00", "from": None, "until": None},
    ]
    assert made["monthly"]["amount"] == "11.65"
    assert sales.harness.published(SubscriptionActivated) == []
    assert [fact.state for fact in sales.harness.published(SubscriptionChanged)] == ["pending"]


def test_what_cannot_be_sold(sales: Any) -> None:
    customer, gone, plan = sales.customer(), sales.customer(), sales.plan()
    sales.archive(gone)
    off, crowns = sales.plan("Old", enabled=False), sales.plan("Crowns", currency="CZK")
    body = {"customer_id": str(customer), "plan_id": plan, "starts_on": "2026-12-01"}
    for change, status, problem, pointer in (
        ({"plan_id": off}, 409, "plan-not-sold", "/plan_id"),
        ({"plan_id": crowns}, 409, "currency-mismatch", "/plan_id"),
        ({"plan_id": str(uuid7())}, 404, "not-found", "/plan_id"),
        ({"customer_id": str(gone)}, 409, "customer-archived", "/customer_id"),
        ({"customer_id": str(uuid7())}, 409, "not-known-yet", "/customer_id"),
    ):
        answer = sales.client.post("/subscriptions", body | change)
        found = (answer.status_code, answer.json["type"], answer.json["errors"][0]["pointer"])
        assert found == (status, f"/problems/{problem}", pointer)
    assert answer.headers["Retry-After"] == "1"
    assert sales.walk("/subscriptions") == []


def test_a_disabled_plan_keeps_its_services(sales: Any) -> None:
    plan = sales.plan(price="31.00", tax_rate="0")
    sold = sales.subscribe(sales.customer(), plan)
    sales.client.patch(f"/plans/{plan}", {"enabled": False})
    assert sales.client.patch(f"/subscriptions/{sold['id']}", {"quantity": "2"}).status_code == 200
    sales.run()
    assert charged(sales) == ["2026-12-01 2027-01-01 62.00"]


def test_a_change_is_told_noted_and_guarded_by_its_version(sales: Any) -> None:
    sold = sales.subscribe(sales.customer(), sales.plan())
    path = f"/subscriptions/{sold['id']}"
    changed = sales.client.patch(path, {"price": "20.00", "description": "Cheaper"}, seen=1)
    assert (changed.json["price"], changed.json["description"], changed.json["version"]) == ("20.00", "Cheaper", 2)
    stale = sales.client.patch(path, {"price": "1.00"}, seen=1)
    assert (stale.status_code, stale.json["type"]) == (412, "/problems/version-gone")
    (told,) = sales.harness.published(SubscriptionChanged)
    assert (told.version, str(told.price)) == (2, "20.000000")
    with sales.harness.session() as session:
        noted = session.execute(select(audit_entry).where(audit_entry.c.action == "subscription_changed")).one()
    assert (noted.before["price"], noted.after["price"]) == ("24.900000", "20.00")


def test_a_stopped_service_is_charged_for_the_days_before_and_after_only(sales: Any) -> None:
    customer, clock = sales.customer(), sales.harness.clock
    sales.bill(customer, prepaid_months=0)
    path = f"/subscriptions/{sales.subscribe(customer, sales.plan(price='31.00', tax_rate='0'))['id']}"
    clock.set(dt.datetime(2026, 12, 11, 9, tzinfo=dt.UTC))
    assert sales.client.patch(path, {"state": "stopped"}).json["stops"] == [{"from": "2026-12-11", "until": None}]
    clock.set(dt.datetime(2026, 12, 21, 9, tzinfo=dt.UTC))
    assert sales.client.patch(path, {"state": "active"}).json["stops"] == [
        {"from": "2026-12-11", "until": "2026-12-21"}
    ]
    sales.run("2027-01-01")
    assert charged(sales) == ["2026-12-01 2026-12-11 10.00", "2026-12-21 2027-01-01 11.00"]


def test_a_service_that_is_stopped_at_the_run_is_charged_up_to_its_stop(sales: Any) -> None:
    customer, clock = sales.customer(), sales.harness.clock
    sales.bill(customer, prepaid_months=0)
    path = f"/subscriptions/{sales.subscribe(customer, sales.plan(price='31.00', tax_rate='0'))['id']}"
    clock.set(dt.datetime(2026, 12, 11, 9, tzinfo=dt.UTC))
    sales.client.patch(path, {"state": "stopped"})
    sales.run("2027-01-01")
    sales.run("2027-02-01")
    assert charged(sales) == ["2026-12-01 2026-12-11 10.00"]
    clock.set(dt.datetime(2027, 2, 15, 9, tzinfo=dt.UTC))
    sales.client.post(f"{path}/end", {"ends_before": "2027-02-15"})
    sales.run("2027-03-01")
    assert len(charged(sales)) == 1


def test_stopped_and_started_on_one_day_is_no_stop(sales: Any) -> None:
    path = f"/subscriptions/{sales.subscribe(sales.customer(), sales.plan())['id']}"
    sales.client.patch(path, {"state": "stopped"})
    assert sales.client.patch(path, {"state": "active"}).json["stops"] == []


def test_a_pending_service_is_charged_from_the_day_it_is_provided(sales: Any) -> None:
    plan = sales.plan(price="31.00", tax_rate="0")
    early = sales.subscribe(sales.customer(), plan, state="pending", starts_on="2027-01-01")
    late = sales.subscribe(sales.customer(), plan, state="pending", starts_on="2026-12-01")
    sales.harness.clock.set(dt.datetime(2026, 12, 11, 9, tzinfo=dt.UTC))
    for sold in (early, late):
        assert sales.client.patch(f"/subscriptions/{sold['id']}", {"state": "active"}).status_code == 200
    assert len(sales.harness.published(SubscriptionActivated)) == 2
    sales.run("2027-01-01")
    assert sorted(charged(sales)) == [
        "2026-12-11 2027-01-01 21.00", "2027-01-01 2027-02-01 31.00", "2027-01-01 2027-02-01 31.00",
    ]  # fmt: skip


def test_states_that_cannot_be_reached(sales: Any) -> None:
    sold = sales.subscribe(sales.customer(), sales.plan(), state="pending")
    path = f"/subscriptions/{sold['id']}"
    refused = sales.client.patch(path, {"state": "stopped"})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/state-not-reachable")
    sales.client.post(f"{path}/end", {"ends_before": "2026-12-02"})
    sales.harness.clock.set(dt.datetime(2026, 12, 2, 9, tzinfo=dt.UTC))
    sales.harness.run_jobs("end_services")
    assert sales.client.patch(path, {"state": "active"}).status_code == 409
    sales.run("2027-01-01")
    assert charged(sales) == []


def test_a_service_runs_to_its_end_and_is_disabled_then(sales: Any) -> None:
    plan = sales.plan(price="31.00", tax_rate="0")
    sold = sales.subscribe(sales.customer(), plan)
    path = f"/subscriptions/{sold['id']}"
    ending = sales.client.post(f"{path}/end", {"ends_before": "2026-12-11"})
    assert (ending.status_code, ending.json["state"], ending.json["ends_before"]) == (200, "active", "2026-12-11")
    assert not sales.harness.run_jobs("end_services")
    sales.run("2026-12-01")
    assert charged(sales) == ["2026-12-01 2026-12-11 10.00"]
    sales.harness.clock.set(dt.datetime(2026, 12, 11, 9, tzinfo=dt.UTC))
    assert sales.harness.run_jobs("end_services")
    assert not sales.harness.run_jobs("end_services")
    assert sales.get(path)["state"] == "disabled"
    told = sales.harness.published(SubscriptionEnded)
    assert [(fact.state, str(fact.ends_before)) for fact in told] == [
        ("active", "2026-12-11"), ("disabled", "2026-12-11"),
    ]  # fmt: skip
    assert told[0].version < told[1].version
    again = sales.client.post(f"{path}/end", {"ends_before": "2026-12-31"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/already-ended")
    sales.run("2027-01-01")
    assert len(charged(sales)) == 1


def test_an_end_in_the_past_is_at_once_and_another_end_replaces_one_to_come(sales: Any) -> None:
    plan = sales.plan()
    old = sales.subscribe(sales.customer(), plan, starts_on="2026-10-01", charged_until="2026-11-01")
    done = sales.client.post(f"/subscriptions/{old['id']}/end", {"ends_before": "2026-11-20"})
    assert done.json["state"] == "disabled"
    new = sales.subscribe(sales.customer(), plan)
    for day in ("2026-12-31", "2027-01-31"):
        assert sales.client.post(f"/subscriptions/{new['id']}/end", {"ends_before": day}).json["ends_before"] == day


def test_charged_days_do_not_end_by_a_date(sales: Any) -> None:
    sold = sales.subscribe(sales.customer(), sales.plan())
    sales.run()
    refused = sales.client.post(f"/subscriptions/{sold['id']}/end", {"ends_before": "2026-12-15"})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/already-charged")
    assert refused.json["errors"][0]["pointer"] == "/ends_before"
    assert sales.client.post(f"/subscriptions/{sold['id']}/end", {"ends_before": "2027-01-01"}).status_code == 200


def test_services_are_listed_by_start_and_filtered(sales: Any) -> None:
    anna, ben = sales.customer("anna"), sales.customer("ben")
    fiber, voice = sales.plan("Fiber"), sales.plan("Voice")
    for customer, plan, starts_on in (
        (anna, fiber, "2026-12-03"),
        (ben, voice, "2026-12-01"),
        (anna, voice, "2026-12-02"),
        (ben, fiber, "2026-12-02"),
    ):
        sales.subscribe(customer, plan, starts_on=starts_on)
    starts = [item["starts_on"] for item in sales.walk("/subscriptions")]
    assert starts == sorted(starts)
    assert {item["customer"]["id"] for item in sales.walk("/subscriptions", customer_id=anna)} == {str(anna)}
    assert {item["plan_name"] for item in sales.walk("/subscriptions", plan_id=voice)} == {"Voice"}
    assert sales.walk("/subscriptions", state="stopped") == []
    assert len(sales.walk("/subscriptions", state="active", customer_id=ben)) == 2
    page = sales.get("/subscriptions", limit=3)
    rest = sales.get("/subscriptions", limit=3, after=page["next"])
    assert [item["starts_on"] for item in page["items"] + rest["items"]] == starts
    assert sales.client.get("/subscriptions", state="asleep").status_code == 422


BAD: list[tuple[dict[str, Any], str]] = [
    ({"price": "-0.01"}, "/price"),
    ({"price": "NaN"}, "/price"),
    ({"price": str(10**18)}, "/price"),
    ({"price": "0.0000001"}, "/price"),
    ({"quantity": "0"}, "/quantity"),
    ({"quantity": "-1"}, "/quantity"),
    ({"quantity": "NaN"}, "/quantity"),
    ({"quantity": "1e309"}, "/quantity"),
    ({"quantity": 1.5}, "/quantity"),
    ({"description": "x" * 201}, "/description"),
    ({"description": "a\x00b"}, "/description"),
    ({"discounts": [{"kind": "percent", "value": "101"}]}, "/discounts/0/value"),
    ({"discounts": [{"kind": "percent", "value": "-1"}]}, "/discounts/0/value"),
    ({"discounts": [{"kind": "fixed", "value": "1"}, {"kind": "gift", "value": "1"}]}, "/discounts/1/kind"),
    ({"discounts": [{"kind": "fixed"}]}, "/discounts/0/value"),
    ({"discounts": [{"kind": "fixed", "value": "NaN"}]}, "/discounts/0/value"),
    (
        {"discounts": [{"kind": "fixed", "value": "1", "from": "2026-12-02", "until": "2026-12-02"}]},
        "/discounts/0/until",
    ),
    ({"discounts": [{"kind": "fixed", "value": "1", "from": "soon"}]}, "/discounts/0/from"),
    ({"discounts": [{"kind": "fixed", "value": "1"}] * 11}, "/discounts"),
    ({"discounts": "none"}, "/discounts"),
    ({"state": "archived"}, "/state"),
    ({"state": "disabled"}, "/state"),
    ({"charged_by": "me"}, "/charged_by"),
]
BAD_WHEN_SOLD: list[tuple[dict[str, Any], str]] = [
    ({"customer_id": ...}, "/customer_id"),
    ({"customer_id": "7"}, "/customer_id"),
    ({"plan_id": ...}, "/plan_id"),
    ({"plan_id": None}, "/plan_id"),
    ({"starts_on": ...}, "/starts_on"),
    ({"starts_on": "2026-02-30"}, "/starts_on"),
    ({"starts_on": "01.12.2026"}, "/starts_on"),
    ({"starts_on": "1899-12-31"}, "/starts_on"),
    ({"starts_on": "9999-12-31"}, "/starts_on"),
    ({"starts_on": "12026-12-01"}, "/starts_on"),
    ({"ends_before": "2026-12-01"}, "/ends_before"),
    ({"ends_before": "2026-11-30"}, "/ends_before"),
    ({"ends_before": "9999-12-31"}, "/ends_before"),
    ({"charged_until": "9999-12-31"}, "/charged_until"),
    ({"charged_until": "never"}, "/charged_until"),
    ({"tax_rate": "-1"}, "/tax_rate"),
    ({"tax_rate": "101"}, "/tax_rate"),
    ({"tax_rate": "NaN"}, "/tax_rate"),
]


def test_a_bad_service_is_refused_naming_the_field(sales: Any) -> None:
    body = {"customer_id": str(sales.customer()), "plan_id": sales.plan(), "starts_on": "2026-12-01"}
    assert sales.wrongly_answered("post", "/subscriptions", body, [*BAD, *BAD_WHEN_SOLD]) == []
    assert sales.walk("/subscriptions") == sales.harness.published(SubscriptionActivated) == []


def test_a_bad_change_is_refused_and_changes_nothing(sales: Any) -> None:
    sold = sales.subscribe(sales.customer(), sales.plan())
    path = f"/subscriptions/{sold['id']}"
    fixed = [({name: sold[name]}, f"/{name}") for name in ("id", "plan_id", "starts_on", "currency", "charged_until")]
    assert sales.wrongly_answered("patch", path, {}, [*BAD, *fixed, ({"price": None}, "/price")]) == []
    ends = [({}, "/ends_before"), ({"ends_before": "2026-12-01"}, "/ends_before"), ({"ends_before": 7}, "/ends_before")]
    assert sales.wrongly_answered("post", f"{path}/end", {}, ends) == []
    assert sales.get(path) == sold


def test_a_service_that_is_not_there_is_not_found(sales: Any) -> None:
    path = f"/subscriptions/{uuid7()}"
    answers = (
        sales.client.get(path),
        sales.client.patch(path, {"quantity": "2"}),
        sales.client.post(f"{path}/end", {"ends_before": "2026-12-31"}),
    )
    assert [answer.status_code for answer in answers] == [404] * 3


def test_rights_decide(sales: Any, harness: ServiceHarness) -> None:
    customer, plan = sales.customer(), sales.plan()
    path = f"/subscriptions/{sales.subscribe(customer, plan)['id']}"
    body = {"customer_id": str(customer), "plan_id": plan, "starts_on": "2026-12-01"}
    for client, read, write in (
        (harness.stranger(), 401, 401),
        (harness.client("crm:*"), 403, 403),
        (harness.client("billing:read", "billing:run"), 200, 403),
        (harness.client("billing:write"), 403, 200),
    ):
        assert client.get("/subscriptions").status_code == client.get(path).status_code == read
        assert client.patch(path, {"quantity": "3"}).status_code == write
        assert client.post(f"{path}/end", {"ends_before": "2027-01-01"}).status_code == write
        assert client.post("/subscriptions", body).status_code == (201 if write == 200 else write)
    with harness.session() as session:
        assert session.scalar(select(func.count()).select_from(Subscription)) == 2
