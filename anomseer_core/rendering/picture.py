"""The picture the model sees: an 805x124 RGB line plot of one view, a row for each channel.

The axes rectangles are fixed (never a tight bounding box, which moves the data with the width of the tick labels) and
span 25 columns of cells whole, so that a cell carries exactly 40 of the 1,000 x-units: where in a cell something lies
gives the last digit of its position, whichever cell it is. The two columns left of them carry the y labels of a single
channel, or the numbers of several. Rows of several channels lie over one x-axis, so that a position means the
same in all of them: they share the height of the axes evenly in whole pixels, two of which part them, and each follows
its own data. Nine channels leave nine pixels to each; more are refused.

Departures from AnomLLM's picture (1000x150, y fixed to (-1, 1)): the size is the paper's, and y follows the data
(style `anomllm` keeps the fixed limits). Sample `i` of a view of `n` is drawn in the middle of the units it covers.
The paper's multivariate picture has a subplot for each variable (Appendix E.4); how they are laid out is ours.

Drawing a fresh matplotlib figure costs a dozen times the drawing of one line, so one figure is kept per process and
number of channels, its axes are painted once, and each picture adds the lines and the y labels.
"""

from functools import cache
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from anomseer_core.rendering.drawing import DPI, LINE_COLOUR, fixed_style, font, to_image
from anomseer_core.rendering.scale import MARGIN, MOST_TICKS, Scale, Style, y_scale
from anomseer_core.series import Series
from anomseer_core.view import VIEW_UNITS, View

WIDTH, HEIGHT = 805, 124
CELL_COLUMNS = 29
# [columns of cells] From which column to which the axes reach.
AXES_CELLS = (2, 27)
# [pixels] Room for the x labels below the axes and for half a y label above them, and between two rows.
BOTTOM, TOP, BETWEEN = 17, 5, 2
MOST_CHANNELS = 9
# [pixels] What separates the extremes of one of several channels from its frame, which would hide them.
ROW_MARGIN = 2.0
# [points]
LINE_POINTS, LABEL_POINTS = 0.9, 6.0


def render(series: Series, view: View | None = None, *, style: Style = "default") -> Image.Image:
    """The picture of one view of a series (default: all of it), 805x124 RGB.

    Missing samples (NaN) are gaps; a sample between two gaps is a dot. Raises ValueError for more than nine channels.
    """
    shown = _shown(series, view)
    return _canvas(len(shown)).draw(shown, style)


def row_edges(channels: int) -> list[tuple[int, int]]:
    """(top, bottom) of each row of axes, in pixels from the top of the picture."""
    edges = [TOP + round(row * (HEIGHT - BOTTOM - TOP + BETWEEN) / channels) for row in range(channels + 1)]
    return [(top, bottom - BETWEEN) for top, bottom in pairwise(edges)]


def inset(heights: np.ndarray, channels: int) -> np.ndarray:
    """Heights [T] in the axes, moved away from the frames of rows so low that the margin of the scale is no pixel."""
    margin = max(0.0, ROW_MARGIN * channels / (HEIGHT - BOTTOM - TOP) - MARGIN / (1 + 2 * MARGIN))
    return heights if channels == 1 else margin + (1 - 2 * margin) * heights


class _Canvas:
    """One figure whose axes are painted once; `draw` adds lines and y labels to a copy of that painting."""

    def __init__(self, channels: int) -> None:
        with fixed_style():
            self.figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
            self.canvas = FigureCanvasAgg(self.figure)
            self.rows = [_fixed_axes(self.figure, row, channels) for row in range(channels)]
            self.canvas.draw()
            self.background = self.canvas.copy_from_bbox(self.figure.bbox)
            self.lines = [_line_artists(axes) for axes in self.rows]
            self.scale_artists = _ScaleArtists(self.rows[0]) if channels == 1 else None

    def draw(self, values: np.ndarray, style: Style) -> Image.Image:
        """values: [V, T]."""
        # What matplotlib looks up while drawing.
        with fixed_style("path.", "agg.", "text.", "lines.", "markers."):
            self.canvas.restore_region(self.background)
            for axes, artists, channel in zip(self.rows, self.lines, values, strict=True):
                scale = y_scale(channel, style)
                _draw_line(axes, artists, inset(scale.heights(channel), len(values)))
            if self.scale_artists:
                self.scale_artists.draw(scale)
            return to_image(self.canvas)


