"""Charts: right geometry, nothing the content policy refuses, and words for those who do not see them."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from billhook_gateway.ui import charts
from billhook_gateway.ui.charts.scale import Scale, round_up

pytestmark = pytest.mark.unit

SERIES = [
    charts.Series(name="invoiced", label="Invoiced", tone="pale"),
    charts.Series(name="planned", label="Planned", tone="planned"),
]
EVIL = '"><script>alert(1)</script>'


def column(label: str, **values: float) -> charts.Column:
    return charts.Column(label=label, values=values)


def drawn(svg: str) -> etree._Element:
    return etree.fromstring(f"<div>{svg}</div>")


def heights(svg: str, tone: str) -> list[float]:
    return [float(mark.get("height", "")) for mark in drawn(svg).iterfind(f".//rect[@class='mark {tone}']")]


@given(st.floats(min_value=0.01, max_value=1e12))
def test_an_axis_ends_at_or_just_above_its_greatest_value(value: float) -> None:
    assert value <= round_up(value) <= 2 * value


def test_an_axis_without_values_is_not_flat() -> None:
    assert round_up(0) == 1


def test_a_scale_runs_from_top_to_bottom() -> None:
    scale = Scale(low=-50, high=100, top=10, length=150)
    assert [scale.y(100), scale.y(0), scale.y(-50)] == pytest.approx([10, 110, 160])


def test_bars_are_as_high_as_their_values() -> None:
    svg = charts.bars([column("Oct", invoiced=50), column("Nov", invoiced=100)], SERIES, "Income", str)
    lower, higher = heights(svg, "pale")
    assert higher == pytest.approx(2 * lower)


def test_a_series_without_value_leaves_no_bar_and_planned_ones_are_hatched() -> None:
    svg = charts.bars([column("Nov", invoiced=5), column("Dec", planned=6)], SERIES, "Income", str)
    assert len(heights(svg, "pale")) == len(heights(svg, "planned")) == 1
    assert 'pattern id="hatch"' in svg
    assert "hatch" not in charts.bars([column("Nov", invoiced=5)], SERIES, "Income", str)


def test_stacked_bars_hang_below_zero_where_they_are_negative() -> None:
    svg = charts.stacked_bars([column("Nov", invoiced=40, planned=-20)], SERIES, "Growth", str)
    up, down = drawn(svg).iterfind(".//rect[@rx]")
    assert float(down.get("y", "")) == pytest.approx(float(up.get("y", "")) + float(up.get("height", "")) + 1)


def test_charts_of_nothing_are_drawn_too() -> None:
    for draw in (charts.bars, charts.stacked_bars):
        drawn(draw([], SERIES, "Income", str))


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=6))
def test_segments_never_leave_their_bar_nor_overlap(values: list[float]) -> None:
    svg = charts.segments([charts.Part(value=value, tone="good") for value in values], "Shares")
    places = [(float(x), float(width)) for x, width in re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', svg)]
    assert all(x + width <= 100.7 for x, width in places)
    # The least width makes a tiny share seen; it may lie over its neighbour by that much.
    assert all(left[0] + left[1] <= right[0] + 0.62 for left, right in pairwise(places))


@pytest.mark.parametrize(("share", "width"), [(-1, "0.0"), (0, "0.0"), (0.0001, "1.0"), (0.5, "50.0"), (7, "100.0")])
def test_a_meter_stays_in_its_track(share: float, width: str) -> None:
    assert f'class="mark" width="{width}%"' in charts.meter(share)


def test_a_sparkline_of_equal_values_is_a_line() -> None:
    drawn(charts.sparkline([5, 5, 5]))
    drawn(charts.sparkline([5]))


def test_a_label_makes_it_an_image_and_none_hides_it() -> None:
    for described, plain in [
        (charts.meter(0.5, label="Half"), charts.meter(0.5)),
        (charts.sparkline([1, 2], label="It grew"), charts.sparkline([1, 2])),
        (charts.segments([], "Nothing"), charts.segments([])),
    ]:
        assert 'role="img" aria-label="' in described
        assert 'aria-hidden="true"' in plain
    assert 'role="img" aria-label="Income"' in charts.bars([column("Nov", invoiced=1)], SERIES, "Income", str)


def test_texts_are_escaped_and_nothing_is_inline_style() -> None:
    columns = [charts.Column(label=EVIL, values={"invoiced": 1}, tip=EVIL, current=True)]
    svg = charts.bars(columns, SERIES, EVIL, lambda value: EVIL) + charts.meter(1, label=EVIL)
    drawn(svg)
    assert "<script" not in svg
    assert "style=" not in svg
