"""Subscriptions from the file that the customers came in, from upload to the first run."""

import datetime as dt
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from billhook_common import migrate
from billhook_common.contracts.billing import (
    PlanChanged,
    SubscriptionActivated,
    SubscriptionChanged,
    SubscriptionEnded,
    TransactionPosted,
)
from billhook_common.ids import uuid7
from billhook_common.imports import store
from billhook_common.service import Service
from billhook_common.tables import audit_entry
from billhook_common.tabular import read_table
from billhook_common.testing import Client, ServiceHarness

pytestmark = pytest.mark.integration

SAMPLE = Path(__file__).parents[1] / "data" / "customers" / "customers.csv"
# The rows that crm does not import: bad e-mails, missing names, impossible dates, duplicates and so on.
DIRTY = {78, 80, 88, 96, 105, 159, 275, 280, 290, 299, 320, 356, 360, 448, 467}
COUNTS = ("state", "rows", "imported", "known", "failed")
HEADER = "Login;Plan;Plan price;VAT %;Start date;Billing day;Status;Balance"
ANNA = "anna;Fiber 100;20,00;21;2020-01-01;15;active;-12,50"


def send(client: Client, content: bytes | str, filename: str = "customers.csv", **options: str) -> TestResponse:
    raw = content.encode() if isinstance(content, str) else content
    data = {"file": (io.BytesIO(raw), filename), **options}
    return client.post("/imports", data=data, content_type="multipart/form-data")


def upload(client: Client, *lines: str, **options: str) -> str:
    answer = send(client, "\n".join(lines), **options)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def preview(client: Client, import_id: str) -> dict[str, Any]:
    answer = client.get(f"/imports/{import_id}/preview")
    assert answer.status_code == 200, answer.text
    return answer.json  # type: ignore[no-any-return]


def confirm(client: Client, import_id: str, *, skip_errors: bool = False) -> tuple[Any, ...]:
    answer = client.post(f"/imports/{import_id}/confirm", {"skip_errors": skip_errors})
    assert answer.status_code == 200, answer.text
    return tuple(answer.json[name] for name in COUNTS)


def imported(client: Client, *lines: str, **options: str) -> tuple[Any, ...]:
    return confirm(client, upload(client, *lines, **options))


def errors_of(client: Client, *lines: str, **options: str) -> list[tuple[str, str]]:
    shown = preview(client, upload(client, *lines, **options))
    return [(error["column"], error["code"]) for error in shown["errors"]]


def sample_logins() -> list[str]:
    table = read_table(SAMPLE.read_bytes(), SAMPLE.name)
    at = table.header.index("Login")
    return [row.cells[at] for row in table.rows() if row.number not in DIRTY]


def test_models_and_migrations_agree(harness: ServiceHarness, service: Service) -> None:
    migrate.check(service.migrations, harness.config.database_url, service.metadata)


def test_the_sample_list_is_taken_over_to_the_cent(sales: Any) -> None:
    sales.customers(*sample_logins())
    answer = send(sales.client, SAMPLE.read_bytes(), cut_over="2026-12-01")
    assert answer.status_code == 201, answer.text
    import_id = answer.json["id"]
    shown = preview(sales.client, import_id)
    assert (shown["rows"], shown["new"], shown["known"], shown["failed"]) == (500, 485, 0, 15)
    assert {error["row"] for error in shown["errors"]} == DIRTY
    assert shown["by_code"]["unknown-customer"] == 8
    assert shown["balance"] == {"amount": "-2707.09", "currency": "EUR"}
    assert len(shown["plans"]) == 8
    assert confirm(sales.client, import_id, skip_errors=True) == ("imported", 500, 485, 0, 15)

    services = sales.walk("/subscriptions")
    assert Counter(item["plan_name"] for item in services) == {
        "Business 1000 SLA": 25, "Business 500": 26, "Fiber 100": 77, "Fiber 1000": 108, "Fiber 300": 62,
        "Senior 50": 75, "Wireless 30/5": 60, "Wireless 60/10": 52,
    }  # fmt: skip
    assert Counter(item["state"] for item in services) == {"active": 446, "disabled": 29, "pending": 10}
    assert sum(Decimal(item["price"]) for item in services) == Decimal("15179.55")
    assert {item["charged_until"] for item in services} == {"2026-12-01"}
    assert {item["ends_before"] for item in services if item["state"] == "disabled"} == {"2026-12-01"}
    assert sum(Decimal(item["balance"]["amount"]) for item in sales.walk("/accounts")) == Decimal("-2707.09")
    opening = [row for row in sales.get("/trial-balance")["accounts"] if row["account"] == "opening"]
    assert [row["balance"] for row in opening] == ["2707.09"]
    assert sum(Decimal(item["open"]["amount"]) for item in sales.walk("/items", state="open")) == Decimal("4617.63")
    assert sales.get("/audit")["differences"] == []


