"""Invoices through HTTP: what is open, lists that equal their figures, and who may see them."""

import datetime as dt
import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billhook_common.contracts.billing import CustomerCharged
from billhook_common.ids import uuid7
from billhook_common.testing import ServiceHarness
from billhook_invoicing.queries import SORTING, STATES

pytestmark = pytest.mark.integration

Desk = Any


def amounts(items: list[dict[str, Any]], field: str) -> Decimal:
    return sum((Decimal(item[field]["amount"]) for item in items), start=Decimal(0))


def figure(money: dict[str, str]) -> Decimal:
    return Decimal(money["amount"])


@pytest.fixture
def month(harness: ServiceHarness, desk: Desk) -> Iterator[dict[str, CustomerCharged]]:
    """Five invoices issued on 24 November: paid, part paid, unpaid, and two that are overdue at the end of December."""
    charges = {
        name: desk.charge(desk.a_customer_is_known(f"{name.title()} Žižka"), ("1", price, "21"), due_on=due, run_id=run)
        for name, price, due, run in [
            ("paid", "10", dt.date(2026, 11, 15), UUID(int=1)),
            ("part", "20", dt.date(2026, 11, 15), UUID(int=1)),
            ("unpaid", "40", dt.date(2027, 1, 20), UUID(int=1)),
            ("late", "80", dt.date(2026, 11, 15), UUID(int=2)),
            ("later", "160", dt.date(2026, 11, 20), UUID(int=2)),
        ]
    }
    harness.deliver(*charges.values())
    harness.deliver(desk.item(charges["paid"], "0"), desk.item(charges["part"], "4.20"))
    harness.clock.set(dt.datetime(2026, 12, 31, 12, tzinfo=dt.UTC))
    yield charges


def names(items: list[dict[str, Any]]) -> list[str]:
    return [item["customer"]["name"].split()[0].lower() for item in items]


def test_an_invoice_says_why_it_costs_what_it_costs(desk: Desk) -> None:
    charge = desk.charged(("1", "24.90", "21"), ("2", "1.505", "12"))
    invoice = desk.invoice(charge)
    assert invoice["number"] == "INV-2026-000001"
    assert [invoice[name] for name in ("bill_date", "issued_on", "tax_point_on", "due_on")] == [
        "2026-11-01", "2026-11-24", "2026-11-01", "2026-12-08",
    ]  # fmt: skip
    assert invoice["period"] == {"from": "2026-11-01", "until": "2026-12-01"}
    assert [invoice[name]["amount"] for name in ("net_total", "tax_total", "gross_total", "open_amount")] == [
        "27.91", "5.59", "33.50", "33.50",
    ]  # fmt: skip
    assert invoice["lines"][1] == {
        "text": "Fiber 2", "subscription_id": str(charge.lines[1].subscription_id),
        "period": {"from": "2026-11-01", "until": "2026-12-01"}, "days": 30, "period_days": 30, "rule": "full_period",
        "quantity": "2", "unit_price": "1.505", "tax_included": False, "discount": "0.00", "tax_rate": "12",
        "net": "3.01", "tax": "0.36", "gross": "3.37",
    }  # fmt: skip
    assert invoice["taxes"] == [
        {"rate": "12", "net": "3.01", "tax": "0.36"},
        {"rate": "21", "net": "24.90", "tax": "5.23"},
    ]
    assert (invoice["seller"], invoice["buyer"]["city"]) == (None, "Mirov")
    assert invoice["customer"]["number"] == "10000001"
    assert [item["what"] for item in invoice["history"]] == ["issued"]


def test_an_invoice_is_paid_step_by_step_and_opens_again(harness: ServiceHarness, desk: Desk) -> None:
    charge = desk.charged()
    assert desk.invoice(charge)["state"] == "unpaid"
    harness.clock.advance(dt.timedelta(days=1))
    for version, still_open, state in [(2, "10.00", "partially_paid"), (3, "0", "paid"), (4, "30.13", "unpaid")]:
        harness.deliver(desk.item(charge, still_open, version))
        invoice = desk.invoice(charge)
        assert (invoice["state"], figure(invoice["open_amount"])) == (state, Decimal(still_open))
    assert [item["what"] for item in desk.invoice(charge)["history"]] == ["issued", "settled"]


def test_what_is_open_is_the_newest_version_in_any_order(harness: ServiceHarness, desk: Desk) -> None:
    for order in itertools.permutations([2, 3, 4, "charge"]):
        charge = desk.charge(desk.a_customer_is_known())
        for step in order:
            opened = {2: "20.00", 3: "0", 4: "5.00"}
            harness.deliver(charge if step == "charge" else desk.item(charge, opened[step], step))
        invoice = desk.invoice(charge)
        assert (invoice["state"], figure(invoice["open_amount"])) == ("partially_paid", Decimal("5.00")), order
        harness.deliver(charge, desk.item(charge, "20.00", 2))
        assert figure(desk.invoice(charge)["open_amount"]) == Decimal("5.00")


