"""Grouped and stacked bars over months or other columns."""

from collections.abc import Callable, Sequence
from typing import NotRequired, TypeAlias, TypedDict

from markupsafe import Markup

from billhook_gateway.ui.charts.scale import Scale, round_up

TOP, BOTTOM, AXIS_WIDTH = 10, 24, 46
"""Pixels above the plot, below it (for the column's name) and left of it (for the scale)."""
GROUP_SHARE, STACK_SHARE = 0.68, 0.46
"""How much of a column's width its bars take."""

Values: TypeAlias = dict[str, float]
Tick: TypeAlias = Callable[[float], str]


class Column(TypedDict):
    """One place on the horizontal axis; a series without a value here is left out."""

    label: str
    values: Values
    tip: NotRequired[str]
    current: NotRequired[bool]


class Series(TypedDict):
    """What one bar of every column shows; ``tone`` may be ``planned`` for a hatched bar."""

    name: str
    label: str
    tone: str


def bars(columns: Sequence[Column], series: Sequence[Series], label: str, tick: Tick, height: int = 232) -> Markup:
    """Bars beside each other, from zero up. ``label`` is the sentence a screen reader says."""
    top = round_up(max((value for column in columns for value in column["values"].values()), default=0))
    scale = Scale(0, top, TOP, height - TOP - BOTTOM)
    width = 100 / max(len(columns), 1)
    drawn = []
    for place, column in enumerate(columns):
        used = [entry for entry in series if entry["name"] in column["values"]]
        bar = width * GROUP_SHARE / max(len(used), 2)
        start = place * width + width / 2 - bar * len(used) / 2
        marks = [
            _bar(entry["tone"], start + order * bar + 0.15, bar - 0.3, scale, (0, column["values"][entry["name"]]))
            for order, entry in enumerate(used)
        ]
        drawn.append(_column(column, place, width, scale, marks))
    return _plot(label, height, scale, [top * part / 4 for part in range(5)], tick, drawn)


def stacked_bars(
    columns: Sequence[Column], series: Sequence[Series], label: str, tick: Tick, height: int = 232
) -> Markup:
    """Bars on top of each other; negative values hang below zero."""
    high = round_up(max((sum(v for v in c["values"].values() if v > 0) for c in columns), default=0))
    deepest = max((-sum(v for v in c["values"].values() if v < 0) for c in columns), default=0)
    low = -round_up(deepest) if deepest > 0 else 0.0
    scale = Scale(low, high, TOP, height - TOP - BOTTOM)
    width = 100 / max(len(columns), 1)
    drawn = []
    for place, column in enumerate(columns):
        up = down = 0.0
        marks = []
        for entry in series:
            value = column["values"].get(entry["name"], 0)
            span = (up, up + value) if value >= 0 else (down + value, down)
            up, down = (span[1], down) if value >= 0 else (up, span[0])
            x = place * width + width * (1 - STACK_SHARE) / 2
            marks.append(_bar(entry["tone"], x, width * STACK_SHARE, scale, span, gap=1))
        drawn.append(_column(column, place, width, scale, marks))
    return _plot(label, height, scale, sorted({low, 0.0, high / 2, high}), tick, drawn)


def _bar(tone: str, x: float, width: float, scale: Scale, span: tuple[float, float], gap: int = 0) -> Markup:
    upper, lower = scale.y(span[1]), scale.y(span[0])
    return Markup('<rect class="mark {}" x="{:.2f}%" width="{:.2f}%" y="{:.1f}" height="{:.1f}" rx="2.5"/>').format(
        tone, x, width, upper, max(lower - upper - gap, 0)
    )


def _column(column: Column, place: int, width: float, scale: Scale, marks: list[Markup]) -> Markup:
    classes = " now" if column.get("current") else ""
    # Every second name is hidden where the screen is narrow.
    classes += " odd" if place % 2 else ""
    return Markup(
        '<g class="column" data-tip="{}"><rect class="hit" x="{:.2f}%" y="{}" width="{:.2f}%" height="{}"/>{}</g>'
        '<text class="tick{}" x="{:.2f}%" y="{}" text-anchor="middle">{}</text>'
    ).format(
        column.get("tip", ""),
        place * width,
        TOP,
        width,
        scale.length,
        Markup("").join(marks),
        classes,
        (place + 0.5) * width,
        TOP + scale.length + BOTTOM - 6,
        column["label"],
    )


def _plot(label: str, height: int, scale: Scale, ticks: list[float], tick: Tick, drawn: list[Markup]) -> Markup:
    axis = Markup("").join(
        Markup('<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            AXIS_WIDTH - 10, scale.y(value) + 4, tick(value)
        )
        for value in ticks
    )
    rules = Markup("").join(
        Markup('<line class="rule{}" x1="0" x2="100%" y1="{:.1f}" y2="{:.1f}"/>').format(
            "" if value else " zero", scale.y(value), scale.y(value)
        )
        for value in ticks
    )
    body = rules + Markup("").join(drawn)
    hatch = (
        Markup(
            '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><rect width="6" height="6"/><line y2="6"/></pattern></defs>'
        )
        if "mark planned" in body
        else ""
    )
    return Markup(
        '<div class="plot"><svg class="chart" width="{}" height="{}" aria-hidden="true">{}</svg>'
        '<svg class="chart" width="100%" height="{}" role="img" aria-label="{}">{}{}</svg></div>'
    ).format(AXIS_WIDTH, height, axis, height, label, hatch, body)
