"""Tax of documents: once per rate, spread so that lines + tax = total (R7, R8), with the worked examples 21 to 27."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook_common.discounts import Discount, UnknownDiscountKind
from billhook_common.errors import BillhookError
from billhook_common.money import AmountOutOfRange, DecimalOutOfRange, UnknownCurrency
from billhook_common.tax import (
    DocumentLine,
    DocumentTotals,
    GroupedTax,
    RepeatedTaxRate,
    UnknownTaxRounding,
    checked_rate,
    document_totals,
    effective_rates,
    spread_tax,
    tax_minor,
)

pytestmark = pytest.mark.unit


def a_line(quantity: str, price: str, *rates: str, discounts: tuple[Discount, ...] = ()) -> DocumentLine:
    return DocumentLine(Decimal(quantity), Decimal(price), tuple(map(Decimal, rates)), discounts)


def totals(*lines: DocumentLine, included: bool = False, currency: str = "EUR", **options: Any) -> DocumentTotals:
    return document_totals(lines, currency=currency, tax_included=included, **options)


def figures(document: DocumentTotals) -> tuple[str, str, str]:
    return str(document.net.amount), str(document.tax.amount), str(document.gross.amount)


def taxes(document: DocumentTotals) -> list[tuple[str, str, str]]:
    return [(str(row.rate), str(row.net.amount), str(row.tax.amount)) for row in document.taxes]


def line_taxes(document: DocumentTotals) -> list[int]:
    return [line.tax.minor for line in document.lines]


def test_example_21_a_tax_group_of_four_taxes_is_27_53468_percent() -> None:
    group = [
        GroupedTax(Decimal(10)),
        GroupedTax(Decimal(18), "previous"),
        GroupedTax(Decimal(13), "net_and_previous"),
        GroupedTax(Decimal(2), "net_and_all"),
    ]
    rates = effective_rates(group)
    assert rates == tuple(map(Decimal, ("10", "1.8", "13.234", "2.50068")))
    assert sum(rates) == Decimal("27.53468")


def test_the_first_tax_of_a_group_has_nothing_above_it() -> None:
    assert effective_rates([GroupedTax(Decimal(10), "previous"), GroupedTax(Decimal(5), "net_and_all")]) == (
        Decimal(0),
        Decimal(5),
    )
    assert effective_rates([]) == ()


def test_a_group_is_exact_however_many_taxes_it_has() -> None:
    rates = effective_rates([GroupedTax(Decimal("99.999999"), "net_and_all")] * 6)
    whole = 1 + sum(map(Fraction, rates)) / 100
    assert whole == (1 + Fraction("0.99999999")) ** 6


def test_a_group_with_an_impossible_rate_is_refused() -> None:
    with pytest.raises(DecimalOutOfRange) as refusal:
        effective_rates([GroupedTax(Decimal(5)), GroupedTax(Decimal(101))])
    assert refusal.value.errors[0].pointer == "/1/rate"


def test_example_22_inclusive_100_at_21_percent_is_82_64_and_17_36() -> None:
    document = totals(a_line("1", "100", "21"), included=True)
    assert figures(document) == ("82.64", "17.36", "100.00")
    assert taxes(document) == [("21", "82.64", "17.36")]


@pytest.mark.parametrize(
    ("net", "federal", "provincial", "gross"),
    [("140", "7.00", "13.97", "160.97"), ("1140", "57.00", "113.72", "1310.72")],
)
def test_example_23_two_taxes_on_one_base_round_half_up(net: str, federal: str, provincial: str, gross: str) -> None:
    document = totals(a_line("1", net, "5", "9.975"))
    assert [row[2] for row in taxes(document)] == [federal, provincial]
    assert str(document.gross.amount) == gross


def test_example_24_a_line_of_24948_04_at_0_90_is_22453_24() -> None:
    assert str(totals(a_line("24948.04", "0.90")).net.amount) == "22453.24"


def test_example_25_9_5_of_124_75_is_1185_13() -> None:
    assert str(totals(a_line("9.5", "124.75")).net.amount) == "1185.13"


def test_example_26_inclusive_10_10_16_16_at_20_percent_per_document_and_per_line() -> None:
    lines = [a_line("1", price, "20") for price in ("10", "10", "16", "16")]
    per_document = totals(*lines, included=True)
    assert figures(per_document) == ("43.33", "8.67", "52.00")
    assert line_taxes(per_document) == [167, 167, 267, 266]
    per_line = totals(*lines, included=True, tax_rounding="line")
    assert figures(per_line) == ("43.32", "8.68", "52.00")
    assert line_taxes(per_line) == [167, 167, 267, 267]


def test_example_26_three_lines_of_10_03_at_21_percent_are_6_33_per_line_and_6_32_on_the_sum() -> None:
    lines = [a_line("1", "10.03", "21")] * 3
    assert str(totals(*lines, tax_rounding="line").tax.amount) == "6.33"
    per_document = totals(*lines)
    assert str(per_document.tax.amount) == "6.32"
    assert line_taxes(per_document) == [211, 211, 210]


def test_example_27_the_tax_of_a_rate_is_that_of_the_rounded_lines_that_are_shown() -> None:
    lines = [a_line("0.5", "0.01", "20"), a_line("1", "4021.02", "20"), a_line("0.5", "0.01", "20")]
    document = totals(*lines)
    assert [line.net.minor for line in document.lines] == [1, 402102, 1]
    assert figures(document) == ("4021.04", "804.21", "4825.25")


def test_several_rates_are_rounded_once_each() -> None:
    document = totals(
        a_line("1", "10.03", "21"), a_line("1", "10.03", "21"), a_line("1", "10.03", "10"), a_line("2", "5")
    )
    assert taxes(document) == [("10", "10.03", "1.00"), ("21", "20.06", "4.21")]
    assert figures(document) == ("40.09", "5.21", "45.30")


def test_inclusive_prices_with_two_rates_keep_the_gross() -> None:
    document = totals(a_line("1", "100", "5", "9.975"), a_line("1", "50", "5"), included=True)
    assert [line.gross.minor for line in document.lines] == [10000, 5000]
    assert [row[2] for row in taxes(document)] == ["6.73", "8.68"]
    assert figures(document) == ("134.59", "15.41", "150.00")


def test_a_rate_of_zero_has_its_own_row_and_no_rate_has_none() -> None:
    assert taxes(totals(a_line("1", "10", "0"))) == [("0", "10.00", "0.00")]
    assert taxes(totals(a_line("1", "10"))) == []
    assert figures(totals()) == ("0.00", "0.00", "0.00")


def test_yen_have_no_cents_and_dinars_have_mils() -> None:
    assert figures(totals(a_line("1", "105", "10"), currency="JPY")) == ("105", "11", "116")
    assert figures(totals(a_line("1", "1.0005", "5"), currency="KWD")) == ("1.001", "0.050", "1.051")


def test_a_line_discount_comes_off_before_tax_and_is_rounded_with_its_line() -> None:
    discounts = (Discount("percent", Decimal(10)), Discount("fixed", Decimal("0.005")))
    document = totals(a_line("3", "10.01", "20", discounts=discounts))
    assert document.lines[0].discount.minor == 301
    assert figures(document) == ("27.02", "5.40", "32.42")


def test_a_fixed_document_discount_is_spread_by_net_with_largest_remainder() -> None:
    lines = [a_line("1", "10", "21"), a_line("1", "10", "10"), a_line("1", "10")]
    document = totals(*lines, discounts=[Discount("fixed", Decimal(10))])
    assert [line.discount.minor for line in document.lines] == [334, 333, 333]
    assert [line.net.minor for line in document.lines] == [666, 667, 667]
    assert taxes(document) == [("10", "6.67", "0.67"), ("21", "6.66", "1.40")]


def test_document_discounts_apply_in_order_each_on_the_remainder() -> None:
    ten, five = Discount("percent", Decimal(10)), Discount("fixed", Decimal(5))
    assert totals(a_line("1", "100"), discounts=[ten, five]).net.minor == 8500
    assert totals(a_line("1", "100"), discounts=[five, ten]).net.minor == 8550


def test_a_document_discount_never_goes_below_zero() -> None:
    document = totals(a_line("1", "3", "21"), a_line("1", "4", "21"), discounts=[Discount("fixed", Decimal(10))] * 2)
    assert figures(document) == ("0.00", "0.00", "0.00")
    assert [line.discount.minor for line in document.lines] == [300, 400]


def test_a_document_discount_shrinks_negative_lines_of_a_positive_document_too() -> None:
    document = totals(a_line("1", "100"), a_line("-1", "20"), discounts=[Discount("fixed", Decimal(8))])
    assert [line.net.minor for line in document.lines] == [9000, -1800]


def test_lines_that_cancel_each_other_show_their_own_tax() -> None:
    document = totals(a_line("1", "100", "21"), a_line("-1", "99.99", "21"))
    assert figures(document) == ("0.01", "0.00", "0.01")
    assert line_taxes(document) == [2100, -2100]


@pytest.mark.parametrize("included", [False, True])
def test_a_correction_mirrors_its_invoice_cent_by_cent(*, included: bool) -> None:
    discounts = [Discount("fixed", Decimal(1))]
    lines = [("3.3", "10.03", "21"), ("1", "10", "21"), ("1", "10", "21"), ("1", "0.05", "5", "9.975")]
    invoice = totals(*(a_line(*line) for line in lines), included=included, discounts=discounts)
    mirror = totals(*(a_line(f"-{line[0]}", *line[1:]) for line in lines), included=included, discounts=discounts)
    assert (mirror.net, mirror.tax, mirror.gross) == (-invoice.net, -invoice.tax, -invoice.gross)
    for mirrored, line in zip(mirror.lines, invoice.lines, strict=True):
        assert (mirrored.net, mirrored.tax, mirrored.discount) == (-line.net, -line.tax, -line.discount)


@pytest.mark.parametrize(
    ("line", "error", "pointer"),
    [
        (a_line("0", "1"), DecimalOutOfRange, "/lines/1/quantity"),
        (a_line("NaN", "1"), DecimalOutOfRange, "/lines/1/quantity"),
        (a_line("1e309", "1"), DecimalOutOfRange, "/lines/1/quantity"),
        (a_line("1", "1e18"), DecimalOutOfRange, "/lines/1/unit_price"),
        (a_line("1", "-0.01"), DecimalOutOfRange, "/lines/1/unit_price"),
        (a_line("1", "0.0000001"), DecimalOutOfRange, "/lines/1/unit_price"),
        (a_line("1", "1", "-1"), DecimalOutOfRange, "/lines/1/tax_rates/0"),
        (a_line("1", "1", "20", "101"), DecimalOutOfRange, "/lines/1/tax_rates/1"),
        (a_line("1", "1", "5", "5.0"), RepeatedTaxRate, "/lines/1/tax_rates"),
        (
            a_line("1", "1", discounts=(Discount("percent", Decimal(101)),)),
            DecimalOutOfRange,
            "/lines/1/discounts/0/value",
        ),
        (a_line("-999999999999", "999999999999"), AmountOutOfRange, "/lines/1/unit_price"),
    ],
)
def test_a_bad_line_is_refused_at_its_field(line: DocumentLine, error: type[BillhookError], pointer: str) -> None:
    with pytest.raises(error) as refusal:
        totals(a_line("1", "1"), line)
    assert refusal.value.errors[0].pointer == pointer


def test_a_bad_document_is_refused() -> None:
    with pytest.raises(UnknownTaxRounding) as rounding:
        totals(a_line("1", "1"), tax_rounding="never")
    assert rounding.value.errors[0].pointer == "/tax_rounding"
    with pytest.raises(UnknownCurrency):
        totals(a_line("1", "1"), currency="XXX")
    with pytest.raises(UnknownDiscountKind) as discount:
        totals(a_line("1", "1"), discounts=[Discount("half", Decimal(1))])  # type: ignore[arg-type]
    assert discount.value.errors[0].pointer == "/discounts/0/kind"


def test_the_largest_line_is_posted_and_a_larger_one_is_not() -> None:
    assert totals(a_line("10", "999999999999.99")).net.minor == 999999999999990
    assert totals(a_line("20", "500000000000")).net.minor == 10**15
    with pytest.raises(AmountOutOfRange):
        totals(a_line("10.000001", "999999999999.999999"))


@pytest.mark.parametrize("rate", ["0", "100", "9.975", "0.000001"])
def test_a_rate_from_0_to_100_is_accepted(rate: str) -> None:
    assert checked_rate(rate) == Decimal(rate)


@pytest.mark.parametrize("rate", ["-1", "101", "100.000001", "NaN", "0.0000001"])
def test_a_rate_outside_is_refused(rate: str) -> None:
    with pytest.raises(DecimalOutOfRange) as refusal:
        checked_rate(rate)
    assert refusal.value.errors[0].pointer == "/tax_rate"


amounts = st.integers(-(10**9), 10**9)
rates = st.decimals(0, 100, places=3)
prices = st.decimals(0, 10**6, places=4)
quantities = st.decimals(-1000, 1000, places=3).filter(bool)
discount_lists = st.lists(
    st.one_of(
        st.builds(Discount, st.just("percent"), st.decimals(0, 100, places=2)),
        st.builds(Discount, st.just("fixed"), st.decimals(0, 1000, places=2)),
    ),
    max_size=3,
)
rate_tuples = st.lists(
    st.sampled_from([Decimal(r) for r in ("0", "5", "9.975", "20", "21", "100")]), unique=True, max_size=3
)
document_lines = st.lists(
    st.builds(DocumentLine, quantities, prices, rate_tuples.map(tuple), discount_lists.map(tuple)), max_size=8
)


@given(st.lists(amounts, min_size=1, max_size=10), rates, st.booleans())
def test_the_quick_way_gives_the_figures_of_a_document(net: list[int], rate: Decimal, included: bool) -> None:
    shares = spread_tax(net, rate, included=included)
    assert sum(shares) == tax_minor(sum(net), rate, included=included)
    lines = [a_line(f"{'-' if minor < 0 else ''}1", f"{Decimal(abs(minor)) / 100:f}", str(rate)) for minor in net]
    assert line_taxes(totals(*lines, included=included)) == shares


@given(amounts, rates)
def test_tax_in_a_gross_price_leaves_a_net_that_carries_it(gross: int, rate: Decimal) -> None:
    tax = tax_minor(gross, rate, included=True)
    assert abs(tax - tax_minor(gross - tax, rate, included=False)) <= 1
    assert abs(tax) <= abs(gross)


@given(document_lines, discount_lists, st.booleans(), st.sampled_from(["document", "line"]))
def test_lines_plus_tax_are_the_total_everywhere(
    lines: list[DocumentLine],
    discounts: list[Discount],
    included: bool,
    rounding: str,
) -> None:
    document = totals(*lines, included=included, discounts=discounts, tax_rounding=rounding)
    assert document.net + document.tax == document.gross
    for figure in ("net", "tax", "gross"):
        assert sum(getattr(line, figure).minor for line in document.lines) == getattr(document, figure).minor
    assert sum(row.tax.minor for row in document.taxes) == document.tax.minor
    for line in document.lines:
        assert line.net + line.tax == line.gross
    for row in document.taxes:
        of_rate = [line.net.minor for line in document.lines if row.rate in line.line.tax_rates]
        assert sum(of_rate) == row.net.minor


@given(document_lines, st.booleans())
def test_rounding_moves_the_gross_only_where_tax_is_added(lines: list[DocumentLine], included: bool) -> None:
    per_document = totals(*lines, included=included)
    per_line = totals(*lines, included=included, tax_rounding="line")
    if included:
        assert [line.gross for line in per_line.lines] == [line.gross for line in per_document.lines]
    else:
        assert [line.net for line in per_line.lines] == [line.net for line in per_document.lines]


@given(document_lines, discount_lists)
def test_discounts_never_turn_the_sign_of_a_document(lines: list[DocumentLine], discounts: list[Discount]) -> None:
    before = totals(*lines).net.minor
    after = totals(*lines, discounts=discounts).net.minor
    assert min(0, before) <= after <= max(0, before)