def test_an_invoice_paid_before_it_was_issued_is_born_paid(harness: ServiceHarness, desk: Desk) -> None:
    charge = desk.charge(desk.a_customer_is_known())
    harness.deliver(desk.item(charge, "0"))
    assert desk.walk() == []
    harness.deliver(charge)
    assert desk.invoice(charge)["state"] == "paid"
    assert desk.invoice(charge)["history"][0]["open"]["amount"] == "0.00"
    assert desk.walk(state="open") == []


def test_overdue_is_seen_the_day_after_the_due_date(harness: ServiceHarness, desk: Desk) -> None:
    charge = desk.charged()
    assert desk.invoice(charge)["due_on"] == "2026-12-08"
    harness.clock.set(dt.datetime(2026, 12, 8, 22, 59, tzinfo=dt.UTC))
    assert desk.invoice(charge)["overdue"] is False
    harness.clock.advance(dt.timedelta(minutes=2))
    assert (desk.invoice(charge)["overdue"], desk.invoice(charge)["state"]) == (True, "unpaid")
    harness.deliver(desk.item(charge, "1.00"))
    assert (desk.invoice(charge)["overdue"], desk.invoice(charge)["state"]) == (True, "partially_paid")
    harness.deliver(desk.item(charge, "0", 3))
    assert desk.invoice(charge)["overdue"] is False


def test_lists_are_filtered(month: dict[str, CustomerCharged], desk: Desk) -> None:
    assert names(desk.walk()) == ["later", "late", "unpaid", "part", "paid"]
    assert names(desk.walk(state="paid")) == ["paid"]
    assert names(desk.walk(state="partially_paid")) == ["part"]
    assert names(desk.walk(state="unpaid")) == ["later", "late", "unpaid"]
    assert names(desk.walk(state="open")) == ["later", "late", "unpaid", "part"]
    assert names(desk.walk(state="overdue")) == ["later", "late", "part"]
    assert names(desk.walk(overdue="true", state="unpaid")) == ["later", "late"]
    assert names(desk.walk(overdue="false")) == ["unpaid", "paid"]
    assert names(desk.walk(run_id=str(UUID(int=2)))) == ["later", "late"]
    assert names(desk.walk(customer_id=str(month["part"].customer_id))) == ["part"]
    assert names(desk.walk(month="2026-11", state="paid")) == ["paid"]
    assert desk.walk(month="2026-12") == []
    assert len(desk.walk(**{"from": "2026-11-24", "until": "2026-11-25"})) == 5
    assert desk.walk(**{"from": "2026-11-25"}) == desk.walk(until="2026-11-24") == []
    assert desk.walk(currency="CZK") == []


def test_invoices_are_found_by_number_and_by_name(month: dict[str, CustomerCharged], desk: Desk) -> None:
    everyone = ["later", "late", "unpaid", "part", "paid"]
    for query, found in {
        "INV-2026-000002": ["part"], "inv-2026-000002": ["part"], "2": ["part"], "000004": ["late"],
        "INV-2026": everyone, "zizka": everyone, "ŽIŽKA part": ["part"], "žižka nobody": [],
        "10000003": ["unpaid"], "---": everyone,
        "%": everyone, "_": everyone, "99999999999999999999999": [],
    }.items():  # fmt: skip
        assert names(desk.walk(q=query)) == found, query


def test_lists_are_paged_in_every_order(month: dict[str, CustomerCharged], desk: Desk) -> None:
    keys = {
        "number": lambda item: item["number"],
        "issued_on": lambda item: (item["issued_on"], item["number"]),
        "due_on": lambda item: (item["due_on"], item["number"]),
        "gross_total": lambda item: figure(item["gross_total"]),
        "open_amount": lambda item: figure(item["open_amount"]),
    }
    for sort in SORTING.choices:
        for filters in ({}, {"state": "open"}, {"state": "overdue"}, {"run_id": str(UUID(int=1))}):
            walked = desk.walk(limit=2, sort=sort, **filters)
            whole = desk.walk(sort=sort, **filters)
            assert walked == whole
            key = keys[sort.removeprefix("-")]
            assert whole == sorted(whole, key=key, reverse=sort.startswith("-"))


