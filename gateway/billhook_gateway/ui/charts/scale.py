"""From values to vertical positions, on axes that end at round numbers."""

from dataclasses import dataclass
from math import floor, log10

STEPS = (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10)
"""Where an axis may end: a quarter of each reads well too."""


def round_up(value: float) -> float:
    """The next number at or above ``value`` that reads well on an axis; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next((step * power for step in STEPS if step * power >= value), 10 * power)


@dataclass(frozen=True, slots=True)
class Scale:
    """A vertical axis from ``low`` to ``high`` drawn between ``top`` and ``top + length`` pixels."""

    low: float
    high: float
    top: float
    length: float

    def y(self, value: float) -> float:
        """Pixels from the upper edge."""
        return self.top + self.length * (1 - (value - self.low) / (self.high - self.low))
