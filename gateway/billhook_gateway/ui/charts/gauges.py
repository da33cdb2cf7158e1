"""Small marks beside a figure: a line, a share, a bar of shares.

With a ``label`` they are images with that sentence; without one they are hidden from screen readers, for places where
the text beside them says the same.
"""

from collections.abc import Sequence
from typing import TypedDict

from markupsafe import Markup

SPARK_HEIGHT, METER_HEIGHT, SEGMENTS_HEIGHT = 38, 6, 10
SEGMENT_GAP, LEAST_SEGMENT = 0.4, 0.6
"""Percent between segments, and the width that even the smallest share gets so that it can be seen."""


class Part(TypedDict):
    """One share of a whole."""

    value: float
    tone: str


def _described(label: str) -> Markup:
    if label:
        return Markup('role="img" aria-label="{}"').format(label)
    return Markup('aria-hidden="true"')


def sparkline(values: Sequence[float], tone: str = "brand", label: str = "") -> Markup:
    """The course of one figure, at least two values; no axis, the figure itself stands above it."""
    low, span, last = min(values), (max(values) - min(values)) or 1, max(len(values) - 1, 1)
    points = " ".join(
        f"{100 * place / last:.1f},{SPARK_HEIGHT - 4 - (value - low) / span * (SPARK_HEIGHT - 10):.1f}"
        for place, value in enumerate(values)
    )
    return Markup(
        '<svg class="spark {}" viewBox="0 0 100 {}" height="{}" preserveAspectRatio="none" {}>'
        '<polygon points="0,{} {} 100,{}"/><polyline points="{}"/></svg>'
    ).format(tone, SPARK_HEIGHT, SPARK_HEIGHT, _described(label), SPARK_HEIGHT, points, SPARK_HEIGHT, points)


def meter(share: float, tone: str = "brand", label: str = "") -> Markup:
    """A share between 0 and 1; above 1 it is full, and what is not nothing can always be seen."""
    width = min(max(share * 100, 1 if share > 0 else 0), 100)
    return Markup(
        '<svg class="meter {}" width="100%" height="{}" {}><rect class="track" width="100%" height="{}" rx="3"/>'
        '<rect class="mark" width="{:.1f}%" height="{}" rx="3"/></svg>'
    ).format(tone, METER_HEIGHT, _described(label), METER_HEIGHT, width, METER_HEIGHT)


def segments(parts: Sequence[Part], label: str = "") -> Markup:
    """One bar divided into shares; parts of nothing are left out."""
    total, x, drawn = sum(part["value"] for part in parts) or 1, 0.0, Markup("")
    for part in parts:
        share = 100 * part["value"] / total
        if part["value"] > 0:
            drawn += Markup('<rect class="mark {}" x="{:.2f}%" width="{:.2f}%" height="{}" rx="2"/>').format(
                part["tone"], x, max(share - SEGMENT_GAP, LEAST_SEGMENT), SEGMENTS_HEIGHT
            )
        x += share
    return Markup('<svg class="segments" width="100%" height="{}" {}>{}</svg>').format(
        SEGMENTS_HEIGHT, _described(label), drawn
    )