def _draw_line(axes: Axes, artists: tuple[Line2D, Line2D], heights: np.ndarray) -> None:
    positions = (np.arange(len(heights)) + 0.5) * (VIEW_UNITS / len(heights))
    lonely = _isolated(heights)
    line, dots = artists
    line.set_data(positions, heights)
    dots.set_data(positions[lonely], heights[lonely])
    axes.draw_artist(line)
    axes.draw_artist(dots)


class _ScaleArtists:
    """The tick marks and labels left of the axes of a single channel."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        self.marks = _tick_marks(axes)
        self.labels = [_label(axes) for _ in range(MOST_TICKS)]

    def draw(self, scale: Scale) -> None:
        self.marks.set_data(np.zeros(len(scale.ticks)), scale.tick_heights)
        self.axes.draw_artist(self.marks)
        for label, height, text in zip(self.labels, scale.tick_heights, scale.labels, strict=False):
            label.set_y(height)
            label.set_text(text)
            self.axes.draw_artist(label)


@cache
def _canvas(channels: int) -> _Canvas:
    return _Canvas(channels)


def _shown(series: Series, view: View | None) -> np.ndarray:
    """The samples [V, T] of the view."""
    values = np.atleast_2d(series.values)
    if len(values) > MOST_CHANNELS:
        raise ValueError(
            f"series {series.id!r}: one picture shows at most {MOST_CHANNELS} channels, not {len(values)}; choose some"
        )
    view = view or View(0, len(series))
    if view.stop > len(series):
        raise ValueError(f"series {series.id!r}: view [{view.start}, {view.stop}) ends after its {len(series)} samples")
    return values[:, view.start : view.stop]


def _isolated(values: np.ndarray) -> np.ndarray:
    """Boolean [T]: samples whose neighbours are both missing, through which no line passes."""
    missing = np.concatenate([[True], np.isnan(values), [True]])
    return ~missing[1:-1] & missing[:-2] & missing[2:]


def _fixed_axes(figure: Figure, row: int, channels: int) -> Axes:
    """The empty axes of one row; the lowest has the x labels."""
    top, bottom = row_edges(channels)[row]
    left, right = (column / CELL_COLUMNS for column in AXES_CELLS)
    axes = figure.add_axes((left, (HEIGHT - bottom) / HEIGHT, right - left, (bottom - top) / HEIGHT))
    axes.set(xlim=(0, VIEW_UNITS), ylim=(0, 1), yticks=[])
    axes.set_xticks(range(0, VIEW_UNITS + 1, 200) if row == channels - 1 else [])
    axes.tick_params(length=2, width=0.6, pad=1.5)
    for label in axes.get_xticklabels():
        label.set_fontproperties(font(LABEL_POINTS))
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)
    if channels > 1:
        _label(axes).set(y=0.5, text=str(row))
    return axes


def _line_artists(axes: Axes) -> tuple[Line2D, Line2D]:
    """The line and its isolated samples, empty and above the frame of the axes."""
    (line,) = axes.plot([], [], color=LINE_COLOUR, linewidth=LINE_POINTS, zorder=3)
    (dots,) = axes.plot([], [], color=LINE_COLOUR, linestyle="none", marker="o", markersize=1.2, zorder=3)
    return line, dots


def _tick_marks(axes: Axes) -> Line2D:
    (marks,) = axes.plot([], [], color="black", linestyle="none", marker=0, markersize=1.5, clip_on=False, zorder=3)
    marks.set_markeredgewidth(0.6)
    return marks


def _label(axes: Axes) -> Text:
    """An empty y label that ends just left of the tick marks."""
    beside = ScaledTranslation(-2.2 / 72, 0, axes.get_figure().dpi_scale_trans)
    place = {"transform": axes.transData + beside, "ha": "right", "va": "center_baseline"}
    return axes.text(0, 0, "", fontproperties=font(LABEL_POINTS), **place)
