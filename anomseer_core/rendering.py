"""Series -> the picture the model sees, and annotated pictures for people.

The model's picture is an 805x124 RGB line plot with ticks and nothing else: no label ever reaches it, so the picture
is the same with and without labels. Qwen2.5-VL resizes it to 812x112 and cuts that into 29x4 cells of 28 pixels.
The axes rectangle is fixed (never a tight bounding box, which moves the data with the width of the tick labels) and
spans the cells of columns 1 to 27 whole, so that 27 cells carry the 1,000 x-units and column 0 carries the y labels.

Departures from AnomLLM's picture (1000x150, y fixed to (-1, 1)): the size is the paper's, and y follows the data
(style `anomllm` keeps the fixed limits). Sample `i` of a view of `n` is drawn in the middle of the units it covers.

Drawing a fresh matplotlib figure costs a dozen times the drawing of one line, so one figure is kept per process,
its axes are painted once, and each picture adds the line and the y labels. matplotlib is not thread-safe: draw in
processes, not in threads. Pixels are stable for one matplotlib version.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from anomseer_core.series import Interval, Series, merge_intervals
from anomseer_core.view import VIEW_UNITS, View

Style = Literal["default", "anomllm"]

WIDTH, HEIGHT = 805, 124
DPI = 100
CELL_COLUMNS = 29
# [pixels] Room for the x labels below the axes and for half a y label above them.
BOTTOM, TOP = 17, 5
LINE_COLOUR, LINE_POINTS, LABEL_POINTS = "steelblue", 0.9, 6.0
ANOMLLM_LIMITS = (-1.0, 1.0)
MARGIN = 0.05
# A spread below this share of the magnitude is rounding noise: the series is drawn as the constant it is.
SMALLEST_SPREAD = 1e-12
MOST_TICKS = 5
# [widths of a digit] What fits between the border and the tick marks, and how wide DejaVu Sans draws what is no digit.
LABEL_WIDTH = 4.65
GLYPH_WIDTHS = {".": 0.5, "-": 0.57, "+": 1.32, "k": 0.91, "m": 1.53, "M": 1.36, "G": 1.22, "Q": 1.24, "R": 1.1}
TOO_LONG = "?" * 9
PREFIXES = dict(zip(range(-30, 31, 3), (*"qryzafpnum", "", *"kMGTPEZYRQ"), strict=True))

# [characters] What fits left of the strips.
LONGEST_NAME = 26
TRUTH_COLOUR = "#c44e52"
STRIP_COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#8172b3", "#937860", "#da8bc3", "#64b5cd")


def render(series: Series, view: View | None = None, *, style: Style = "default") -> Image.Image:
    """The picture of one view of a univariate series (default: all of it), 805x124 RGB.

    Missing samples (NaN) are gaps; a sample between two gaps is a dot. Raises ValueError for several channels.
    """
    return _canvas().draw(_shown(series, view), style)


def render_annotated(series: Series, predictions: Mapping[str, Sequence[Interval]], *, title: str = "") -> Image.Image:
    """A larger picture for people: the whole series and, under it, one strip for the truth and one per detector.

    predictions: detector name -> half-open intervals in samples of the series. Several channels share the axes.
    """
    rows = {f"truth: {series.anomaly_class}": series.intervals, **predictions}
    with _fixed_style():
        height = 2.6 + 0.3 * len(rows)
        figure = Figure(figsize=(12, height), dpi=DPI, facecolor="white")
        canvas = FigureCanvasAgg(figure)
        strips_top = (0.55 + 0.3 * len(rows)) / height
        line_axes = figure.add_axes((0.16, strips_top, 0.82, 1 - strips_top - 0.35 / height))
        strip_axes = figure.add_axes((0.16, 0.45 / height, 0.82, strips_top - 0.5 / height), sharex=line_axes)
        _draw_line_for_people(line_axes, series, title or series.id)
        _draw_strips(strip_axes, rows, len(series))
        canvas.draw()
        return _to_image(canvas)


class Scale(NamedTuple):
    """The y-axis: values divided by 10**exponent lie between low and high, and are labelled at ticks."""

    exponent: int
    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]

    def heights(self, values: np.ndarray) -> np.ndarray:
        """Values [T] -> heights in the axes, 0 at the bottom and 1 at the top; NaN stays NaN."""
        return (values / 10.0**self.exponent - self.low) / (self.high - self.low)

    @property
    def tick_heights(self) -> tuple[float, ...]:
        return tuple((tick - self.low) / (self.high - self.low) for tick in self.ticks)


def y_scale(values: np.ndarray, style: Style = "default") -> Scale:
    """Limits and about three ticks for values [T]; constant, all-missing, huge and tiny series included."""
    finite = values[np.isfinite(values)]
    magnitude = float(np.abs(finite).max(initial=0.0))
    if style == "anomllm" or magnitude == 0:
        low, high, exponent = *ANOMLLM_LIMITS, 0
    else:
        # Work in units of a power of ten, so that no difference overflows and round ticks stay round.
        exponent = max(-300, math.floor(math.log10(magnitude)))
        low, high = (float(edge) / 10.0**exponent for edge in (finite.min(), finite.max()))
        spread = high - low if high - low > SMALLEST_SPREAD * max(abs(low), abs(high)) else abs(high)
        low, high = low - MARGIN * spread, high + MARGIN * spread
    ticks = _round_ticks(low, high)
    return Scale(exponent, low, high, ticks, _tick_labels(ticks, exponent))


def _round_ticks(low: float, high: float) -> tuple[float, ...]:
    """Multiples of 1, 2 or 5 times a power of ten between low and high: two to five, as near to three as can be."""
    power = math.floor(math.log10((high - low) / 4))
    choices: list[tuple[float, ...]] = []
    for step in (Decimal(digit).scaleb(power) for digit in (1, 2, 5, 10, 20)):
        indices = range(math.ceil(low / float(step)), math.floor(high / float(step)) + 1)
        choices.append(tuple(float(step * index) for index in indices))
    return min((ticks for ticks in choices if len(ticks) > 1), key=lambda ticks: abs(len(ticks) - 3))


def _tick_labels(ticks: Sequence[float], exponent: int) -> tuple[str, ...]:
    """Exact labels that fit in column 0; where these cannot be had, one tick's value and the next one's `+step`."""
    values = [Decimal(repr(tick)).scaleb(exponent) for tick in ticks]
    power = _prefix_power(max(values, key=abs))
    for exact in ([_engineering(value, shared) for value in values] for shared in (0, power)):
        if all(map(_fits, exact)):
            return tuple(exact)
    labels = [""] * len(values)
    alone = [_engineering(value, _prefix_power(value)) for value in values]
    base = next((index for index, label in enumerate(alone[:-1]) if _fits(label)), 0)
    labels[base] = next(filter(_fits, (_rounded(values[base], digits) for digits in (3, 2, 1))), "")
    step = values[base + 1] - values[base]
    written = (_engineering(step, power).removeprefix("0") for power in (0, _prefix_power(step)))
    labels[base + 1] = next(filter(_fits, (f"+{text}" for text in written)), "")
    return tuple(labels)


def _rounded(value: Decimal, digits: int) -> str:
    rounded = Decimal(f"{value:.{digits - 1}e}")
    return _engineering(rounded, _prefix_power(rounded))


def _prefix_power(value: Decimal) -> int:
    return 3 * (value.adjusted() // 3) if value else 0


def _engineering(value: Decimal, power: int) -> str:
    """1200 with power 3 -> `1.2k`. Beyond the prefixes (below 1e-30, above 1e33) nothing short can be written."""
    if not value:
        return "0"
    text = f"{value.scaleb(-power):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text + PREFIXES[power] if power in PREFIXES else TOO_LONG


def _fits(label: str) -> bool:
    return sum(GLYPH_WIDTHS.get(character, 1.0) for character in label) <= LABEL_WIDTH


class _Canvas:
    """One figure whose axes are painted once; `draw` adds a line and its y labels to a copy of that painting."""

    def __init__(self) -> None:
        with _fixed_style():
            self.figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
            self.canvas = FigureCanvasAgg(self.figure)
            self.axes = _fixed_axes(self.figure)
            self.canvas.draw()
            self.background = self.canvas.copy_from_bbox(self.figure.bbox)
            self.line, self.dots, self.tick_marks = _line_artists(self.axes)
            self.labels = [_label_artist(self.axes) for _ in range(MOST_TICKS)]

    def draw(self, values: np.ndarray, style: Style) -> Image.Image:
        scale = y_scale(values, style)
        heights = scale.heights(values)
        positions = (np.arange(len(values)) + 0.5) * (VIEW_UNITS / len(values))
        lonely = _isolated(heights)
        # What matplotlib looks up while drawing; all of it (`_fixed_style`) costs two milliseconds more.
        with matplotlib.rc_context(_defaults("path.", "agg.", "text.", "lines.", "markers.")):
            self.canvas.restore_region(self.background)
            self.line.set_data(positions, heights)
            self.dots.set_data(positions[lonely], heights[lonely])
            self.tick_marks.set_data(np.zeros(len(scale.ticks)), scale.tick_heights)
            for artist in (self.line, self.dots, self.tick_marks):
                self.axes.draw_artist(artist)
            for artist, height, text in zip(self.labels, scale.tick_heights, scale.labels, strict=False):
                artist.set_y(height)
                artist.set_text(text)
                self.axes.draw_artist(artist)
            return _to_image(self.canvas)


@cache
def _canvas() -> _Canvas:
    return _Canvas()


def _shown(series: Series, view: View | None) -> np.ndarray:
    if series.values.ndim != 1:
        raise ValueError(
            f"series {series.id!r}: one picture shows one channel, not {len(series.values)}; make a series of each"
        )
    view = view or View(0, len(series))
    if view.stop > len(series):
        raise ValueError(f"series {series.id!r}: view [{view.start}, {view.stop}) ends after its {len(series)} samples")
    return series.values[view.start : view.stop]


def _isolated(values: np.ndarray) -> np.ndarray:
    """Boolean [T]: samples whose neighbours are both missing, through which no line passes."""
    missing = np.concatenate([[True], np.isnan(values), [True]])
    return ~missing[1:-1] & missing[:-2] & missing[2:]


def _fixed_axes(figure: Figure) -> Axes:
    left, right = 1 / CELL_COLUMNS, (CELL_COLUMNS - 1) / CELL_COLUMNS
    axes = figure.add_axes((left, BOTTOM / HEIGHT, right - left, (HEIGHT - BOTTOM - TOP) / HEIGHT))
    axes.set(xlim=(0, VIEW_UNITS), ylim=(0, 1), yticks=[])
    axes.set_xticks(range(0, VIEW_UNITS + 1, 200))
    axes.tick_params(length=2, width=0.6, pad=1.5)
    for label in axes.get_xticklabels():
        label.set_fontproperties(_font(LABEL_POINTS))
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
    return axes


def _line_artists(axes: Axes) -> list[Line2D]:
    """The line, its isolated samples, and the tick marks left of the axes, all empty and above the axes' frame."""
    (line,) = axes.plot([], [], color=LINE_COLOUR, linewidth=LINE_POINTS, zorder=3)
    (dots,) = axes.plot([], [], color=LINE_COLOUR, linestyle="none", marker="o", markersize=1.2, zorder=3)
    (marks,) = axes.plot([], [], color="black", linestyle="none", marker=0, markersize=1.5, clip_on=False, zorder=3)
    marks.set_markeredgewidth(0.6)
    return [line, dots, marks]