def test_totals_and_panels_equal_their_lists(
    harness: ServiceHarness, desk: Desk, month: dict[str, CustomerCharged]
) -> None:
    harness.deliver(desk.charge(desk.a_customer_is_known("December"), ("1", "5", "21")))
    harness.deliver(desk.charge(desk.a_customer_is_known("Abroad"), ("1", "999", "21"), currency="CZK"))
    client = harness.client()
    one_by_one: list[dict[str, str]] = [
        {}, {"month": "2026-11"}, {"from": "2026-11-25"}, {"until": "2026-12-01"}, {"q": "zizka"}, {"overdue": "true"},
        {"overdue": "false"}, {"run_id": str(UUID(int=2))}, {"customer_id": str(month["part"].customer_id)},
        *({"state": state} for state in STATES),
    ]  # fmt: skip
    for filters in [*one_by_one, *(one | other for one, other in itertools.combinations(one_by_one, 2))]:
        totals = client.get("/invoices", totals="true", limit=1, **filters).json["totals"]
        listed = [item for item in desk.walk(**filters) if item["gross_total"]["currency"] == "EUR"]
        assert totals["count"] == len(listed)
        for state, part in [("all", totals), *totals["by_state"].items()]:
            of_state = [item for item in listed if state in ("all", item["state"])]
            assert part["count"] == len(of_state), (filters, state)
            assert figure(part["gross"]) == amounts(of_state, "gross_total"), (filters, state)
            assert figure(part["open"]) == amounts(of_state, "open_amount"), (filters, state)
    assert client.get("/invoices", totals="true", currency="CZK").json["totals"]["count"] == 1
    assert "totals" not in client.get("/invoices").json

    panel = client.get("/panels/invoiced").json
    listed = desk.walk(**{"from": panel["from"], "until": panel["until"], "currency": "EUR"})
    assert (panel["from"], panel["until"], panel["count"]) == ("2026-12-01", "2027-01-01", len(listed))
    assert figure(panel["gross"]) == amounts(listed, "gross_total") > 0
    assert figure(panel["net"]) == amounts(listed, "net_total")
    months = client.get("/panels/months").json["items"]
    assert [item["month"] for item in months][::11] == ["2026-01", "2026-12"]
    for item in months:
        assert figure(item["gross"]) == amounts(desk.walk(month=item["month"], currency="EUR"), "gross_total")

    unpaid = client.get("/panels/unpaid").json
    for state in ("open", "overdue"):
        listed = desk.walk(state=state, currency="EUR")
        assert unpaid[state]["count"] == len(listed) > 0
        assert figure(unpaid[state]["sum"]) == amounts(listed, "open_amount")


BAD_FILTERS: list[tuple[dict[str, str], int]] = [
    ({"state": "cancelled"}, 422),
    ({"state": ""}, 422),
    ({"customer_id": "x"}, 422),
    ({"run_id": "1"}, 422),
    ({"overdue": "perhaps"}, 422),
    ({"from": "2026-13-01"}, 422),
    ({"until": "yesterday"}, 422),
    ({"month": "2026-13"}, 422),
    ({"month": "2026-1"}, 422),
    ({"month": "0000-01"}, 422),
    ({"month": "9999-12"}, 422),
    ({"sort": "customer"}, 422),
    ({"currency": "EURO"}, 422),
    ({"q": "x" * 201}, 422),
    ({"q": "a\x00b"}, 422),
    ({"limit": "0"}, 400),
    ({"limit": "501"}, 400),
    ({"after": "nonsense"}, 400),
    ({"unknown": "x"}, 422),
]


def test_bad_filters_are_refused_by_name(harness: ServiceHarness) -> None:
    for query, status in BAD_FILTERS:
        answer = harness.client().get("/invoices", **query)
        assert answer.status_code == status, (query, answer.text)
        assert answer.content_type == "application/problem+json"
        assert answer.json["errors"][0]["pointer"] == f"/{next(iter(query))}"
    for query in ({"month": "9999-11"}, {"from": "9999-12-31"}, {"q": ""}):
        assert harness.client().get("/invoices", **query).status_code == 200, query


def test_a_cursor_of_another_list_is_refused_not_broken(harness: ServiceHarness, desk: Desk) -> None:
    desk.charged()
    desk.charged()
    cursor = harness.client().get("/invoices", limit=1, sort="number").json["next"]
    assert harness.client().get("/invoices", after=cursor).status_code in (400, 422)


def test_what_is_not_there_is_not_found(harness: ServiceHarness) -> None:
    for path in (f"/invoices/{uuid7()}", f"/invoices/{uuid7()}/pdf", f"/series/{uuid7()}", f"/series/{uuid7()}/audit"):
        answer = harness.client().get(path)
        assert (answer.status_code, answer.json["type"]) == (404, "/problems/not-found"), path


