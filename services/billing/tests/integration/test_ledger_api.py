"""The ledger over HTTP: posting by hand, taking back, lists, totals and the books as a whole."""

from typing import Any
from uuid import UUID

import pytest

from billhook_common.contracts.billing import TransactionPosted
from billhook_common.ids import uuid7

pytestmark = pytest.mark.integration


def a_body(customer_id: UUID, amount: str = "10.00", side: str = "credit", **other: Any) -> dict[str, Any]:
    return {
        "customer_id": str(customer_id), "side": side, "description": "Goodwill",
        "amount": {"amount": amount, "currency": "EUR"},
    } | other  # fmt: skip


def test_a_correction_moves_the_balance_and_is_told(books: Any) -> None:
    customer_id = books.customer()
    answer = books.harness.client().post("/transactions", a_body(customer_id, side="debit"), key="key-1")
    assert answer.status_code == 201, answer.text
    one = answer.json
    shown = ("kind", "side", "amount", "change", "balance_after", "source_key", "actor")
    assert {name: one[name] for name in shown} == {
        "kind": "correction", "side": "debit", "amount": {"amount": "10.00", "currency": "EUR"},
        "change": {"amount": "-10.00", "currency": "EUR"}, "balance_after": {"amount": "-10.00", "currency": "EUR"},
        "source_key": "key-1", "actor": "user:test",
    }  # fmt: skip
    assert one["customer"] == {"id": str(customer_id), "number": "10000001", "name": "Anna Nováková"}
    assert [(entry["account"], entry["amount"]["amount"]) for entry in one["entries"]] == [
        ("customers", "-10.00"), ("corrections", "10.00"),
    ]  # fmt: skip
    (told,) = books.harness.published(TransactionPosted)
    assert (told.kind, told.side, str(told.amount), str(told.balance_after)) == (
        "correction", "debit", "10.00 EUR", "-10.00 EUR",
    )  # fmt: skip
    assert books.read("SELECT action, subject FROM audit_entry") == [("transaction_posted", UUID(one["id"]))]


def test_a_command_repeated_with_its_key_has_one_effect_and_the_same_answer(books: Any) -> None:
    customer_id, client = books.customer(), books.harness.client()
    body = a_body(customer_id)
    first, again = (client.post("/transactions", body, key="once") for _ in range(2))
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert client.post("/transactions", body | {"description": "other"}, key="once").status_code == 422
    missing = client.post("/transactions", body, key=None)
    assert (missing.status_code, missing.json["type"]) == (400, "/problems/idempotency-key-missing")
    assert books.balance(customer_id) == 10
    listed = client.get("/transactions", source_key="once").json["items"]
    assert [item["id"] for item in listed] == [first.json["id"]]
    entries = client.get("/entries", source_key="once").json["items"]
    assert [(entry["account"], entry["source_key"]) for entry in entries] == [
        ("corrections", "once"), ("customers", "once"),
    ]  # fmt: skip


BAD = [
    ({"amount": {"amount": "0.00", "currency": "EUR"}}, 422, "/amount"),
    ({"amount": {"amount": "-1.00", "currency": "EUR"}}, 422, "/amount"),
    ({"amount": {"amount": "1.001", "currency": "EUR"}}, 422, "/amount"),
    ({"amount": {"amount": "1" + "0" * 18, "currency": "EUR"}}, 422, "/amount"),
    ({"amount": {"amount": "1e309", "currency": "EUR"}}, 422, "/amount"),
    ({"amount": {"amount": "NaN", "currency": "EUR"}}, 422, "/amount"),
    ({"amount": {"amount": 10, "currency": "EUR"}}, 422, "/amount"),
    ({"amount": "10.00"}, 422, "/amount"),
    ({"amount": {"amount": "10.00", "currency": "XXX"}}, 422, "/amount"),
    ({"amount": {"amount": "10.00", "currency": "CZK"}}, 409, "/amount"),
    ({"customer_id": "nobody"}, 422, "/customer_id"),
    ({"customer_id": None}, 422, "/customer_id"),
    ({"side": "left"}, 422, "/side"),
    ({"kind": "payment"}, 422, "/kind"),
    ({"description": ""}, 422, "/description"),
    ({"description": "x" * 501}, 422, "/description"),
    ({"date": "2026-02-30"}, 422, "/date"),
    ({"date": "yesterday"}, 422, "/date"),
    ({"date": "0001-01-01"}, 422, "/date"),
    ({"date": "2026-11-25"}, 422, "/date"),
    ({"due_on": "9999-12-31"}, 422, "/due_on"),
    ({"balance_after": "0"}, 422, "/balance_after"),
]


@pytest.mark.parametrize(("change", "status", "pointer"), BAD, ids=[str(row[0])[:60] for row in BAD])
def test_a_bad_posting_is_refused_naming_the_field(books: Any, change: Any, status: int, pointer: str) -> None:
    customer_id = books.customer()
    answer = books.harness.client().post("/transactions", a_body(customer_id) | change)
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    assert {error["pointer"] for error in answer.json["errors"]} == {pointer}
    assert books.read("SELECT count(*) FROM ledger_transaction") == [(0,)]