def test_everyone_hears_of_what_was_taken_over(sales: Any) -> None:
    sales.customers("anna", "ben", "cleo", "dan", "eve")
    lines = [
        ANNA,
        "ben;Fiber 100;19,00;21;2020-01-01;1;blocked;0,00",
        "cleo;Fiber 300;30,00;21;2020-01-01;1;disabled;5,00",
        "dan;Fiber 300;30,00;21;2020-01-01;1;new;0",
        "eve;fiber  300;30,00;10;2020-01-01;1;paused;0",
    ]
    assert imported(sales.client, HEADER, *lines, cut_over="2026-12-01") == ("imported", 5, 5, 0, 0)
    published = sales.harness.published
    assert [(fact.name, str(fact.price)) for fact in published(PlanChanged)] == [
        ("Fiber 100", "20.00"), ("Fiber 300", "30.00"),
    ]  # fmt: skip
    activated = {fact.customer_id: fact for fact in published(SubscriptionActivated)}
    assert sorted((str(fact.price), str(fact.monthly)) for fact in activated.values()) == [
        ("19.000000", "19.00 EUR"), ("20.000000", "20.00 EUR"),
    ]  # fmt: skip
    (ended,) = published(SubscriptionEnded)
    assert (ended.state, ended.ends_before) == ("disabled", dt.date(2026, 12, 1))
    assert [fact.state for fact in published(SubscriptionChanged)] == ["pending", "stopped"]
    assert [(fact.kind, fact.side, str(fact.amount)) for fact in published(TransactionPosted)] == [
        ("opening", "debit", "12.50 EUR"), ("opening", "credit", "5.00 EUR"),
    ]  # fmt: skip


def test_a_row_brings_billing_day_rate_and_its_own_price(sales: Any) -> None:
    anna, ben = sales.customers("anna", "BEN")
    plan = sales.plan("Fiber 100", "25.00", tax_rate="10")
    imported(sales.client, HEADER, ANNA, "ben;FIBER 100;25,00;10;2020-01-01;31;active;0", cut_over="2026-12-01")
    (service,) = sales.get("/subscriptions", customer_id=anna)["items"]
    assert (service["plan_id"], service["plan_name"], service["description"]) == (plan, "Fiber 100", "Fiber 100")
    assert (service["price"], service["tax_rate"], service["billing_day"]) == ("20.00", "21", 15)
    assert (service["starts_on"], service["charged_until"]) == ("2020-01-01", "2026-12-01")
    assert sales.get(f"/accounts/{ben}/settings")["billing_day"] == 31
    assert len(sales.walk("/plans")) == 1


def test_the_first_run_charges_from_the_cut_over_on(sales: Any) -> None:
    sales.customers("anna")
    imported(sales.client, HEADER, ANNA, cut_over="2026-12-01")
    sales.run("2026-12-01")
    (charged,) = sales.charged()
    # Billing day 15: the rest of the period that the cut-over falls into, 14 of its 30 days, and nothing before it.
    assert [(line.period_from, line.period_until, str(line.net)) for line in charged.lines] == [
        (dt.date(2026, 12, 1), dt.date(2026, 12, 15), "9.33"),
    ]  # fmt: skip


