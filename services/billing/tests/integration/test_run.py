"""The billing run: preview equals run, each period charged once, one bad customer apart (C8, R11, R20, R21)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text

from billhook_common.contracts.billing import ChargeRunCompleted, CustomerCharged
from billhook_common.contracts.crm import CustomerCreated
from billhook_common.ids import uuid7
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration


def a_customer(harness: ServiceHarness, number: int = 1, lifecycle: str = "active") -> UUID:
    customer_id = uuid7()
    harness.deliver(
        CustomerCreated(
            customer_id=customer_id, version=1, number=str(10_000_000 + number), login=f"c{number}",
            name=f"Customer {number}", category="person", lifecycle=lifecycle, created_on=dt.date(2026, 1, 1),
        )
    )  # fmt: skip
    return customer_id


def a_plan(harness: ServiceHarness, name: str = "Fiber 300", price: str = "24.90", **more: object) -> str:
    body = {"name": name, "price": price, "currency": "EUR", "tax_rate": "21", "tax_included": False} | more
    answer = harness.client().post("/plans", body)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def subscribe(harness: ServiceHarness, customer_id: UUID, plan_id: str, **more: object) -> dict:
    body = {"customer_id": str(customer_id), "plan_id": plan_id, "starts_on": "2026-12-01"} | more
    answer = harness.client().post("/subscriptions", body)
    assert answer.status_code == 201, answer.text
    return answer.json


def preview(harness: ServiceHarness, run_date: str = "2026-12-01") -> dict:
    answer = harness.client().post("/runs", {"run_date": run_date})
    assert answer.status_code == 201, answer.text
    harness.run_jobs("advance_runs")
    return harness.client().get(f"/runs/{answer.json['id']}").json


def confirm(harness: ServiceHarness, run: dict) -> dict:
    answer = harness.client().post(f"/runs/{run['id']}/confirm")
    assert answer.status_code == 200, answer.text
    harness.run_jobs("advance_runs")
    return harness.client().get(f"/runs/{run['id']}").json


def test_what_the_preview_shows_is_what_is_charged(harness: ServiceHarness) -> None:
    plan = a_plan(harness)
    for number in range(3):
        subscribe(harness, a_customer(harness, number), plan)
    run = preview(harness)
    assert run["state"] == "preview_ready"
    assert run["counts"]["charges"] == 3
    assert run["totals"] == {"net": "74.70", "tax": "15.69", "gross": "90.39"}
    assert harness.published(CustomerCharged) == []
    rows = harness.client().get(f"/runs/{run['id']}/preview").json["items"]
    assert [row["gross"]["amount"] for row in rows] == ["30.13"] * 3
    done = confirm(harness, run)
    assert (done["state"], done["progress"]) == ("processed", "1.00")
    assert done["charged_totals"] == run["totals"]
    charged = harness.published(CustomerCharged)
    assert [str(event.gross) for event in charged] == ["30.13"] * 3
    assert {str(event.balance_after.amount) for event in charged} == {"-30.13"}
    assert {(event.period_from, event.period_until) for event in charged} == {
        (dt.date(2026, 12, 1), dt.date(2027, 1, 1))
    }
    (completed,) = harness.published(ChargeRunCompleted)
    assert (completed.charged, completed.skipped, completed.failed) == (3, 0, 0)
    (total,) = harness.client().get("/trial-balance").json["totals"]
    assert (total["debit"], total["credit"], total["balance"]) == ("90.39", "90.39", "0.00")


def test_a_second_run_of_the_same_day_charges_nothing(harness: ServiceHarness) -> None:
    customer = a_customer(harness)
    subscribe(harness, customer, a_plan(harness))
    confirm(harness, preview(harness))
    again = preview(harness)
    assert again["counts"]["charges"] == 0
    confirm(harness, again)
    assert len(harness.published(CustomerCharged)) == 1


def test_confirming_twice_and_at_once_charges_once(harness: ServiceHarness) -> None:
    subscribe(harness, a_customer(harness), a_plan(harness))
    run = preview(harness)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: harness.client().post(f"/runs/{run['id']}/confirm", {}), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    harness.run_jobs("advance_runs")
    assert len(harness.published(CustomerCharged)) == 1


def test_only_one_run_at_a_time(harness: ServiceHarness) -> None:
    run = preview(harness)
    answer = harness.client().post("/runs", {"run_date": "2026-12-01"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/run-unfinished")
    assert harness.client().post(f"/runs/{run['id']}/cancel").json["state"] == "cancelled"
    assert harness.client().post(f"/runs/{run['id']}/confirm", {}).status_code == 409
    preview(harness)


def test_one_bad_customer_is_set_aside_with_the_reason(harness: ServiceHarness) -> None:
    plan = a_plan(harness)
    good = [a_customer(harness, number) for number in range(4)]
    for customer in good:
        subscribe(harness, customer, plan)
    bad = a_customer(harness, 99)
    subscription = subscribe(harness, bad, plan)
    with harness.session() as session:
        # A balance so deep that the next debit does not fit any more.
        session.execute(text("UPDATE account SET balance = -999999999999999999 WHERE customer_id = :id"), {"id": bad})
    run = confirm(harness, preview(harness))
    assert (run["state"], run["counts"]["charged"], run["counts"]["failed"]) == ("processed", 4, 1)
    (problem,) = harness.client().get(f"/runs/{run['id']}/problems").json["items"]
    assert problem["customer"]["id"] == str(bad)
    assert problem["reason"] == "AmountOutOfRange"
    assert harness.client().get(f"/subscriptions/{subscription['id']}").json["charged_until"] is None


def test_more_than_two_periods_are_caught_up_only_when_a_person_agrees(harness: ServiceHarness) -> None:
    plan = a_plan(harness)
    late, in_time = a_customer(harness, 1), a_customer(harness, 2)
    subscribe(harness, late, plan, starts_on="2026-06-01")
    subscribe(harness, in_time, plan)
    run = preview(harness)
    assert (run["counts"]["charges"], run["counts"]["late"]) == (1, 1)
    done = confirm(harness, run)
    assert (done["counts"]["charged"], done["counts"]["skipped"]) == (1, 1)
    run = preview(harness)
    approved = harness.client().post(f"/runs/{run['id']}/approve", {"customers": [str(late)]}).json
    assert (approved["counts"]["charges"], approved["totals"]["net"]) == (1, "174.30")
    done = confirm(harness, approved)
    assert done["counts"]["charged"] == 1
    assert len(harness.published(CustomerCharged)[-1].lines) == 7


@pytest.mark.parametrize("lifecycle", ["new", "archived"])
def test_customers_who_are_not_connected_are_not_charged(harness: ServiceHarness, lifecycle: str) -> None:
    subscribe(harness, a_customer(harness, lifecycle=lifecycle), a_plan(harness))
    assert preview(harness)["counts"]["customers"] == 0


def test_an_ended_service_is_charged_to_its_end_and_a_stopped_one_not(harness: ServiceHarness) -> None:
    plan = a_plan(harness, price="31.00", tax_rate="0")
    ended = subscribe(harness, a_customer(harness, 1), plan)
    stopped = subscribe(harness, a_customer(harness, 2), plan)
    client = harness.client()
    assert client.post(f"/subscriptions/{ended['id']}/end", {"ends_before": "2026-12-11"}).status_code == 200
    assert client.patch(f"/subscriptions/{stopped['id']}", {"state": "stopped"}).status_code == 200
    confirm(harness, preview(harness))
    (charged,) = harness.published(CustomerCharged)
    assert (str(charged.gross), charged.period_until) == ("10.00", dt.date(2026, 12, 11))
    confirm(harness, preview(harness, "2027-01-01"))
    assert len(harness.published(CustomerCharged)) == 1


def test_credit_pays_the_charge_at_once(harness: ServiceHarness) -> None:
    customer = a_customer(harness)
    subscribe(harness, customer, a_plan(harness, price="10.00", tax_rate="0"))
    body = {
        "customer_id": str(customer), "kind": "correction", "side": "credit", "description": "Welcome",
        "amount": {"amount": "15.00", "currency": "EUR"},
    }  # fmt: skip
    assert harness.client().post("/transactions", body).status_code == 201
    confirm(harness, preview(harness))
    account = harness.client().get(f"/accounts/{customer}").json
    assert account["balance"]["amount"] == "5.00"
    assert (account["open"]["amount"], account["unallocated"]["amount"]) == ("0.00", "5.00")