def _label_artist(axes: Axes) -> Text:
    """An empty y label that ends just left of the tick marks."""
    beside = ScaledTranslation(-2.2 / 72, 0, axes.get_figure().dpi_scale_trans)
    place = {"transform": axes.transData + beside, "ha": "right", "va": "center_baseline"}
    return axes.text(0, 0, "", fontproperties=_font(LABEL_POINTS), **place)


@cache
def _font(points: float) -> FontProperties:
    """DejaVu Sans as matplotlib ships it, whatever fonts the machine has."""
    return FontProperties(fname=str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size=points)


def _to_image(canvas: FigureCanvasAgg) -> Image.Image:
    width, height = canvas.get_width_height()
    return Image.frombuffer("RGBA", (width, height), canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")


def _draw_line_for_people(axes: Axes, series: Series, title: str) -> None:
    for channel in np.atleast_2d(series.values):
        axes.plot(channel, color=LINE_COLOUR, linewidth=0.9)
    for start, stop in series.intervals:
        axes.axvspan(*_span_edges(start, stop, len(series)), color=TRUTH_COLOUR, alpha=0.15, linewidth=0)
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlim(0, len(series))
    axes.margins(y=MARGIN)
    axes.yaxis.set_major_locator(MaxNLocator(5))
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


def _fixed_style() -> AbstractContextManager[None]:
    """matplotlib's own defaults, so that nobody's matplotlibrc changes a pixel."""
    return matplotlib.rc_context(_defaults(""))


@cache
def _defaults(*prefixes: str) -> dict[str, object]:
    defaults = matplotlib.rcParamsDefault
    return {key: defaults[key] for key in defaults if key.startswith(prefixes) and key != "backend"}
