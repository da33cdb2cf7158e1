"""A billing run among broken rows, changes after its preview, other currencies, and customers who are gone."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from billhook_billing.actions.due import next_payers
from billhook_billing.actions.run import advance
from billhook_common.contracts.billing import ItemChanged, SubscriptionEnded
from billhook_common.ids import uuid7

pytestmark = pytest.mark.integration

NO_WORDS = "An unexpected error; see the log."


def execute(sales: Any, statement: str, **values: object) -> None:
    with sales.harness.session() as session:
        session.execute(text(statement), values)


def problems_of(sales: Any, run: dict[str, Any]) -> list[tuple[str, str, str]]:
    items = sales.get(f"/runs/{run['id']}/problems")["items"]
    return [(item["outcome"], item["reason"], item["detail"]) for item in items]


def test_a_broken_row_stops_only_its_own_customer(sales: Any) -> None:
    plan = sales.plan()
    broken = sales.subscribe(sales.customer(), plan)
    sales.subscribe(sales.customer(), plan)
    execute(sales, """UPDATE subscription SET discounts = '[{"kind": "percent"}]' WHERE id = :id""", id=broken["id"])
    run = sales.preview()
    assert (run["state"], run["counts"]["charges"]) == ("preview_ready", 1)
    assert problems_of(sales, run) == [("failed", "KeyError", NO_WORDS)]
    done = sales.confirm(run)
    assert (done["state"], done["counts"]["charged"], done["counts"]["failed"]) == ("processed", 1, 1)
    assert problems_of(sales, done) == [("failed", "KeyError", NO_WORDS)]


def test_what_the_database_says_is_not_shown(sales: Any) -> None:
    sales.subscribe(sales.customer(), sales.plan())
    run = sales.preview()
    execute(sales, "ALTER TABLE charged_line ADD CONSTRAINT secret CHECK (net < 0) NOT VALID")
    try:
        done = sales.confirm(run)
    finally:
        execute(sales, "ALTER TABLE charged_line DROP CONSTRAINT secret")
    ((outcome, reason, detail),) = problems_of(sales, done)
    assert (outcome, reason, detail) == ("failed", "IntegrityError", NO_WORDS)


def test_a_confirmed_run_that_charged_nothing_can_be_cancelled(sales: Any) -> None:
    plan = sales.plan()
    for _ in range(2):
        sales.subscribe(sales.customer(), plan)
    run = sales.preview()
    assert sales.client.post(f"/runs/{run['id']}/confirm").status_code == 200
    assert sales.client.post(f"/runs/{run['id']}/cancel").json["state"] == "cancelled"
    sales.harness.run_jobs("advance_runs")
    assert sales.charged() == []
    run = sales.preview()
    assert sales.client.post(f"/runs/{run['id']}/confirm").status_code == 200
    with sales.harness.session() as session:
        assert advance(session, sales.harness.clock, chunk_customers=1)
    assert sales.client.post(f"/runs/{run['id']}/cancel").status_code == 409
    sales.harness.run_jobs("advance_runs")


def test_only_what_the_preview_showed_is_charged(sales: Any) -> None:
    plan = sales.plan(price="10.00")
    kept, dearer, sold_later = sales.customer(), sales.customer(), sales.customer()
    sales.subscribe(kept, plan)
    changed = sales.subscribe(dearer, plan)
    run = sales.preview()
    assert sales.client.patch(f"/subscriptions/{changed['id']}", {"price": "12.00"}).status_code == 200
    sales.subscribe(sold_later, plan)
    done = sales.confirm(run)
    assert (done["counts"]["charged"], done["counts"]["skipped"]) == (1, 2)
    assert done["charged_totals"]["net"] == "10.00"
    assert {problem[:2] for problem in problems_of(sales, done)} == {("skipped", "changed_since_preview")}
    sales.run()
    assert {fact.customer_id: str(fact.net) for fact in sales.charged()} == {
        kept: "10.00", dearer: "12.00", sold_later: "10.00",
    }  # fmt: skip


def test_a_late_charge_that_changed_after_it_was_agreed_waits(sales: Any) -> None:
    late = sales.customer()
    changed = sales.subscribe(late, sales.plan(), starts_on="2026-06-01")
    run = sales.preview()
    assert sales.client.post(f"/runs/{run['id']}/approve", {"customers": None}).status_code == 200
    sales.client.patch(f"/subscriptions/{changed['id']}", {"price": "99.00"})
    done = sales.confirm(run)
    assert sales.charged() == []
    assert [problem[1] for problem in problems_of(sales, done)] == ["changed_since_preview"]


def test_a_late_run_gives_customers_without_documents_their_days(sales: Any) -> None:
    quiet, loud = sales.customer(), sales.customer()
    sales.bill(quiet, mode="no_invoice", due_days=10)
    sales.bill(loud, due_days=10)
    plan = sales.plan()
    for customer in (quiet, loud):
        sales.subscribe(customer, plan, starts_on="2026-11-01")
    sales.run("2026-11-01")
    today = sales.harness.clock.today()
    due = {fact.customer_id: fact.due_on for fact in sales.charged()}
    assert due == {quiet: today + dt.timedelta(days=10), loud: dt.date(2026, 11, 11)}


def test_a_charge_without_a_document_is_told_as_an_item(sales: Any) -> None:
    quiet, loud = sales.customer(), sales.customer()
    sales.bill(quiet, mode="no_invoice")
    plan = sales.plan(price="10.00", tax_rate="0")
    for customer in (quiet, loud):
        sales.subscribe(customer, plan)
    sales.run()
    (item,) = sales.harness.published(ItemChanged)
    assert (item.customer_id, item.version, str(item.open.amount), item.document_id) == (quiet, 1, "10.00", None)
    assert item.due_on == dt.date(2026, 12, 15)


def test_a_run_looks_at_the_accounts_of_its_currency(sales: Any) -> None:
    here, abroad = sales.customer(), sales.customer()
    plan = sales.plan()
    for customer in (here, abroad):
        sales.subscribe(customer, plan)
    execute(sales, "UPDATE account SET currency = 'CZK' WHERE customer_id = :id", id=abroad)
    with sales.harness.session() as session:
        payers = next_payers(session, dt.date(2026, 12, 1), "EUR", None, 10)
    assert [payer.customer_id for payer in payers] == [here]


def the_service(sales: Any, subscription: dict[str, Any]) -> dict[str, Any]:
    return sales.get(f"/subscriptions/{subscription['id']}")  # type: ignore[no-any-return]


def test_archival_ends_services_and_what_is_left_is_charged(sales: Any) -> None:
    customer = sales.customer()
    sales.bill(customer, prepaid_months=0)
    sold = sales.subscribe(customer, sales.plan(price="30.00", tax_rate="0"), starts_on="2026-11-01")
    sales.archive(customer)
    ended = the_service(sales, sold)
    assert (ended["state"], ended["ends_before"]) == ("disabled", "2026-11-24")
    (told,) = sales.harness.published(SubscriptionEnded)
    assert (str(told.subscription_id), told.ends_before) == (sold["id"], dt.date(2026, 11, 24))
    sales.run()
    (charged,) = sales.charged()
    assert (str(charged.gross), charged.period_until) == ("23.00", dt.date(2026, 11, 24))
    sales.run("2027-01-01")
    assert len(sales.charged()) == 1


def test_archival_needs_no_credit_for_what_is_charged(sales: Any) -> None:
    customer = sales.customer()
    sold = sales.subscribe(customer, sales.plan(price="30.00"), starts_on="2026-11-01")
    sales.run("2026-11-01")
    assert sales.get("/panels/recurring")["count"] == 1
    sales.archive(customer)
    ended = the_service(sales, sold)
    assert (ended["state"], ended["ends_before"]) == ("active", "2026-12-01")
    assert sales.get("/panels/recurring") == {"count": 0, "sum": {"amount": "0.00", "currency": "EUR"}}
    sales.run("2027-01-01")
    assert len(sales.charged()) == 1


def test_archival_ends_what_has_not_begun_without_a_charge(sales: Any) -> None:
    customer = sales.customer()
    plan = sales.plan()
    later = sales.subscribe(customer, plan, starts_on="2026-12-10")
    pending = sales.subscribe(customer, plan, starts_on="2026-11-01", state="pending")
    ends_first = sales.subscribe(customer, plan, starts_on="2026-11-01", ends_before="2026-11-20")
    sales.archive(customer)
    sales.archive(customer)
    assert [the_service(sales, one)["ends_before"] for one in (later, pending, ends_first)] == [
        "2026-12-11", "2026-11-24", "2026-11-20",
    ]  # fmt: skip
    sales.run("2027-01-01")
    (charged,) = sales.charged()
    assert [(str(line.subscription_id), line.period_until) for line in charged.lines] == [
        (ends_first["id"], dt.date(2026, 11, 20))
    ]


@pytest.mark.parametrize("part", ["preview", "problems"])
def test_lists_of_a_run_that_is_not_there_are_not_found(sales: Any, part: str) -> None:
    run_id: UUID = uuid7()
    assert sales.client.get(f"/runs/{run_id}/{part}").status_code == 404


def _plan_of(sales: Any, statement: str) -> str:
    with sales.harness.session() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_sort = off"))
        return "\n".join(session.scalars(text(f"EXPLAIN {statement}")))  # test's own constant


def test_the_lists_of_runs_and_previews_have_their_indexes(sales: Any) -> None:
    run_id = uuid7()
    late = _plan_of(sales, f"SELECT count(*) FROM charge_run_preview WHERE run_id = '{run_id}' AND late")
    assert "ix_charge_run_preview_late" in late
    listed = _plan_of(
        sales,
        f"SELECT * FROM charge_run_preview WHERE run_id = '{run_id}' ORDER BY net + tax DESC, customer_id LIMIT 50",
    )
    assert "ix_charge_run_preview_gross" in listed
    due = _plan_of(sales, "SELECT * FROM open_item ORDER BY due_on, transaction_id LIMIT 50")
    assert "ix_open_item_due_on" in due
