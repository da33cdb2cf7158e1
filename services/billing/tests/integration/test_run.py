"""The billing run: preview equals run, each period charged once, one bad customer apart (C8, R11, R20, R21)."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from billhook_billing.actions.charge import ChargedMeanwhile, charge_customers
from billhook_billing.actions.due import charges_due, next_payers
from billhook_billing.actions.run import advance
from billhook_common.contracts.billing import ChargeRunCompleted
from billhook_common.ids import uuid7

pytestmark = pytest.mark.integration


def test_what_the_preview_shows_is_what_is_charged(sales: Any) -> None:
    plan = sales.plan()
    for _ in range(3):
        sales.subscribe(sales.customer(), plan)
    run = sales.preview()
    assert run["state"] == "preview_ready"
    assert run["counts"]["charges"] == 3
    assert run["totals"] == {"net": "74.70", "tax": "15.69", "gross": "90.39"}
    assert sales.charged() == []
    rows = sales.get(f"/runs/{run['id']}/preview")["items"]
    assert [row["gross"]["amount"] for row in rows] == ["30.13"] * 3
    done = sales.confirm(run)
    assert (done["state"], done["progress"]) == ("processed", "1.00")
    assert done["charged_totals"] == run["totals"]
    charged = sales.charged()
    assert [str(event.gross) for event in charged] == ["30.13"] * 3
    assert {str(event.balance_after.amount) for event in charged} == {"-30.13"}
    assert {(event.period_from, event.period_until) for event in charged} == {
        (dt.date(2026, 12, 1), dt.date(2027, 1, 1))
    }
    (completed,) = sales.harness.published(ChargeRunCompleted)
    assert (completed.charged, completed.skipped, completed.failed) == (3, 0, 0)
    (total,) = sales.get("/trial-balance")["totals"]
    assert (total["debit"], total["credit"], total["balance"]) == ("90.39", "90.39", "0.00")


def test_a_second_run_of_the_same_day_charges_nothing(sales: Any) -> None:
    customer = sales.customer()
    sales.subscribe(customer, sales.plan())
    sales.run()
    again = sales.preview()
    assert again["counts"]["charges"] == 0
    sales.confirm(again)
    assert len(sales.charged()) == 1


def test_confirming_twice_and_at_once_charges_once(sales: Any) -> None:
    sales.subscribe(sales.customer(), sales.plan())
    run = sales.preview()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: sales.harness.client().post(f"/runs/{run['id']}/confirm", {}), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    sales.harness.run_jobs("advance_runs")
    assert len(sales.charged()) == 1


def test_only_one_run_at_a_time(sales: Any) -> None:
    run = sales.preview()
    answer = sales.client.post("/runs", {"run_date": "2026-12-01"})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/run-unfinished")
    assert sales.client.post(f"/runs/{run['id']}/cancel").json["state"] == "cancelled"
    assert sales.client.post(f"/runs/{run['id']}/confirm", {}).status_code == 409
    sales.preview()


def test_one_bad_customer_is_set_aside_with_the_reason(sales: Any) -> None:
    plan = sales.plan()
    for _ in range(4):
        sales.subscribe(sales.customer(), plan)
    bad = sales.customer()
    subscription = sales.subscribe(bad, plan)
    with sales.harness.session() as session:
        # A balance so deep that the next debit does not fit any more.
        session.execute(text("UPDATE account SET balance = -999999999999999999 WHERE customer_id = :id"), {"id": bad})
    run = sales.run()
    assert (run["state"], run["counts"]["charged"], run["counts"]["failed"]) == ("processed", 4, 1)
    (problem,) = sales.get(f"/runs/{run['id']}/problems")["items"]
    assert problem["customer"]["id"] == str(bad)
    assert problem["reason"] == "AmountOutOfRange"
    assert sales.get(f"/subscriptions/{subscription['id']}")["charged_until"] is None


def test_more_than_two_periods_are_caught_up_only_when_a_person_agrees(sales: Any) -> None:
    plan = sales.plan()
    late, in_time = sales.customer(), sales.customer()
    sales.subscribe(late, plan, starts_on="2026-06-01")
    sales.subscribe(in_time, plan)
    run = sales.preview()
    assert (run["counts"]["charges"], run["counts"]["late"]) == (1, 1)
    done = sales.confirm(run)
    assert (done["counts"]["charged"], done["counts"]["skipped"]) == (1, 1)
    run = sales.preview()
    approved = sales.client.post(f"/runs/{run['id']}/approve", {"customers": [str(late)]}).json
    assert (approved["counts"]["charges"], approved["totals"]["net"]) == (1, "174.30")
    done = sales.confirm(approved)
    assert done["counts"]["charged"] == 1
    assert len(sales.charged()[-1].lines) == 7


def test_customers_who_are_not_connected_are_not_charged(sales: Any) -> None:
    plan, gone = sales.plan(), sales.customer()
    sales.subscribe(sales.customer(lifecycle="new"), plan)
    sales.subscribe(gone, plan)
    sales.archive(gone)
    assert sales.preview()["counts"]["customers"] == 0


def test_an_ended_service_is_charged_to_its_end_and_a_stopped_one_not(sales: Any) -> None:
    plan = sales.plan(price="31.00", tax_rate="0")
    ended = sales.subscribe(sales.customer(), plan)
    stopped = sales.subscribe(sales.customer(), plan)
    client = sales.client
    assert client.post(f"/subscriptions/{ended['id']}/end", {"ends_before": "2026-12-11"}).status_code == 200
    assert client.patch(f"/subscriptions/{stopped['id']}", {"state": "stopped"}).status_code == 200
    sales.run()
    (charged,) = sales.charged()
    assert (str(charged.gross), charged.period_until) == ("10.00", dt.date(2026, 12, 11))
    sales.run("2027-01-01")
    assert len(sales.charged()) == 1


def test_credit_pays_the_charge_at_once(sales: Any) -> None:
    customer = sales.customer()
    sales.subscribe(customer, sales.plan(price="10.00", tax_rate="0"))
    body = {
        "customer_id": str(customer), "kind": "correction", "side": "credit", "description": "Welcome",
        "amount": {"amount": "15.00", "currency": "EUR"},
    }  # fmt: skip
    assert sales.client.post("/transactions", body).status_code == 201
    sales.run()
    account = sales.get(f"/accounts/{customer}")
    assert account["balance"]["amount"] == "5.00"
    assert (account["open"]["amount"], account["unallocated"]["amount"]) == ("0.00", "5.00")


def test_credit_before_the_charge_is_never_overdue(sales: Any, facts: Any) -> None:
    customer = sales.customer()
    sales.subscribe(customer, sales.plan(price="10.00", tax_rate="0"))
    sales.harness.deliver(facts.payment(customer, "10.00"))
    sales.run()
    sales.harness.clock.advance(dt.timedelta(days=90))
    assert sales.get("/items", state="overdue")["items"] == []
    (item,) = sales.get("/items", state="all")["items"]
    assert (item["open"]["amount"], item["overdue"]) == ("0.00", False)
    assert sales.get(f"/accounts/{customer}")["balance"]["amount"] == "0.00"


@pytest.mark.parametrize(
    ("billing_day", "prepaid_months", "starts_on", "run_date", "lines"),
    [
        # Example 3: prepaid on 1 May is 1-31 May, postpaid 1-30 April.
        (1, 1, "2027-05-01", "2027-05-01", ["2027-05-01 2027-06-01 31.00"]),
        (1, 0, "2027-04-01", "2027-05-01", ["2027-04-01 2027-05-01 31.00"]),
        # Example 2: from 15 March to the end of April when it is first billed in April.
        (1, 1, "2027-03-15", "2027-04-01", ["2027-03-15 2027-04-01 17.00", "2027-04-01 2027-05-01 31.00"]),
        (15, 1, "2026-12-01", "2026-12-15", ["2026-12-01 2026-12-15 14.47", "2026-12-15 2027-01-15 31.00"]),
        (15, 0, "2026-12-01", "2026-12-15", ["2026-12-01 2026-12-15 14.47"]),
        (31, 1, "2027-01-31", "2027-02-28", ["2027-01-31 2027-02-28 31.00", "2027-02-28 2027-03-31 31.00"]),
        (31, 0, "2027-01-31", "2027-02-28", ["2027-01-31 2027-02-28 31.00"]),
        # A run between two billing days: ahead to the next one, or back to the last.
        (15, 1, "2026-12-01", "2026-12-10", ["2026-12-01 2026-12-15 14.47"]),
        (15, 0, "2026-12-01", "2026-12-10", []),
        (1, 0, "2026-11-20", "2026-12-10", ["2026-11-20 2026-12-01 11.37"]),
        (1, 3, "2026-12-01", "2026-12-01", [
            "2026-12-01 2027-01-01 31.00", "2027-01-01 2027-02-01 31.00",
            "2027-02-01 2027-03-01 31.00",
        ]),
        # Not begun yet.
        (1, 1, "2026-12-02", "2026-12-01", []),
    ],
)  # fmt: skip
def test_what_falls_due_on_a_day(
    sales: Any, billing_day: int, prepaid_months: int, starts_on: str, run_date: str, lines: list[str]
) -> None:
    customer = sales.customer()
    sales.bill(customer, billing_day=billing_day, prepaid_months=prepaid_months)
    sales.subscribe(customer, sales.plan(price="31.00", tax_rate="0"), starts_on=starts_on)
    sales.run(run_date)
    charged = [line for fact in sales.charged() for line in fact.lines]
    assert [f"{line.period_from} {line.period_until} {line.net}" for line in charged] == lines
    sales.run(run_date)
    assert len(sales.charged()) == bool(lines)


def test_a_customer_of_two_services_gets_one_charge(sales: Any) -> None:
    customer = sales.customer()
    sales.subscribe(customer, sales.plan("Net", "10.00", tax_rate="21"))
    sales.subscribe(customer, sales.plan("Voice", "5.00", tax_rate="10"))
    run = sales.run()
    assert (run["counts"]["charged"], run["charged_totals"]["gross"]) == (1, "17.60")
    (charged,) = sales.charged()
    assert {line.text: str(line.tax) for line in charged.lines} == {"Net": "2.10", "Voice": "0.50"}
    assert [(str(row.rate.normalize()), str(row.tax)) for row in charged.taxes] == [("1E+1", "0.50"), ("21", "2.10")]
    (transaction,) = sales.get("/transactions")["items"]
    assert transaction["description"] in {"Net, Voice", "Voice, Net"}


def test_without_invoices_only_the_charge_is_told(sales: Any) -> None:
    quiet, loud = sales.customer(), sales.customer()
    sales.bill(quiet, mode="no_invoice", due_days=0)
    for customer in (quiet, loud):
        sales.subscribe(customer, sales.plan(f"P {customer}"))
    sales.run()
    told = {fact.customer_id: (fact.wants_document, str(fact.due_on)) for fact in sales.charged()}
    assert told == {quiet: (False, "2026-12-01"), loud: (True, "2026-12-15")}


@pytest.mark.parametrize("chunk_customers", [1, 2, 3, 7, 8])
def test_the_size_of_a_chunk_changes_nothing(sales: Any, chunk_customers: int) -> None:
    plan = sales.plan()
    for _ in range(7):
        sales.subscribe(sales.customer(), plan)
    run = sales.client.post("/runs", {"run_date": "2026-12-01"}).json

    def drive() -> int:
        steps, again = 0, True
        while again:
            steps += 1
            with sales.harness.session() as session:
                again = advance(session, sales.harness.clock, chunk_customers=chunk_customers)
        return steps

    assert drive() == -(-7 // chunk_customers) + 2
    assert sales.get(f"/runs/{run['id']}")["totals"]["net"] == "174.30"
    sales.client.post(f"/runs/{run['id']}/confirm")
    drive()
    done = sales.get(f"/runs/{run['id']}")
    assert (done["state"], done["counts"]["charged"], done["charged_totals"]) == ("processed", 7, done["totals"])
    assert len({fact.charge_id for fact in sales.charged()}) == len(sales.charged()) == 7


def test_two_runners_at_once_charge_each_period_once(sales: Any) -> None:
    plan = sales.plan()
    for customer in sales.customers(*(f"u{number}" for number in range(20))):
        sales.subscribe(customer, plan)
    run = sales.preview()
    sales.client.post(f"/runs/{run['id']}/confirm")

    def drive(_: int) -> None:
        again = True
        while again:
            with sales.harness.session() as session:
                again = advance(session, sales.harness.clock, chunk_customers=2)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(drive, range(3)))
    done = sales.get(f"/runs/{run['id']}")
    assert (done["state"], done["counts"]["charged"], done["counts"]["failed"]) == ("processed", 20, 0)
    assert done["charged_totals"] == done["totals"] == run["totals"]
    assert len({fact.customer_id for fact in sales.charged()}) == len(sales.charged()) == 20
    assert sales.get("/audit")["differences"] == []


def test_a_service_charged_between_reading_and_charging_is_computed_again(sales: Any) -> None:
    subscription = sales.subscribe(sales.customer(), sales.plan())
    run_date = dt.date(2026, 12, 1)
    with sales.harness.session() as session:
        payers = next_payers(session, run_date, "EUR", None, 10)
        dues = charges_due(session, run_date, payers, hold=False)
        session.execute(text("UPDATE subscription SET charged_until = '2026-12-05'"))
        with pytest.raises(ChargedMeanwhile), session.begin_nested():
            charge_customers(session, sales.harness.clock, uuid7(), run_date, dues)
    assert sales.charged() == sales.get("/transactions")["items"] == []
    assert sales.get(f"/subscriptions/{subscription['id']}")["charged_until"] == "2026-12-05"


def test_a_new_price_counts_from_the_first_period_that_is_not_charged(sales: Any) -> None:
    subscription = sales.subscribe(sales.customer(), sales.plan(price="10.00"))
    sales.run()
    assert sales.client.patch(f"/subscriptions/{subscription['id']}", {"price": "12.00"}).status_code == 200
    sales.run("2027-01-01")
    assert [str(fact.net) for fact in sales.charged()] == ["10.00", "12.00"]


def test_a_new_billing_day_makes_a_part_up_to_it(sales: Any) -> None:
    customer = sales.customer()
    sales.subscribe(customer, sales.plan(price="31.00", tax_rate="0"))
    sales.run()
    sales.bill(customer, billing_day=15)
    sales.run("2027-01-15")
    lines = [f"{line.period_from} {line.period_until} {line.net}" for line in sales.charged()[-1].lines]
    # R5: the part is measured against the period of the new day that holds it.
    assert lines == ["2027-01-01 2027-01-15 14.00", "2027-01-15 2027-02-15 31.00"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/run_date"),
        ({"run_date": "soon"}, "/run_date"),
        ({"run_date": "2026-02-30"}, "/run_date"),
        ({"run_date": "2099-01-01"}, "/run_date"),
        ({"run_date": "2026-12-01", "state": "processed"}, "/state"),
    ],
)
def test_a_bad_run_is_refused_naming_the_field(sales: Any, body: dict[str, Any], pointer: str) -> None:
    answer = sales.client.post("/runs", body)
    assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])
    assert sales.get("/runs")["items"] == []


def test_a_run_that_is_not_there_is_not_found(sales: Any) -> None:
    path = f"/runs/{uuid7()}"
    client = sales.client
    answers = [
        client.get(path), client.post(f"{path}/confirm"), client.post(f"{path}/cancel"),
        client.post(f"{path}/approve", {"customers": None}),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404] * 4


def test_the_list_of_runs_is_newest_first_and_paged(sales: Any) -> None:
    ids = [sales.run(f"2026-12-0{number}")["id"] for number in (1, 2, 3)]
    assert [run["id"] for run in sales.walk("/runs")] == ids[::-1]
    first = sales.get("/runs", limit=2)
    assert [run["id"] for run in sales.get("/runs", limit=2, after=first["next"])["items"]] == ids[:1]
