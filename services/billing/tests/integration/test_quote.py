"""The quote over HTTP: worked examples, bad questions, and the same figures as a billing run."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

QUESTION = {
    "price": "100.00", "currency": "EUR", "tax_rate": "0", "tax_included": False, "quantity": "1", "period_months": 1,
    "billing_day": 1, "starts_on": "2026-01-01", "from": "2026-01-01", "until": "2026-02-01",
}  # fmt: skip


def quoted(sales: Any, **question: object) -> dict[str, Any]:
    answer = sales.client.post("/quote", QUESTION | question)
    assert answer.status_code == 200, answer.text
    return answer.json  # type: ignore[no-any-return]


def nets(sales: Any, **question: object) -> list[str]:
    return [line["net"] for line in quoted(sales, **question)["lines"]]


def test_a_quote_explains_itself(sales: Any) -> None:
    asked = {"price": "29.90", "quantity": "2", "tax_rate": "21", "starts_on": "2026-01-15", "from": "2026-01-15"}
    assert quoted(sales, **asked, discounts=[{"kind": "percent", "value": "10"}]) == {
        "currency": "EUR",
        "lines": [
            {
                "from": "2026-01-15", "until": "2026-02-01", "days": 17, "period_days": 31, "quantity": "2",
                "unit_price": "29.90", "discount": "3.28", "net": "29.51", "tax": "6.20", "gross": "35.71",
                "rule": "cycle_days",
            }
        ],
        "taxes": [{"rate": "21", "net": "29.51", "tax": "6.20"}],
        "net": "29.51", "tax": "6.20", "gross": "35.71",
    }  # fmt: skip


def test_example_2_the_first_part_and_a_full_month(sales: Any) -> None:
    asked = {"starts_on": "2026-03-15", "from": "2026-03-15", "until": "2026-05-01"}
    assert nets(sales, **asked) == ["54.84", "100.00"]
    assert quoted(sales, **asked)["gross"] == "154.84"


def test_example_10_used_and_new_days_of_a_changed_plan(sales: Any) -> None:
    october = {"starts_on": "2026-10-01", "from": "2026-10-01", "until": "2026-10-20"}
    assert nets(sales, price="200.00", **october) == ["122.58"]
    assert nets(sales, starts_on="2026-10-20", **{"from": "2026-10-20", "until": "2026-11-01"}) == ["38.71"]


def test_example_13_days_of_the_cycle_or_of_the_calendar_months(sales: Any) -> None:
    asked = {"billing_day": 10, "starts_on": "2026-03-25", "from": "2026-03-25", "until": "2026-04-10"}
    assert nets(sales, **asked) == ["51.61"]
    assert nets(sales, **asked, proration="calendar_split") == ["52.58"]


def test_example_14_actual_days_or_thirtieths(sales: Any) -> None:
    asked = {"price": "29.99", "starts_on": "2026-02-19", "from": "2026-02-19", "until": "2026-03-01"}
    assert nets(sales, **asked) == ["10.71"]
    assert nets(sales, **asked, proration="fixed_30") == ["10.00"]
    assert nets(sales, **asked, proration="none") == nets(sales, **asked, proration="full_first") == ["29.99"]


def test_example_16_days_left_of_a_month(sales: Any) -> None:
    asked = {"starts_on": "2026-04-11", "from": "2026-04-11", "until": "2026-05-01"}
    assert nets(sales, price="10.00", **asked) == ["6.67"]
    assert nets(sales, price="5.00", **asked) == ["3.33"]


def test_example_22_a_price_with_tax_stays(sales: Any) -> None:
    found = quoted(sales, tax_rate="21", tax_included=True)
    assert (found["net"], found["tax"], found["gross"]) == ("82.64", "17.36", "100.00")


@pytest.mark.parametrize(
    ("quantity", "price", "net"), [("24948.04", "0.90", "22453.24"), ("9.5", "124.75", "1185.13")], ids=["24", "25"]
)
def test_examples_24_and_25_quantity_times_price_is_rounded_once(
    sales: Any, quantity: str, price: str, net: str
) -> None:
    assert nets(sales, quantity=quantity, price=price) == [net]


def test_only_days_on_which_the_service_lives_are_quoted(sales: Any) -> None:
    asked = {"starts_on": "2026-01-11", "ends_before": "2026-01-21", "from": "2025-06-01", "until": "2027-06-01"}
    found = quoted(sales, price="31.00", **asked)
    assert [(line["from"], line["until"], line["net"]) for line in found["lines"]] == [
        ("2026-01-11", "2026-01-21", "10.00")
    ]
    outside = sales.client.post("/quote", QUESTION | {"from": "2025-01-01", "until": "2025-02-01"})
    assert (outside.status_code, outside.json["type"]) == (409, "/problems/periods-disjoint")


def test_yen_have_no_decimals_and_dinars_three(sales: Any) -> None:
    asked = {"price": "1000.4", "starts_on": "2026-01-16", "from": "2026-01-16"}
    assert nets(sales, **asked, currency="JPY") == ["516"]
    assert nets(sales, **asked, currency="KWD") == ["516.335"]


def test_one_discount_needs_no_list_and_nothing_is_said_by_null(sales: Any) -> None:
    one_discount = {"kind": "percent", "value": "10"}
    assert nets(sales, discounts=one_discount) == nets(sales, discounts=[one_discount]) == ["90.00"]
    assert nets(sales, discounts=None, proration=None) == nets(sales) == ["100.00"]


BAD: list[tuple[dict[str, Any], str]] = [
    *(({name: ...}, f"/{name}") for name in QUESTION),
    ({"billing_day": 0}, "/billing_day"),
    ({"billing_day": 32}, "/billing_day"),
    ({"billing_day": "1"}, "/billing_day"),
    ({"billing_day": 1.5}, "/billing_day"),
    ({"billing_day": 10**400}, "/billing_day"),
    ({"period_months": 0}, "/period_months"),
    ({"period_months": 121}, "/period_months"),
    ({"period_months": -1}, "/period_months"),
    ({"quantity": "0"}, "/quantity"),
    ({"quantity": "NaN"}, "/quantity"),
    ({"quantity": "1e309"}, "/quantity"),
    ({"quantity": "-2"}, "/quantity"),
    ({"quantity": "0.0000001"}, "/quantity"),
    ({"tax_rate": "-1"}, "/tax_rate"),
    ({"tax_rate": "101"}, "/tax_rate"),
    ({"tax_rate": "sNaN"}, "/tax_rate"),
    ({"price": str(10**18)}, "/price"),
    ({"price": "-1"}, "/price"),
    ({"price": "NaN"}, "/price"),
    ({"price": 1.1}, "/price"),
    ({"price": "999999999999", "quantity": "999999999999"}, "/price"),
    ({"currency": "XXX"}, "/currency"),
    ({"currency": "eur"}, "/currency"),
    ({"currency": "\x00"}, "/currency"),
    ({"currency": 978}, "/currency"),
    ({"starts_on": "2026-13-01"}, "/starts_on"),
    ({"starts_on": "0001-01-01"}, "/starts_on"),
    ({"ends_before": "2026-01-01"}, "/ends_before"),
    ({"ends_before": "2025-12-31"}, "/ends_before"),
    ({"from": "2026-02-01"}, "/until"),
    ({"until": "2026-01-01"}, "/until"),
    ({"until": "2025-12-31"}, "/until"),
    ({"until": "9999-12-31"}, "/until"),
    ({"until": "12026-01-01"}, "/until"),
    ({"from": "0026-01-01"}, "/from"),
    ({"starts_on": "1900-01-01", "from": "1900-01-01", "until": "2200-01-01"}, "/until"),
    ({"discounts": [{"kind": "percent", "value": "101"}]}, "/discounts/0/value"),
    ({"discounts": [{"kind": "fixed", "value": "-1"}]}, "/discounts/0/value"),
    (
        {"discounts": [{"kind": "percent", "value": "5", "from": "2026-01-02", "until": "2026-01-01"}]},
        "/discounts/0/until",
    ),
    ({"discounts": [{"kind": "percent"}]}, "/discounts/0/value"),
    ({"discounts": "none"}, "/discounts"),
    ({"discounts": {"kind": "percent", "value": "101"}}, "/discounts/0/value"),
    ({"proration": "by_moon"}, "/proration"),
    ({"tax_included": None}, "/tax_included"),
    ({"customer": "anna"}, "/customer"),
]


def test_a_bad_question_is_refused_naming_the_field(sales: Any) -> None:
    assert sales.wrongly_answered("post", "/quote", QUESTION, BAD) == []


@pytest.mark.parametrize("body", ["[]", "7", '"x"', "null", "{", "\x00", '{"price": NaN}'])
def test_what_is_no_question_is_refused(harness: ServiceHarness, body: str) -> None:
    answer = harness.client().post("/quote", data=body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert answer.content_type == "application/problem+json"


def test_rights_decide(harness: ServiceHarness) -> None:
    for client, status in (
        (harness.stranger(), 401),
        (harness.client("crm:read"), 403),
        (harness.client("billing:write"), 403),
        (harness.client("billing:read"), 200),
    ):
        assert client.post("/quote", QUESTION).status_code == status


EARLIEST, LATEST = dt.date(2025, 9, 1), dt.date(2027, 6, 1)
DAYS = st.dates(EARLIEST, LATEST)
RATES = st.sampled_from(["0", "5.5", "10", "19", "21", "27.534680"])
PERCENTS = st.builds(lambda value: {"kind": "percent", "value": str(value)}, st.decimals(0, 100, places=3))
AMOUNTS = st.builds(lambda value: {"kind": "fixed", "value": str(value)}, st.decimals(0, 40, places=2))


@st.composite
def discounts(draw: st.DrawFn) -> list[dict[str, str]]:
    found = []
    for discount in draw(st.lists(PERCENTS | AMOUNTS, max_size=2)):
        from_, until = sorted(draw(st.tuples(DAYS, DAYS)))
        days = {"from": str(from_), "until": str(until)} if from_ < until and draw(st.booleans()) else {}
        found.append(discount | days)
    return found


TERMS = st.fixed_dictionaries({
    "price": st.decimals(0, 500, places=6).map(str),
    "tax_rate": RATES,
    "tax_included": st.booleans(),
    "period_months": st.integers(1, 12),
})  # fmt: skip
SERVICE = st.fixed_dictionaries({
    "quantity": st.decimals(Decimal("0.001"), 30, places=3).map(str),
    "starts_on": DAYS.map(str),
    "discounts": discounts(),
})  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    terms=TERMS,
    service=SERVICE,
    lasts=st.none() | st.integers(1, 400),
    billing_day=st.integers(1, 31),
    prepaid_months=st.integers(0, 12),
    run_date=st.dates(dt.date(2026, 6, 1), dt.date(2027, 10, 1)),
)
def test_a_run_charges_what_the_quote_says_to_the_cent(
    sales: Any,
    terms: dict[str, Any],
    service: dict[str, Any],
    lasts: int | None,
    billing_day: int,
    prepaid_months: int,
    run_date: dt.date,
) -> None:
    (customer,) = sales.customers(f"h{next(sales.serial)}")
    sales.bill(customer, billing_day=billing_day, prepaid_months=prepaid_months)
    if lasts is not None:
        service = service | {"ends_before": str(dt.date.fromisoformat(service["starts_on"]) + dt.timedelta(days=lasts))}
    sales.subscribe(customer, sales.plan(f"Plan {next(sales.serial)}", **terms), **service)
    before = len(sales.charged())
    sales.run(str(run_date), late=True)
    mine = [fact for fact in sales.charged()[before:] if fact.customer_id == customer]
    with sales.harness.session() as session:
        # Later examples have the database to themselves.
        session.connection().exec_driver_sql("UPDATE subscription SET charged_until = '2199-01-01'")
    assume(mine)
    (charged,) = mine
    found = quoted(
        sales, **terms | service | {
            "currency": "EUR", "billing_day": billing_day,
            "from": str(charged.lines[0].period_from), "until": str(charged.lines[-1].period_until),
        },
    )  # fmt: skip
    assert [
        (str(line.period_from), str(line.period_until), line.days, line.period_days, line.rule, line.net, line.tax)
        for line in charged.lines
    ] == [
        (line["from"], line["until"], line["days"], line["period_days"], line["rule"], Decimal(line["net"]),
         Decimal(line["tax"]))
        for line in found["lines"]
    ]  # fmt: skip
    assert (charged.net, charged.tax, charged.gross) == tuple(Decimal(found[name]) for name in ("net", "tax", "gross"))
    assert [(row.net, row.tax) for row in charged.taxes] == [
        (Decimal(row["net"]), Decimal(row["tax"])) for row in found["taxes"]
    ]
    transaction = sales.get(f"/transactions/{charged.transaction_id}")
    assert [(line["net"]["amount"], line["tax"]["amount"]) for line in transaction["lines"]] == [
        (line["net"], line["tax"]) for line in found["lines"]
    ]
    assert Decimal(transaction["change"]["amount"]) == -charged.gross
