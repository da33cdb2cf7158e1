"""Charts drawn on the server as SVG: fluid width (percent x), fixed height, coloured by CSS classes only.

No ``style`` attributes, so that they pass the content policy. A ``tone`` is one of the tone classes of tokens.css.
Figures are used for geometry only; the caller writes amounts as text.
"""

from billhook_gateway.ui.charts.bars import Column, Series, bars, stacked_bars
from billhook_gateway.ui.charts.gauges import Part, meter, segments, sparkline

__all__ = ["Column", "Part", "Series", "bars", "meter", "segments", "sparkline", "stacked_bars"]