def test_charged_until_of_the_file_wins(sales: Any) -> None:
    (anna,) = sales.customers("anna")
    imported(sales.client, f"{HEADER};Charged until", f"{ANNA};31.12.2026")
    assert sales.get("/subscriptions", customer_id=anna)["items"][0]["charged_until"] == "2027-01-01"


def test_prices_may_hold_tax(sales: Any) -> None:
    (anna,) = sales.customers("anna")
    imported(sales.client, HEADER, ANNA, tax_included="true")
    assert sales.get("/subscriptions", customer_id=anna)["items"][0]["tax_included"] is True
    assert sales.get("/plans")["items"][0]["tax_included"] is True


def test_the_same_file_again_finds_everything_there(sales: Any) -> None:
    sales.customers("anna", "ben")
    lines = [HEADER, ANNA, "ben;Fiber 300;30,00;21;2020-01-01;1;active;7,00"]
    imported(sales.client, *lines)
    plan = sales.get("/plans")["items"][0]
    assert sales.client.patch(f"/plans/{plan['id']}", {"name": "Renamed meanwhile"}).status_code == 200
    again = upload(sales.client, *lines)
    assert preview(sales.client, again)["known"] == 2
    assert confirm(sales.client, again) == ("imported", 2, 0, 2, 0)
    assert len(sales.walk("/subscriptions")) == 2
    assert len(sales.walk("/plans")) == 2
    assert sorted(item["balance"]["amount"] for item in sales.walk("/accounts")) == ["-12.50", "7.00"]


def test_a_service_sold_by_hand_before_is_known(sales: Any) -> None:
    (anna,) = sales.customers("anna")
    sales.subscribe(anna, sales.plan("Fiber 100"), starts_on="2020-01-01", charged_until="2026-12-01")
    assert imported(sales.client, HEADER, ANNA) == ("imported", 1, 0, 1, 0)


def test_two_confirmations_and_two_imports_at_once_make_everything_once(sales: Any) -> None:
    sales.customers(*(f"u{number}" for number in range(30)))
    lines = [HEADER, *(f"u{number};P{number % 3};9,99;21;2020-01-01;1;active;-1,00" for number in range(30))]
    first, second = upload(sales.client, *lines), upload(sales.client, *lines)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda key: confirm(sales.harness.client(), key), [first, second, first, second]))
    assert {counts[2] + counts[3] for counts in done} == {30}
    assert len(sales.walk("/subscriptions")) == 30
    assert {item["balance"]["amount"] for item in sales.walk("/accounts")} == {"-1.00"}


def test_a_second_service_does_not_bring_the_balance_again(sales: Any) -> None:
    (anna,) = sales.customers("anna")
    imported(sales.client, HEADER, ANNA)
    voice = ANNA.replace("Fiber 100", "Voice")
    assert errors_of(sales.client, HEADER, voice) == [("balance", "opened-already")]
    assert imported(sales.client, HEADER, voice, opening_balances="false") == ("imported", 1, 1, 0, 0)
    assert sales.get(f"/accounts/{anna}")["balance"]["amount"] == "-12.50"


def test_a_balance_that_was_taken_back_may_come_again(sales: Any) -> None:
    sales.customers("anna")
    imported(sales.client, HEADER, ANNA)
    (opening,) = sales.get("/transactions", kind="opening")["items"]
    assert sales.client.post(f"/transactions/{opening['id']}/reverse", {}).status_code == 201
    assert errors_of(sales.client, HEADER, ANNA.replace("Fiber 100", "Voice")) == []