ROUTES = [
    ("GET", "/invoices", "invoicing:read"),
    ("GET", "/invoices/{invoice}", "invoicing:read"),
    ("GET", "/invoices/{invoice}/pdf", "invoicing:read"),
    ("GET", "/series", "invoicing:read"),
    ("GET", "/series/{series}", "invoicing:read"),
    ("GET", "/series/{series}/audit", "invoicing:read"),
    ("PATCH", "/series/{series}", "invoicing:write"),
    ("POST", "/quote", "invoicing:read"),
    ("GET", "/panels/invoiced", "invoicing:read"),
    ("GET", "/panels/months", "invoicing:read"),
    ("GET", "/panels/unpaid", "invoicing:read"),
]
QUOTE = {"lines": [{"quantity": "1", "unit_price": "1", "tax_rates": []}], "tax_included": False}
BODIES: dict[str, dict[str, Any]] = {"PATCH": {"pattern": "F{year}-{next|6}"}, "POST": QUOTE}


def test_rights_decide(harness: ServiceHarness, desk: Desk) -> None:
    places = {
        "invoice": desk.invoice(desk.charged())["id"],
        "series": harness.client().get("/series").json["items"][0]["id"],
    }
    for method, rule, right in ROUTES:
        path, body = rule.format(**places), BODIES.get(method)
        callers = {
            401: harness.stranger(),
            403: harness.client("billing:*", "invoicing:read" if right.endswith("write") else "invoicing:write"),
            200: harness.client(right),
        }
        for status, caller in callers.items():
            call = {"GET": caller.get, "PATCH": caller.patch, "POST": caller.post}[method]
            answer = call(path, body, **({"seen": 1} if method == "PATCH" else {})) if body else call(path)
            assert answer.status_code == status, (method, path, right, answer.text)


def test_a_customer_sees_only_their_own(harness: ServiceHarness, desk: Desk) -> None:
    mine, foreign = desk.charged(("1", "10", "21")), desk.charged(("1", "20", "21"))
    own, other = desk.invoice(mine), desk.invoice(foreign)
    customer = harness.client("invoicing:read", customer_id=mine.customer_id)
    assert [item["id"] for item in customer.get("/invoices").json["items"]] == [own["id"]]
    assert customer.get("/invoices", customer_id=str(foreign.customer_id)).json["items"] == []
    assert customer.get("/invoices", q=other["number"]).json["items"] == []
    assert figure(customer.get("/invoices", totals="true").json["totals"]["gross"]) == Decimal("12.10")
    assert customer.get(f"/invoices/{own['id']}").status_code == 200
    assert customer.get(f"/invoices/{own['id']}/pdf").status_code == 200
    for path in (f"/invoices/{other['id']}", f"/invoices/{other['id']}/pdf"):
        answer = customer.get(path)
        assert answer.status_code == 404
        assert other["number"] not in answer.text
    for path in ("/series", f"/series/{uuid7()}", "/panels/unpaid", "/panels/invoiced", "/panels/months"):
        assert customer.get(path).status_code == 403, path


PRICES = st.decimals("0", "9999.999999", places=6).map(str)
LINES = st.lists(
    st.tuples(
        st.decimals("0.000001", "20", places=6).map(str),
        PRICES,
        st.sampled_from(["0", "5", "9.975", "12", "21", "100"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES, tax_included=st.booleans(), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_lines_and_tax_are_the_total_in_database_and_api(
    harness: ServiceHarness, desk: Desk, lines: list[tuple[str, str, str]], tax_included: bool, currency: str
) -> None:
    charge = desk.charged(*lines, tax_included=tax_included, currency=currency)
    invoice = desk.invoice(charge)
    net, tax, gross = (figure(invoice[f"{name}_total"]) for name in ("net", "tax", "gross"))
    assert (net, tax, gross) == (charge.net, charge.tax, charge.gross)
    assert sum(Decimal(line["net"]) for line in invoice["lines"]) == net
    assert sum(Decimal(line["tax"]) for line in invoice["lines"]) == tax
    assert sum(Decimal(line["gross"]) for line in invoice["lines"]) == gross == net + tax
    assert sum(Decimal(row["net"]) for row in invoice["taxes"]) == net
    assert sum(Decimal(row["tax"]) for row in invoice["taxes"]) == tax
    (stored,) = desk.read(
        "SELECT net, tax, gross, (SELECT sum(net) FROM document_line WHERE document_id = id), "
        "(SELECT sum(tax) FROM document_line WHERE document_id = id) FROM document WHERE id = :id",
        id=invoice["id"],
    )
    assert (stored[0], stored[1], stored[0] + stored[1]) == (stored[3], stored[4], stored[2])


def test_the_documentation_can_be_read(harness: ServiceHarness) -> None:
    document = harness.client().get("/openapi.json").json
    assert {path for path in document["paths"] if "_id" not in path} >= {"/invoices", "/series", "/quote"}
    quote = document["components"]["schemas"]["QuoteLine"]["properties"]
    assert quote["quantity"] == {"type": "string", "format": "decimal"}
