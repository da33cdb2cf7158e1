"""One ISP's month, end to end, on both transports: every figure equals its list, and the books are the same."""

import urllib.request
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from billhook.demo.client import Client
from billhook.demo.customers_file import CUSTOMERS, customers_file

from .conftest import TODAY, Installation

TRANSPORTS = [
    pytest.param("embedded", marks=pytest.mark.integration, id="embedded"),
    pytest.param("cluster", marks=pytest.mark.broker, id="rabbitmq"),
]


@pytest.fixture(params=TRANSPORTS)
def api(request: pytest.FixtureRequest) -> Client:
    installation: Installation = request.getfixturevalue(request.param)
    return installation.client


def amount(money: dict[str, str]) -> Decimal:
    assert money["currency"] == "EUR"
    return Decimal(money["amount"])


def everything(api: Client, path: str, **query: object) -> list[dict[str, Any]]:
    return list(api.pages(path, **query))


def test_all_good_rows_became_customers_with_services(api: Client) -> None:
    file = customers_file(TODAY.replace(day=1))
    customers = everything(api, "/crm/customers")
    assert len(customers) >= 500
    assert CUSTOMERS - len(customers) <= file.dirty
    assert api.get("/crm/customers/count")["total"] == len(customers)
    assert {one["id"] for one in customers} == {one["customer"]["id"] for one in everything(api, "/billing/accounts")}
    served = {one["customer"]["id"] for one in everything(api, "/billing/subscriptions")}
    assert served <= {one["id"] for one in customers}
    assert len(served) >= 500


def test_the_run_its_invoices_and_the_ledger_agree(api: Client) -> None:
    (run,) = everything(api, "/billing/runs")
    charges = everything(api, "/billing/transactions", kind="charge")
    invoices = everything(api, "/invoicing/invoices")
    assert run["totals"] == run["charged_totals"]
    assert run["counts"]["charged"] == len(charges) == len(invoices)
    gross = Decimal(run["charged_totals"]["gross"])
    assert gross == sum(amount(one["amount"]) for one in charges) == sum(amount(one["gross_total"]) for one in invoices)
    for invoice in invoices[:40]:
        whole = api.get(f"/invoicing/invoices/{invoice['id']}")
        assert amount(whole["net_total"]) + amount(whole["tax_total"]) == amount(whole["gross_total"])
    numbers = sorted(one["number"] for one in invoices)
    sequence = [int(number[-6:]) for number in numbers]
    assert sequence == list(range(sequence[0], sequence[0] + len(invoices)))


def test_every_balance_is_the_sum_of_its_transactions_everywhere(api: Client) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for transaction in everything(api, "/billing/transactions"):
        if transaction["customer"]:
            sums[transaction["customer"]["id"]] += amount(transaction["change"])
    for account in everything(api, "/billing/accounts"):
        assert amount(account["balance"]) == sums[account["customer"]["id"]]
    for customer in everything(api, "/crm/customers"):
        assert amount(customer["balance"]) == sums[customer["id"]]
    assert api.get("/billing/audit")["differences"] == []
    assert [Decimal(total["balance"]) for total in api.get("/billing/trial-balance")["totals"]] == [Decimal(0)]


def test_what_is_open_is_the_same_in_billing_invoicing_and_payments(api: Client) -> None:
    items = {
        one["document_id"]: amount(one["open"])
        for one in everything(api, "/billing/items", state="all")
        if one["document_id"]
    }
    invoices = everything(api, "/invoicing/invoices")
    assert {one["id"]: amount(one["open_amount"]) for one in invoices} == items
    for invoice in invoices:
        state = {True: "paid", False: "unpaid"}.get(items[invoice["id"]] == 0)
        if 0 < items[invoice["id"]] < amount(invoice["gross_total"]):
            state = "partially_paid"
        assert invoice["state"] == state


def test_every_line_of_the_statement_is_accounted_for(api: Client) -> None:
    (listed,) = everything(api, "/payments/statements")
    statement = api.get(f"/payments/statements/{listed['id']}")
    entries = everything(api, f"/payments/statements/{listed['id']}/entries")
    assert statement["proof"] == "proved"
    assert len(entries) == statement["entries"]
    credits = [one for one in entries if amount(one["amount"]) > 0]
    assert sum(amount(one["amount"]) for one in credits) == amount(statement["credits"])
    counted: dict[str, int] = defaultdict(int)
    for entry in credits:
        counted[entry["state"]] += 1
    for state, number in statement["counts"].items():
        if state in {"auto", "processed", "proposed", "queued", "ignored"}:
            assert counted[state] == number, state
    # Unmatched money is in the ledger too (R30).
    waiting = sum(amount(one["amount"]) for one in credits if one["state"] in {"proposed", "queued"})
    accounts = {one["account"]: Decimal(one["balance"]) for one in api.get("/billing/trial-balance")["accounts"]}
    assert accounts.get("suspense", Decimal(0)) == waiting
    matched = [one for one in credits if one["state"] in {"auto", "processed"}]
    assert len(matched) / len(credits) > 0.75


def test_figures_equal_the_lists_behind_them(api: Client) -> None:
    items = everything(api, "/billing/items", state="open")
    owed = api.get("/billing/panels/receivables")
    assert (owed["owed_count"], amount(owed["owed"])) == (len(items), sum(amount(one["open"]) for one in items))
    overdue = [one for one in items if one["overdue"]]
    assert (owed["overdue_count"], amount(owed["overdue"])) == (
        len(overdue),
        sum(amount(one["open"]) for one in overdue),
    )
    assert sum(one["count"] for one in owed["buckets"]) == len(overdue)
    unmatched = api.get("/payments/panels/unmatched")
    waiting = everything(api, "/payments/entries", state="to_check")
    assert unmatched["count"] == len(waiting)
    tickets = api.get("/tickets/panels/tickets")
    assert tickets["open"] == len(everything(api, "/tickets/tickets", state="open")) == 6
    assert api.get("/inventory/panels/items")["total"] == 12


def test_uploading_the_same_files_again_changes_nothing(api: Client) -> None:
    before = len(everything(api, "/payments/payments"))
    (listed,) = everything(api, "/payments/statements")
    request = urllib.request.Request(
        f"{api._url}/api/payments/statements/{listed['id']}/file", headers={"Authorization": f"Bearer {api._key}"}
    )
    content = urllib.request.urlopen(request, timeout=30).read()
    again = api.upload("/payments/statements", "again.xml", content, key="again")
    assert not again["created"]
    assert [one["id"] for one in again["statements"]] == [listed["id"]]
    assert len(everything(api, "/payments/payments")) == before
    assert len(everything(api, "/payments/statements")) == 1


@pytest.mark.broker
def test_both_transports_leave_the_same_books(embedded: Installation, cluster: Installation) -> None:
    def books(api: Client) -> dict[str, tuple[str, ...]]:
        customers = {one["id"]: one["login"] for one in api.pages("/crm/customers")}
        found: dict[str, list[str]] = defaultdict(list)
        for one in api.pages("/billing/transactions"):
            if one["customer"]:
                found[customers[one["customer"]["id"]]].append(f"{one['kind']} {one['change']['amount']}")
        return {login: tuple(sorted(lines)) for login, lines in found.items()}

    assert books(embedded.client) == books(cluster.client)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_nothing_was_parked_and_no_error_was_logged(transport: str, request: pytest.FixtureRequest) -> None:
    logs = request.getfixturevalue(transport).logs()
    assert '"level": "error"' not in logs
    assert "event_parked" not in logs
    assert "Traceback" not in logs