@pytest.mark.parametrize(
    ("line", "options", "errors"),
    [
        (ANNA.replace("anna", "nobody"), {}, [("login", "unknown-customer")]),
        (ANNA, {"create_plans": "false"}, [("plan", "unknown-plan")]),
        (ANNA.replace("anna", "gone"), {}, [("login", "archived-customer")]),
        (ANNA.replace("2020-01-01", "2300-01-01"), {}, [("starts_on", "date-out-of-range"), ("charged_until",) * 2]),
        (ANNA.replace("20,00", "-1"), {}, [("price", "out-of-range")]),
        (ANNA.replace("20,00", "1000000000"), {}, [("price", "out-of-range")]),
        (ANNA.replace("20,00", "NaN"), {}, [("price", "not-a-number")]),
        (ANNA.replace(";21;", ";101;"), {}, [("tax_rate", "out-of-range")]),
        (ANNA.replace(";15;", ";32;"), {}, [("billing_day", "out-of-range")]),
        (ANNA.replace(";15;", ";0;"), {}, [("billing_day", "out-of-range")]),
        (ANNA.replace("active", "asleep"), {}, [("state", "unknown-choice")]),
        (ANNA.replace("-12,50", "1e309"), {}, [("balance", "not-a-number")]),
        (ANNA.replace("-12,50", ""), {}, [("balance", "missing")]),
        (ANNA.replace("2020-01-01", "31.02.2020"), {}, [("starts_on", "impossible-date")]),
        (ANNA.replace("Fiber 100", "Crowns"), {}, [("plan", "other-currency")]),
    ],
)
def test_a_row_that_cannot_be_stored_says_why(
    sales: Any, line: str, options: dict[str, str], errors: list[tuple[str, str]]
) -> None:
    sales.customer("anna")
    sales.customer("gone", lifecycle="archived")
    sales.plan("Crowns", currency="CZK")
    found = errors_of(sales.client, HEADER, line, **options)
    assert found[: len(errors)] == errors or [column for column, _ in found] == [column for column, *_ in errors]
    import_id = upload(sales.client, HEADER, line, **options)
    refused = sales.client.post(f"/imports/{import_id}/confirm", {})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/import-has-errors")
    assert sales.walk("/subscriptions") == []


def test_without_price_and_rate_those_of_the_plan_count(sales: Any) -> None:
    (anna,) = sales.customers("anna")
    short = ("Login;Plan;Start date", "anna;Fiber 100;2020-01-01")
    assert errors_of(sales.client, *short) == [("plan", "unknown-plan")]
    sales.plan("Fiber 100", "24.20", tax_included=True)
    assert imported(sales.client, *short) == ("imported", 1, 1, 0, 0)
    (service,) = sales.get("/subscriptions", customer_id=anna)["items"]
    assert (service["price"], service["tax_rate"], service["tax_included"]) == ("24.20", "21", True)
    assert (service["state"], service["billing_day"]) == ("active", 1)
    assert sales.get("/transactions")["items"] == []


def test_customers_who_arrive_before_the_confirmation_are_found(sales: Any) -> None:
    import_id = upload(sales.client, HEADER, ANNA)
    assert preview(sales.client, import_id)["by_code"] == {"unknown-customer": 1}
    sales.customer("Anna")
    assert confirm(sales.client, import_id) == ("imported", 1, 1, 0, 0)


def test_with_its_companion_a_file_counts_on_customers_who_are_on_their_way(sales: Any) -> None:
    companion = str(uuid7())
    lines = [HEADER, *(ANNA.replace("anna", login) for login in ("anna", "ben", "cleo"))]
    import_id = upload(sales.client, *lines, companion=companion, cut_over="2026-12-01")
    upload(sales.client, *lines, companion=str(uuid7()))
    (found,) = sales.get("/imports", companion=companion, limit=1)["items"]
    assert (found["id"], found["companion"]) == (import_id, companion)
    shown = preview(sales.client, import_id)
    assert (shown["new"], shown["failed"], shown["plans"]) == (3, 0, ["Fiber 100"])
    assert shown["balance"]["amount"] == "-37.50"
    assert sales.client.post(f"/imports/{import_id}/confirm", {}).status_code == 409

    sales.customer("ben")
    answer = sales.client.post(f"/imports/{import_id}/confirm", {"after_customers": True})
    assert tuple(answer.json[name] for name in COUNTS) == ("importing", 3, 1, 0, 0)
    assert not sales.harness.run_jobs("import_subscriptions")
    sales.harness.clock.advance(dt.timedelta(seconds=29))
    sales.customer("anna")
    assert sales.harness.run_jobs("import_subscriptions")
    sales.harness.clock.advance(dt.timedelta(seconds=29))
    assert not sales.harness.run_jobs("import_subscriptions")
    sales.harness.clock.advance(dt.timedelta(seconds=1))
    assert sales.harness.run_jobs("import_subscriptions")
    done = sales.get(f"/imports/{import_id}")
    assert tuple(done[name] for name in COUNTS) == ("imported", 3, 2, 0, 1)
    failures = sales.client.get(f"/imports/{import_id}/failures.csv").data.decode("utf-8-sig").splitlines()
    assert [line.split(";")[:4] for line in failures[1:]] == [
        ["3", "4", "There is no customer with this login", "cleo"]
    ]