def test_a_customer_that_has_not_arrived_is_answered_with_try_again(books: Any) -> None:
    created, client = books.a_customer(), books.harness.client()
    body = a_body(created.customer_id)
    early = client.post("/transactions", body, key="k")
    assert (early.status_code, early.json["type"]) == (409, "/problems/not-known-yet")
    assert early.headers["Retry-After"] == "1"
    books.harness.deliver(created)
    assert client.post("/transactions", body, key="k").status_code == 201


def test_a_transaction_without_document_is_taken_back_once(books: Any) -> None:
    customer_id, client = books.customer(), books.harness.client()
    debit = client.post("/transactions", a_body(customer_id, "25.00", "debit")).json
    client.post("/transactions", a_body(customer_id, "25.00"))
    assert client.get("/items", customer_id=customer_id).json["items"] == []
    answer = client.post(f"/transactions/{debit['id']}/reverse", {"reason": "typing mistake"})
    assert answer.status_code == 201, answer.text
    assert (answer.json["kind"], answer.json["reverses"], answer.json["side"]) == ("reversal", debit["id"], "credit")
    assert answer.json["description"] == "Goodwill taken back: typing mistake"
    assert client.get(f"/accounts/{customer_id}").json["unallocated"]["amount"] == "25.00"
    again = client.post(f"/transactions/{debit['id']}/reverse")
    assert (again.status_code, again.json["type"]) == (409, "/problems/reversed-already")
    twice = client.post(f"/transactions/{answer.json['id']}/reverse")
    assert (twice.status_code, twice.json["type"]) == (409, "/problems/cannot-be-reversed")


def test_what_a_document_shows_takes_a_credit_note(books: Any, facts: Any) -> None:
    customer_id, client = books.customer(), books.harness.client()
    books.charge(customer_id, 121, text="on its way")
    invoice = facts.invoice(customer_id, 50)
    books.harness.deliver(invoice, facts.credit_note(invoice, 20), facts.payment(customer_id, 30))
    types = {
        item["description"]: client.post(f"/transactions/{item['id']}/reverse").json["type"]
        for item in client.get("/transactions").json["items"]
    }
    assert types == {
        "on its way": "/problems/has-document", "Invoice 2026001": "/problems/has-document",
        "Credit note CN1": "/problems/has-document", "Payment P1": "/problems/cannot-be-reversed",
    }  # fmt: skip
    books.charge(customer_id, 10, text="no document", documented=False)
    charge = client.get("/transactions").json["items"][0]
    assert client.post(f"/transactions/{charge['id']}/reverse").status_code == 201
    assert client.post(f"/transactions/{uuid7()}/reverse").status_code == 404


def test_lists_are_paged_filtered_and_summed(books: Any, facts: Any) -> None:
    client = books.harness.client()
    mine, other = books.customer(), books.customer()
    for number in range(7):
        client.post("/transactions", a_body(mine, f"{number + 1}.00", "debit" if number % 2 else "credit"))
    client.post("/transactions", a_body(other, "99.00", kind="opening", date="2026-01-31"))
    for filters, length in (
        ({}, 8), ({"customer_id": mine}, 7), ({"kind": "opening"}, 1), ({"from": "2026-02-01"}, 7),
        ({"until": "2026-02-01"}, 1), ({"from": "2026-02-01", "until": "2026-11-24"}, 0), ({"run_id": uuid7()}, 0),
    ):  # fmt: skip
        seen: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = client.get("/transactions", limit=3, **filters, **after).json
            seen += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert len(seen) == len(set(seen)) == length, filters
        assert seen == [item["id"] for item in client.get("/transactions", limit=500, **filters).json["items"]]
    assert client.get("/transactions", customer_id=mine, totals="true", limit=1).json["totals"] == {
        "EUR": {"debit": {"count": 3, "sum": "12.00"}, "credit": {"count": 4, "sum": "16.00"}}
    }
    assert client.get("/transactions", totals="true", kind="refund").json["totals"] == {}
    assert client.get("/transactions").json.keys() == {"items", "next"}


def test_entries_are_listed_by_account_customer_and_transaction(books: Any, facts: Any) -> None:
    customer_id, client = books.customer(), books.harness.client()
    books.harness.deliver(facts.invoice(customer_id, 121), facts.payment(customer_id, 30))
    accounts = [entry["account"] for entry in client.get("/entries").json["items"]]
    assert sorted(accounts) == ["bank", "customers", "customers", "revenue", "tax"]
    tax = client.get("/entries", account="tax").json["items"][0]
    assert (tax["amount"]["amount"], tax["tax_rate"], tax["kind"]) == ("21.00", "21.000000", "charge")
    own = client.get("/entries", customer_id=customer_id).json["items"]
    assert [entry["balance_after"]["amount"] for entry in own] == ["-91.00", "-121.00"]
    assert len(client.get("/entries", transaction_id=tax["transaction_id"]).json["items"]) == 3


