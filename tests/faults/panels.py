"""Dashboards equal their sources: each panel's figures are those of the list behind it."""

from decimal import Decimal
from typing import Any, Protocol

Rows = list[dict[str, Any]]
_HOME = "EUR"


class Lists(Protocol):
    """Reads the API."""

    def get(self, path: str, **query: object) -> Any:
        """GET, decoded."""
        ...

    def pages(self, path: str, **query: object) -> Any:
        """Every item of a list."""
        ...


def panels_equal_their_lists(api: Lists) -> None:
    """Receivables, what was charged, invoiced, is unpaid and was received, what waits for a person, customers."""
    _of_billing(api)
    _of_invoicing(api)
    _of_payments(api)
    customers = api.get("/crm/panels/customers")
    assert customers["total"] == len(list(api.pages("/crm/customers")))
    for status, number in customers["by_status"].items():
        assert number == len(list(api.pages("/crm/customers", status=status))), status
    assert customers["overdue"] == len(list(api.pages("/crm/customers", overdue="true")))
    assert customers["new_this_month"] == len(list(api.pages("/crm/customers", created_from=customers["month_from"])))


def _of_billing(api: Lists) -> None:
    owed, items = api.get("/billing/panels/receivables"), list(api.pages("/billing/items", state="open"))
    overdue = [item for item in items if item["overdue"]]
    assert (owed["owed_count"], _amount(owed["owed"])) == (len(items), _sum(items, "open"))
    assert (owed["overdue_count"], _amount(owed["overdue"])) == (len(overdue), _sum(overdue, "open"))
    assert sum(bucket["count"] for bucket in owed["buckets"]) == len(overdue)
    charged = api.get("/billing/panels/charged")
    days = {"from": charged["from"], "until": charged["until"]}
    _equal(charged, list(api.pages("/billing/transactions", kind="charge", **days)), "amount")
    assert api.get("/billing/panels/recurring")["count"] == len(
        [one for one in api.pages("/billing/subscriptions", state="active") if _amount(one["monthly"])]
    )


def _of_invoicing(api: Lists) -> None:
    invoiced = api.get("/invoicing/panels/invoiced")
    issued = list(api.pages("/invoicing/invoices", **{"from": invoiced["from"], "until": invoiced["until"]}))
    assert (invoiced["count"], _amount(invoiced["gross"])) == (len(issued), _sum(issued, "gross_total"))
    assert _amount(invoiced["net"]) == _sum(issued, "net_total")
    for state, figures in api.get("/invoicing/panels/unpaid").items():
        _equal(figures, list(api.pages("/invoicing/invoices", state=state)), "open_amount")


def _of_payments(api: Lists) -> None:
    received = api.get("/payments/panels/payments")
    days = {"from": received["from"], "until": received["until"]}
    _equal(received, list(api.pages("/payments/payments", state="confirmed", **days)), "amount")
    unmatched, waiting = api.get("/payments/panels/unmatched"), list(api.pages("/payments/entries", state="to_check"))
    _equal(unmatched, waiting, "amount")
    # Unmatched money is in the ledger too (R30).
    accounts = {one["account"]: one["balance"] for one in api.get("/billing/trial-balance")["accounts"]}
    assert Decimal(accounts.get("suspense", "0")) == _sum(waiting, "amount")


def _equal(figures: dict[str, Any], rows: Rows, column: str) -> None:
    assert (figures["count"], _amount(figures["sum"])) == (len(rows), _sum(rows, column))


def _sum(rows: Rows, column: str) -> Decimal:
    return sum((_amount(row[column]) for row in rows), Decimal(0))


def _amount(money: dict[str, str]) -> Decimal:
    assert money["currency"] == _HOME
    return Decimal(money["amount"])