def test_customers_who_never_come_hold_up_nobody(sales: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHUNK_ROWS", 3)
    logins = [f"u{number}" for number in range(12)]
    lines = [HEADER, *(ANNA.replace("anna", login) for login in logins)]
    import_id = upload(sales.client, *lines, companion=str(uuid7()))
    sales.customers(*logins[::2])
    confirmed = sales.client.post(f"/imports/{import_id}/confirm", {"after_customers": True})
    assert (confirmed.json["state"], confirmed.json["imported"]) == ("importing", 2)
    sales.harness.run_jobs("import_subscriptions")
    assert sales.get(f"/imports/{import_id}")["imported"] == 6
    sales.customers(logins[-1], logins[1])
    sales.harness.run_jobs("import_subscriptions")
    assert sales.get(f"/imports/{import_id}")["imported"] == 8
    sales.harness.clock.advance(dt.timedelta(seconds=30))
    sales.harness.run_jobs("import_subscriptions")
    done = sales.get(f"/imports/{import_id}")
    assert tuple(done[name] for name in COUNTS) == ("imported", 12, 8, 0, 4)


def test_a_long_file_goes_on_in_the_background(sales: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHUNK_ROWS", 10)
    logins = [f"u{number}" for number in range(25)]
    sales.customers(*logins)
    import_id = upload(sales.client, HEADER, *(ANNA.replace("anna", login) for login in logins))
    assert confirm(sales.client, import_id) == ("importing", 25, 10, 0, 0)
    assert confirm(sales.client, import_id) == ("importing", 25, 10, 0, 0)
    sales.harness.run_jobs("import_subscriptions")
    done = sales.get(f"/imports/{import_id}")
    assert tuple(done[name] for name in COUNTS) == ("imported", 25, 25, 0, 0)
    assert len(sales.walk("/subscriptions")) == 25
    assert len(sales.harness.published(PlanChanged)) == 1


def test_mapping_and_options_are_changed_until_the_confirmation(sales: Any) -> None:
    (anna,) = sales.customers("anna")
    import_id = upload(sales.client, "who;what;since;price;vat", "anna;Fiber;02/03/2020;9,99;21")
    first = sales.get(f"/imports/{import_id}")
    assert first["mapping"] == {"price": "price", "tax_rate": "vat"}
    assert (first["cut_over"], first["create_plans"], first["opening_balances"], first["tax_included"]) == (
        "2026-11-24", True, True, False,
    )  # fmt: skip
    assert sales.client.get(f"/imports/{import_id}/preview").json["type"] == "/problems/mapping-wrong"
    path = f"/imports/{import_id}/mapping"
    mapping = first["mapping"] | {"login": "who", "plan": "what", "starts_on": "since"}
    changed = sales.client.put(path, {"mapping": mapping, "cut_over": "2026-12-01", "date_order": "mdy"})
    assert changed.status_code == 200, changed.text
    assert (changed.json["mapping"], changed.json["cut_over"]) == (mapping, "2026-12-01")
    far = sales.client.put(path, {"mapping": mapping, "cut_over": "2099-12-01"})
    assert (far.status_code, far.json["errors"][0]["pointer"]) == (422, "/cut_over")
    confirm(sales.client, import_id)
    (service,) = sales.get("/subscriptions", customer_id=anna)["items"]
    assert (service["starts_on"], service["charged_until"]) == ("2020-02-03", "2026-12-01")
    late = sales.client.put(path, {"mapping": mapping})
    assert (late.status_code, late.json["type"]) == (409, "/problems/import-confirmed")


def test_failed_rows_come_back_as_a_file_before_and_after(sales: Any) -> None:
    sales.customers("anna")
    import_id = upload(sales.client, HEADER, ANNA, ANNA.replace("anna", "nobody"), ANNA.replace("anna", "short;"))
    before = sales.client.get(f"/imports/{import_id}/failures.csv").data
    confirm(sales.client, import_id, skip_errors=True)
    after = sales.client.get(f"/imports/{import_id}/failures.csv").data
    assert before == after
    lines = after.decode("utf-8-sig").splitlines()
    assert lines[0] == f"Row;Line;Error;{HEADER}"
    assert lines[1] == f"2;3;There is no customer with this login;{ANNA.replace('anna', 'nobody')}"
    assert lines[2].startswith("3;4;9 columns instead of 8;short;;")


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"cut_over": "soon"}, "/cut_over"),
        ({"cut_over": "2029-01-01"}, "/cut_over"),
        ({"create_plans": "perhaps"}, "/create_plans"),
        ({"opening_balances": "7"}, "/opening_balances"),
        ({"is_admin": "true"}, "/is_admin"),
    ],
)
def test_a_bad_option_is_refused_naming_it(sales: Any, options: dict[str, str], pointer: str) -> None:
    answer = send(sales.client, f"{HEADER}\n{ANNA}", **options)
    assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])
    assert sales.get("/imports")["items"] == []