def test_items_show_what_is_open_overdue_and_who_paid(books: Any, facts: Any) -> None:
    customer_id, client = books.customer(), books.harness.client()
    old = facts.invoice(customer_id, 100, due=facts.day(1))
    new = facts.invoice(customer_id, 50, number="2026002", due=facts.day(30))
    books.harness.deliver(old, new, facts.payment(customer_id, 70))

    def listed(**filters: Any) -> list[tuple[str, str, bool]]:
        page = client.get("/items", **filters).json
        return [(item["document_number"], item["open"]["amount"], item["overdue"]) for item in page["items"]]

    assert listed() == [("2026001", "30.00", True), ("2026002", "50.00", False)]
    assert listed(state="overdue") == [("2026001", "30.00", True)]
    assert listed(document_id=new.document_id) == [("2026002", "50.00", False)]
    books.harness.deliver(facts.payment(customer_id, 30, number="P2", on=facts.day(12)))
    assert listed() == [("2026002", "50.00", False)]
    assert listed(state="all") == [("2026002", "50.00", False), ("2026001", "0.00", False)]
    totals = client.get("/items", state="all", totals="true").json["totals"]
    assert totals == {"EUR": {"count": 2, "total": "150.00", "open": "50.00"}}
    paid = client.get("/items", state="all", document_id=old.document_id).json["items"][0]
    one = client.get(f"/items/{paid['transaction_id']}").json
    assert [(row["description"], row["amount"]["amount"]) for row in one["allocations"]] == [
        ("Payment P1", "70.00"), ("Payment P2", "30.00"),
    ]  # fmt: skip
    assert client.get(f"/items/{uuid7()}").status_code == 404


def test_accounts_show_what_makes_up_the_balance(books: Any, facts: Any) -> None:
    client = books.harness.client()
    owing, even, rich = (books.customer() for _ in range(3))
    books.harness.deliver(
        facts.invoice(owing, 100, due=facts.day(1)), facts.invoice(owing, 50, number="2026002", due=facts.day(30)),
        facts.payment(owing, 30), facts.payment(rich, 10),
    )  # fmt: skip
    account = client.get(f"/accounts/{owing}").json
    amounts = {name: account[name]["amount"] for name in ("balance", "unallocated", "open", "overdue")}
    assert amounts == {"balance": "-120.00", "unallocated": "0.00", "open": "120.00", "overdue": "70.00"}
    page = client.get("/accounts", totals="true").json
    assert [item["customer"]["id"] for item in page["items"]] == [str(owing), str(even), str(rich)]
    assert page["totals"] == {"EUR": {"count": 3, "balance": "-110.00"}}
    debtors = client.get("/accounts", owing="true", totals="true").json
    assert [item["balance"]["amount"] for item in debtors["items"]] == ["-120.00"]
    assert debtors["totals"] == {"EUR": {"count": 1, "balance": "-120.00"}}
    assert client.get(f"/accounts/{uuid7()}").status_code == 404


def test_the_trial_balance_sums_to_zero_on_any_day(books: Any, facts: Any) -> None:
    customer_id, client = books.customer(), books.harness.client()
    books.harness.deliver(facts.invoice(customer_id, 121), facts.payment(customer_id, 50, on=facts.day(20)))
    balance = client.get("/trial-balance").json
    assert {row["account"]: (row["debit"], row["credit"], row["balance"]) for row in balance["accounts"]} == {
        "customers": ("121.00", "50.00", "-71.00"), "revenue": ("0.00", "100.00", "100.00"),
        "tax": ("0.00", "21.00", "21.00"), "bank": ("50.00", "0.00", "-50.00"),
    }  # fmt: skip
    assert balance["totals"] == [{"currency": "EUR", "debit": "171.00", "credit": "171.00", "balance": "0.00"}]
    before = client.get("/trial-balance", as_of="2026-11-19").json
    assert before["totals"][0]["debit"] == "121.00"
    assert client.get("/trial-balance", as_of="nonsense").status_code == 422


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/transactions", {"kind": "gift"}),
        ("/transactions", {"customer_id": "x"}),
        ("/transactions", {"from": "2026-13-01"}),
        ("/transactions", {"limit": "0"}),
        ("/transactions", {"after": "\0"}),
        ("/transactions", {"source_key": ""}),
        ("/items", {"state": "lost"}),
        ("/entries", {"account": "petty"}),
        ("/accounts", {"owing": "perhaps"}),
        ("/transactions/nonsense", {}),
    ],
)
def test_a_filter_that_means_nothing_is_refused(books: Any, path: str, query: dict[str, str]) -> None:
    answer = books.harness.client().get(path, **query)
    assert answer.status_code in {400, 404, 422}
    assert answer.content_type == "application/problem+json"


def test_rights_decide(books: Any) -> None:
    customer_id = books.customer()
    for path in ("/transactions", "/entries", "/items", "/accounts", "/trial-balance", "/audit"):
        assert books.harness.stranger().get(path).status_code == 401
        assert books.harness.client("crm:read").get(path).status_code == 403
        assert books.harness.client("billing:read").get(path).status_code == 200
    assert books.harness.client("billing:read").post("/transactions", a_body(customer_id)).status_code == 403
    assert books.harness.client("billing:write").post("/transactions", a_body(customer_id)).status_code == 201
