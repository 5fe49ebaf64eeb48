"""Annotated pictures for people: the whole series, and strips for the truth and for each detector's answer."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from anomseer_core.rendering.drawing import DPI, LINE_COLOUR, TRUTH_COLOUR, fixed_style, to_image
from anomseer_core.rendering.scale import MARGIN
from anomseer_core.series import Interval, Series, merge_intervals

# [inches] Channels get a row each up to that many; more of them share one.
TITLE, LINE, ROW, MOST_ROWS = 0.35, 1.7, 0.6, 20
# [characters] What fits left of the strips.
LONGEST_NAME = 26
STRIP_COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#8172b3", "#937860", "#da8bc3", "#64b5cd")


def render_annotated(series: Series, predictions: Mapping[str, Sequence[Interval]], *, title: str = "") -> Image.Image:
    """A larger picture for people: the whole series and, under it, one strip for the truth and one per detector.

    predictions: detector name -> half-open intervals in samples of the series. Several channels get a row each, and
    the truth is shaded in the anomalous ones where these are known.
    """
    strips = {f"truth: {series.anomaly_class}": series.intervals, **predictions}
    rows = _rows(series)
    lines, below = max(LINE, ROW * len(rows)), 0.55 + 0.3 * len(strips)
    height = below + lines + TITLE
    with fixed_style():
        figure = Figure(figsize=(12, height), dpi=DPI, facecolor="white")
        canvas = FigureCanvasAgg(figure)
        strip_axes = figure.add_axes((0.16, 0.45 / height, 0.82, (below - 0.5) / height))
        for row, channels in enumerate(rows):
            bottom = below + lines * (1 - (row + 1) / len(rows))
            axes = figure.add_axes((0.16, bottom / height, 0.82, lines / len(rows) / height), sharex=strip_axes)
            _draw_channels(axes, series, channels)
            axes.yaxis.set_major_locator(MaxNLocator(5 if len(rows) == 1 else 2))
            if not row:
                axes.set_title(title or series.id, loc="left", fontsize=11)
        _draw_strips(strip_axes, strips, len(series))
        canvas.draw()
        return to_image(canvas)


def _rows(series: Series) -> list[list[int]]:
    """The channels that each row shows."""
    channels = list(range(len(np.atleast_2d(series.values))))
    return [channels] if len(channels) > MOST_ROWS else [[channel] for channel in channels]


def _draw_channels(axes: Axes, series: Series, channels: Sequence[int]) -> None:
    for channel in channels:
        axes.plot(np.atleast_2d(series.values)[channel], color=LINE_COLOUR, linewidth=0.9)
    if not series.anomalous_channels or set(channels) & set(series.anomalous_channels):
        for start, stop in series.intervals:
            axes.axvspan(*_span_edges(start, stop, len(series)), color=TRUTH_COLOUR, alpha=0.15, linewidth=0)
    axes.set_xlim(0, len(series))
    axes.margins(y=MARGIN)
    axes.tick_params(labelbottom=False, bottom=False, labelsize=9)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)


def _draw_strips(axes: Axes, rows: Mapping[str, Sequence[Interval]], length: int) -> None:
    """One labelled strip per row; the first is the truth."""
    for row, intervals in enumerate(rows.values()):
        colour = STRIP_COLOURS[(row - 1) % len(STRIP_COLOURS)] if row else TRUTH_COLOUR
        merged = merge_intervals(intervals, length)
        edges = [_span_edges(start, stop, length) for start, stop in merged]
        axes.broken_barh([(left, right - left) for left, right in edges], (row + 0.15, 0.7), color=colour)
        if not merged:
            axes.text(0.004 * length, row + 0.5, "none", fontsize=8, color="#888888", va="center_baseline")
    axes.set_ylim(len(rows), 0)
    axes.set_yticks([row + 0.5 for row in range(len(rows))], [_shortened(name) for name in rows], fontsize=9)
    axes.set_yticks(range(len(rows) + 1), minor=True)
    axes.grid(axis="y", which="minor", color="#dddddd", linewidth=0.6)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0, which="both")
    axes.tick_params(axis="x", labelsize=9)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."


def _span_edges(start: int, stop: int, length: int) -> tuple[float, float]:
    """What is painted for an interval: never thinner than can be seen."""
    widening = max(0.0, 0.003 * length - (stop - start)) / 2
    return start - widening, stop + widening