@pytest.mark.parametrize(
    ("content", "filename", "problem"),
    [
        (b"", "customers.csv", "empty-file"),
        (b"%PDF-1.7 ...", "customers.csv", "not-a-table"),
        (b"Login;Plan\nanna;P\n", "customers.exe", "not-a-table"),
        (b"Login;Login\nanna;P\n", "customers.csv", "duplicate-header"),
        (b"PK\x03\x04 cut off", "customers.xlsx", "damaged-workbook"),
        (b"<!DOCTYPE html><table>", "customers.csv", "not-a-table"),
    ],
)
def test_a_file_that_is_no_table_is_refused_and_not_kept(
    sales: Any, content: bytes, filename: str, problem: str
) -> None:
    answer = send(sales.client, content, filename)
    assert (answer.status_code, answer.json["type"]) == (422, f"/problems/{problem}")
    assert sales.get("/imports")["items"] == []


def test_an_import_is_noted_in_the_audit(sales: Any) -> None:
    sales.customers("anna")
    imported(sales.client, HEADER, ANNA)
    with sales.harness.session() as session:
        actions = [row.action for row in session.execute(audit_entry.select().order_by(audit_entry.c.id))]
    assert actions == [
        "subscription_file_uploaded", "subscription_import_confirmed", "plan_made", "subscriptions_imported",
    ]  # fmt: skip


def test_rights_decide(harness: ServiceHarness) -> None:
    unknown = "/imports/0192f0c8-0000-7000-8000-000000000000"
    for client, status in ((harness.stranger(), 401), (harness.client("billing:write"), 403)):
        assert send(client, f"{HEADER}\n{ANNA}").status_code == status
        for path in ("/imports", unknown, f"{unknown}/preview", f"{unknown}/failures.csv"):
            assert client.get(path).status_code == status
        assert client.put(f"{unknown}/mapping", {"mapping": {}}).status_code == status
        assert client.post(f"{unknown}/confirm", {}).status_code == status
    allowed = harness.client("billing:import")
    assert send(allowed, f"{HEADER}\n{ANNA}").status_code == 201
    assert allowed.get(unknown).status_code == 404


def test_the_document_of_the_api_names_the_form_fields(harness: ServiceHarness) -> None:
    document = harness.client().get("/openapi.json").json
    content = document["paths"]["/imports"]["post"]["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]
    shown = document["components"]["schemas"]
    assert {"companion", "cut_over", "create_plans"} <= set(shown["Companion"]["properties"])
    assert {"cut_over", "mapping", "same_file"} <= set(shown["OneImport"]["properties"])
    assert {"plans", "balance", "rows", "errors"} <= set(shown["Preview"]["properties"])
    assert {"mapping", "date_order", "cut_over"} <= set(shown["Mapping"]["properties"])
