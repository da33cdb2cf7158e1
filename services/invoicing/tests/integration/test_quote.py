"""The arithmetic of documents over HTTP: the worked examples, and what is refused."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration


def quote(harness: ServiceHarness, *lines: tuple[str, str, list[str]], **more: Any) -> dict[str, Any]:
    body = {
        "lines": [{"quantity": quantity, "unit_price": price, "tax_rates": rates} for quantity, price, rates in lines],
        "tax_included": False,
        "tax_rounding": "document",
        **more,
    }
    answer = harness.client("invoicing:read").post("/quote", body)
    assert answer.status_code == 200, answer.text
    return answer.json  # type: ignore[no-any-return]


def totals(quoted: dict[str, Any]) -> tuple[str, str, str]:
    return quoted["net"], quoted["tax"], quoted["gross"]


def test_example_22_inclusive_100_at_21_percent(harness: ServiceHarness) -> None:
    assert totals(quote(harness, ("1", "100", ["21"]), tax_included=True)) == ("82.64", "17.36", "100.00")


@pytest.mark.parametrize(
    ("price", "taxes", "gross"), [("140", ["7.00", "13.97"], "160.97"), ("1140", ["57.00", "113.72"], "1310.72")]
)
def test_example_23_two_taxes_on_one_base(harness: ServiceHarness, price: str, taxes: list[str], gross: str) -> None:
    quoted = quote(harness, ("1", price, ["5", "9.975"]))
    assert [row["tax"] for row in quoted["taxes"]] == taxes
    assert [row["rate"] for row in quoted["taxes"]] == ["5", "9.975"]
    assert quoted["gross"] == gross


@pytest.mark.parametrize(("quantity", "price", "net"), [("24948.04", "0.90", "22453.24"), ("9.5", "124.75", "1185.13")])
def test_examples_24_and_25_the_exact_product_is_rounded_once(
    harness: ServiceHarness, quantity: str, price: str, net: str
) -> None:
    quoted = quote(harness, (quantity, price, []))
    assert totals(quoted) == (net, "0.00", net)
    assert quoted["lines"][0]["unit_price"] == price


@pytest.mark.parametrize(
    ("rounding", "net", "tax", "lines"),
    [
        ("document", "43.33", "8.67", ["1.67", "1.67", "2.67", "2.66"]),
        ("line", "43.32", "8.68", ["1.67", "1.67", "2.67", "2.67"]),
    ],
)
def test_example_26_inclusive_tax_per_document_and_per_line(
    harness: ServiceHarness, rounding: str, net: str, tax: str, lines: list[str]
) -> None:
    wanted = [("1", price, ["20"]) for price in ("10", "10", "16", "16")]
    quoted = quote(harness, *wanted, tax_included=True, tax_rounding=rounding)
    assert totals(quoted) == (net, tax, "52.00")
    assert [line["tax"] for line in quoted["lines"]] == lines


@pytest.mark.parametrize(("rounding", "tax"), [("document", "6.32"), ("line", "6.33")])
def test_example_26_three_lines_of_10_03(harness: ServiceHarness, rounding: str, tax: str) -> None:
    assert quote(harness, *[("1", "10.03", ["21"])] * 3, tax_rounding=rounding)["tax"] == tax


def test_example_27_the_tax_of_a_rate_is_that_of_the_rounded_lines_shown(harness: ServiceHarness) -> None:
    quoted = quote(harness, *[("1", "10.005", ["20"])] * 3)
    assert [line["net"] for line in quoted["lines"]] == ["10.01"] * 3
    assert quoted["taxes"] == [{"rate": "20", "net": "30.03", "tax": "6.01"}]
    assert totals(quoted) == ("30.03", "6.01", "36.04")


def test_discounts_of_line_and_document_in_the_order_given(harness: ServiceHarness) -> None:
    body = {
        "lines": [
            {"quantity": "1", "unit_price": "100", "tax_rates": ["21"], "discount": {"kind": "percent", "value": "10"}},
            {
                "quantity": "2", "unit_price": "30", "tax_rates": ["21"],
                "discount": [{"kind": "fixed", "value": "10"}, {"kind": "percent", "value": "50"}],
            },
            {"quantity": "1", "unit_price": "10", "tax_rates": ["21"], "discount": None},
        ],
        "tax_included": False,
        "discounts": {"kind": "fixed", "value": "25"},
    }  # fmt: skip
    quoted = harness.client().post("/quote", body).json
    # 90 + 25 + 10, less 25 spread by amount: 18, 5 and 2.
    assert [line["net"] for line in quoted["lines"]] == ["72.00", "20.00", "8.00"]
    assert [line["discount"] for line in quoted["lines"]] == ["28.00", "40.00", "2.00"]
    assert totals(quoted) == ("100.00", "21.00", "121.00")


def test_the_home_currency_unless_another_is_named(harness: ServiceHarness) -> None:
    assert quote(harness, ("1", "1.005", ["21"]))["currency"] == "EUR"
    assert totals(quote(harness, ("1", "1000.5", ["10"]), currency="JPY")) == ("1001", "100", "1101")
    assert totals(quote(harness, ("1", "1.0005", ["10"]), currency="KWD")) == ("1.001", "0.100", "1.101")


def test_a_correction_has_a_negative_quantity(harness: ServiceHarness) -> None:
    assert totals(quote(harness, ("-1", "12.45", ["21"]))) == ("-12.45", "-2.61", "-15.06")


def test_nothing_is_stored(harness: ServiceHarness) -> None:
    quote(harness, ("1", "1", ["21"]))
    assert harness.client().get("/invoices").json["items"] == []


ONE = {"quantity": "1", "unit_price": "1", "tax_rates": ["21"]}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"lines": []}, "/lines"),
    ({"lines": [ONE] * 1001}, "/lines"),
    ({"lines": "all"}, "/lines"),
    ({"lines": [{**ONE, "quantity": 1.5}]}, "/lines/0/quantity"),
    ({"lines": [{**ONE, "quantity": "0"}]}, "/lines/0/quantity"),
    ({"lines": [{**ONE, "quantity": "NaN"}]}, "/lines/0/quantity"),
    ({"lines": [{**ONE, "quantity": "1e309"}]}, "/lines/0/quantity"),
    ({"lines": [ONE, {**ONE, "unit_price": "-1"}]}, "/lines/1/unit_price"),
    ({"lines": [{**ONE, "unit_price": "0.0000001"}]}, "/lines/0/unit_price"),
    ({"lines": [{**ONE, "unit_price": "999999999999", "quantity": "999999999999"}]}, "/lines/0/unit_price"),
    ({"lines": [{"quantity": "1", "unit_price": "1"}]}, "/lines/0/tax_rates"),
    ({"lines": [{**ONE, "tax_rates": "21"}]}, "/lines/0/tax_rates"),
    ({"lines": [{**ONE, "tax_rates": ["101"]}]}, "/lines/0/tax_rates/0"),
    ({"lines": [{**ONE, "tax_rates": ["-1"]}]}, "/lines/0/tax_rates/0"),
    ({"lines": [{**ONE, "tax_rates": ["21", "21.0"]}]}, "/lines/0/tax_rates"),
    ({"lines": [{**ONE, "tax_rates": [str(rate) for rate in range(21)]}]}, "/lines/0/tax_rates"),
    ({"lines": [{**ONE, "tax_rates": [f"{rate}.{at}" for rate in range(20)]} for at in range(3)]}, "/lines"),
    ({"lines": [{**ONE, "discount": {"kind": "gift", "value": "1"}}]}, "/lines/0/discount/0/kind"),
    ({"lines": [{**ONE, "discount": {"kind": "percent", "value": "101"}}]}, "/lines/0/discounts/0/value"),
    ({"lines": [{**ONE, "discount": "10%"}]}, "/lines/0/discount"),
    ({"lines": [{**ONE, "net": "1"}]}, "/lines/0/net"),
    ({"tax_included": "maybe"}, "/tax_included"),
    ({"tax_rounding": "total"}, "/tax_rounding"),
    ({"discounts": [{"kind": "fixed", "value": "-1"}]}, "/discounts/0/value"),
    ({"currency": "XXX"}, "/currency"),
    ({"currency": "euro"}, "/currency"),
]


def test_bad_input_is_refused_naming_the_value(harness: ServiceHarness) -> None:
    for changes, pointer in BAD:
        answer = harness.client().post("/quote", {"lines": [ONE], "tax_included": False, **changes})
        assert answer.status_code == 422, (changes, answer.text)
        assert answer.content_type == "application/problem+json"
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer], changes


NUMBERS = st.decimals("0.000001", "9999", places=6).map(str)
RATES = st.lists(st.sampled_from(["0", "5", "9.975", "12", "21"]), unique=True, max_size=3)


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.tuples(NUMBERS, NUMBERS, RATES), min_size=1, max_size=6),
    included=st.booleans(),
    rounding=st.sampled_from(["document", "line"]),
    off=st.lists(
        st.fixed_dictionaries({"kind": st.just("percent"), "value": st.integers(0, 100).map(str)}), max_size=2
    ),
)
def test_lines_and_tax_are_always_the_total(
    harness: ServiceHarness, lines: list[Any], included: bool, rounding: str, off: list[dict[str, str]]
) -> None:
    quoted = quote(harness, *lines, tax_included=included, tax_rounding=rounding, discounts=off)
    for name in ("net", "tax", "gross"):
        assert sum(Decimal(line[name]) for line in quoted["lines"]) == Decimal(quoted[name])
    assert sum(Decimal(row["tax"]) for row in quoted["taxes"]) == Decimal(quoted["tax"])
    assert Decimal(quoted["net"]) + Decimal(quoted["tax"]) == Decimal(quoted["gross"])
