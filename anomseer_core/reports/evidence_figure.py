"""A view of a series with the evidence of its trace drawn on it, for people who read the trace beside it.

Top to bottom: the series, with the k-sigma envelope where that is the probe; strips for the label, for what the trace
concludes where that differs, and for what the probe itself finds; and a track of what each probe measured, with its
limits. The label shades every panel in red; what crosses a limit is orange.

The x-axis counts view units, as the text does, and is as wide as that of the picture the model sees (`rendering/`),
so that one above the other they align; `PLOT_LEFT` and `PLOT_WIDTH` say where the plot lies in either picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Discord, Envelope, Period, Probe, Shapelet, Support, number
from anomseer_core.expcot.probes import probe
from anomseer_core.expcot.scan import Scan, scan
from anomseer_core.rendering import AXES_CELLS, CELL_COLUMNS, LINE_COLOUR, TRUTH_COLOUR, WIDTH
from anomseer_core.reports.evidence_tracks import Track, scale_tracks, track_of
from anomseer_core.series import AnomalyClass, Interval, Series
from anomseer_core.view import VIEW_UNITS, View

DPI = 160
# [pixels at 100 dpi] The plot is as wide as the model's; left of it are the names of the strips.
MODEL_PLOT_LEFT = WIDTH * AXES_CELLS[0] / CELL_COLUMNS
PLOT_WIDTH = WIDTH * (AXES_CELLS[1] - AXES_CELLS[0]) / CELL_COLUMNS
PLOT_LEFT, PLOT_RIGHT = 82.0, 18.0
FIGURE_WIDTH = PLOT_LEFT + PLOT_WIDTH + PLOT_RIGHT
HEADING, FOOT, STRIP, GAP = 24.0, 34.0, 15.0, 7.0
SERIES_HEIGHT, TRACK_HEIGHT, SMALL_TRACK_HEIGHT, TRACK_HEADING = 170.0, 92.0, 62.0, 20.0

FOUND_COLOUR, CONCLUDED_COLOUR, LIMIT_COLOUR, BAND_COLOUR = "#e6820e", "#4c72b0", "#444444", "#dfe8f1"
GREY, GRID, SMOOTHED_COLOUR = "#8a8a8a", "#e0e0e0", "#1c3d5a"
# With more candidates than this the text gives no single values either.
MOST_MARKED = 5
# [units] Room that a value takes beside its dot.
ROOM_FOR_A_VALUE = 45


@dataclass(frozen=True)
class Subject:
    """What a picture is about: a view, scanned and probed as its trace was.

    labelled and concluded: half-open view units, of the label and of the trace (the same unless the trace is blind).
    """

    series: Series
    scan: Scan
    rules: ProbeThresholds
    probes: tuple[Probe, ...]
    labelled: tuple[Interval, ...]
    concluded: tuple[Interval, ...]

    @property
    def values(self) -> np.ndarray:
        """The samples [T] of the view, with their gaps."""
        return self.series.values[self.scan.view.start : self.scan.view.stop]

    @property
    def analysed(self) -> np.ndarray:
        """The values [T] that the probes saw: interpolated, and smoothed where the rules say so."""
        return self.scan.mean + self.scan.std * self.scan.z


@dataclass(frozen=True)
class Strip:
    """A row of bars: its name, their colour, and closed-open spans in view units."""

    name: str
    colour: str
    spans: Sequence[tuple[float, float]]


def subject_of(
    series: Series,
    rules: ProbeThresholds,
    *,
    view: View | None = None,
    anomaly_class: AnomalyClass | None = None,
    concluded: Sequence[Interval] | None = None,
) -> Subject:
    """Scan and probe a view for its picture; raises ValueError for a series that `scan` refuses.

    anomaly_class, concluded: those of the trace (half-open view units), by default those of the label. Where the class
    is unknown, every probe is drawn.
    """
    scanned = scan(series, rules, view)
    labelled = scanned.view.to_units(series.intervals)
    if concluded is None:
        concluded = labelled
    if anomaly_class is None:
        anomaly_class = series.anomaly_class if concluded else AnomalyClass.NORMAL
    if anomaly_class is AnomalyClass.UNKNOWN:
        anomaly_class = AnomalyClass.NORMAL
    probes = probe(scanned, anomaly_class, list(concluded), rules)
    return Subject(series, scanned, rules, probes, tuple(labelled), tuple(concluded))


def evidence_figure(subject: Subject, *, title: str = "") -> Figure:
    """The picture of one view; its height depends on how many probes there are."""
    tracks = [track_of(item, subject.scan, subject.rules) for item in subject.probes]
    below = [(item, track) for item, track in zip(subject.probes, tracks, strict=True) if _has_panel(item, subject)]
    strips = _strips(subject, tracks)
    track_height = TRACK_HEIGHT if len(below) == 1 else SMALL_TRACK_HEIGHT
    height = HEADING + SERIES_HEIGHT + GAP + STRIP * len(strips) + FOOT + len(below) * (TRACK_HEADING + track_height)
    figure = Figure(figsize=(FIGURE_WIDTH / 100, height / 100), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(PLOT_LEFT / FIGURE_WIDTH, 1 - 15 / height, title, fontsize=9.5)
    top = HEADING
    panels = [_panel(figure, top, SERIES_HEIGHT)]
    _draw_series(panels[0], subject, tracks)
    top += SERIES_HEIGHT + GAP
    panels.append(_panel(figure, top, STRIP * len(strips)))
    _draw_strips(panels[-1], strips)
    top += STRIP * len(strips)
    for item, track in below:
        panels.append(_panel(figure, top + TRACK_HEADING, track_height))
        _draw_track(panels[-1], track, item, subject)
        top += TRACK_HEADING + track_height
    _finish(panels, subject)
    return figure


def _has_panel(item: Probe, subject: Subject) -> bool:
    """The envelope is drawn on the series; shapelet and discord share the matrix profile."""
    if isinstance(item, Envelope):
        return False
    return not (isinstance(item, Discord) and any(isinstance(other, Shapelet) for other in subject.probes))


def _panel(figure: Figure, top: float, height: float) -> Axes:
    """Axes at `top` pixels from the upper border."""
    width, total = figure.get_size_inches() * 100
    return figure.add_axes((PLOT_LEFT / width, 1 - (top + height) / total, PLOT_WIDTH / width, height / total))


def _positions(length: int) -> np.ndarray:
    """Where samples [T] are drawn: in the middle of the units they cover."""
    return (np.arange(length) + 0.5) * (VIEW_UNITS / length)


def _units(scan: Scan, spans: Sequence[Interval]) -> list[tuple[float, float]]:
    return [(start * scan.units_per_sample, stop * scan.units_per_sample) for start, stop in spans]


def _draw_series(axes: Axes, subject: Subject, tracks: Sequence[Track]) -> None:
    _draw_values(axes, subject)
    alone = len(subject.probes) == 1
    for item, track in zip(subject.probes, tracks, strict=True):
        if isinstance(item, Envelope):
            _draw_envelope(axes, item, subject)
        elif alone:
            _recolour(axes, _positions(len(subject.values)), subject.values, track.excursions)
        if isinstance(item, Discord) and alone:
            _draw_window(axes, item)
    if not subject.scan.std:
        axes.set_ylim(subject.scan.mean - 1, subject.scan.mean + 1)


def _draw_values(axes: Axes, subject: Subject) -> None:
    """The samples with their gaps, and what the probes saw where that differs."""
    places, values, analysed = _positions(len(subject.values)), subject.values, subject.analysed
    differs = ~(np.abs(values - analysed) <= 1e-6 * subject.scan.std + 1e-9 * np.abs(analysed))
    smoothed = bool((differs & ~np.isnan(values)).any())
    if smoothed:
        axes.plot(places, analysed, color=SMOOTHED_COLOUR, linewidth=0.9, zorder=4)
    elif differs.any():
        axes.plot(places, analysed, color=GREY, linewidth=0.7, linestyle=(0, (1, 1)), zorder=2)
    axes.plot(places, values, color=LINE_COLOUR, linewidth=0.9, alpha=0.5 if smoothed else 1.0, zorder=3)
    lonely = _isolated(values)
    axes.plot(places[lonely], values[lonely], color=LINE_COLOUR, linestyle="none", marker="o", markersize=1.6, zorder=3)


def _draw_envelope(axes: Axes, item: Envelope, subject: Subject) -> None:
    """The band, and the samples outside."""
    axes.axhspan(item.lower, item.upper, color=BAND_COLOUR, linewidth=0, zorder=0)
    for bound in (item.lower, item.upper):
        axes.axhline(bound, color=LIMIT_COLOUR, linewidth=0.8, linestyle="--", zorder=1)
    places, analysed = _positions(len(subject.values)), subject.analysed
    outside = (analysed < item.lower) | (analysed > item.upper)
    axes.plot(places[outside], analysed[outside], ".", color=FOUND_COLOUR, markersize=4, zorder=5)


def _draw_window(axes: Axes, item: Discord) -> None:
    """The strongest discord as a frame."""
    first, last = item.span
    axes.axvspan(first, last + 1, fill=False, edgecolor=FOUND_COLOUR, linewidth=1.2, linestyle="--", zorder=4)


def _recolour(axes: Axes, places: np.ndarray, values: np.ndarray, spans: Sequence[Interval]) -> None:
    for start, stop in spans:
        axes.plot(places[start:stop], values[start:stop], color=FOUND_COLOUR, linewidth=1.1, zorder=4)


def _isolated(values: np.ndarray) -> np.ndarray:
    """Boolean [T]: samples through which no line passes."""
    missing = np.concatenate([[True], np.isnan(values), [True]])
    return ~missing[1:-1] & missing[:-2] & missing[2:]


def _strips(subject: Subject, tracks: Sequence[Track]) -> list[Strip]:
    """The label, the trace's own conclusion where it differs, then what the probes found."""
    strips = [Strip("label", TRUTH_COLOUR, subject.labelled)]
    if subject.concluded != subject.labelled:
        strips.append(Strip("trace", CONCLUDED_COLOUR, subject.concluded))
    alone = len(subject.probes) == 1
    for item, track in zip(subject.probes, tracks, strict=True):
        if isinstance(item, Shapelet) and not alone:
            continue
        name = "beyond limit" if alone else track.name
        strips.append(Strip(name, FOUND_COLOUR, _units(subject.scan, track.excursions)))
        if isinstance(item, Shapelet):
            strips += [
                Strip(f"top of {number(scale.window)}", GREY, [(first, last + 1) for first, last in scale.spans])
                for scale in item.scales
            ]
    return strips


def _draw_strips(axes: Axes, strips: Sequence[Strip]) -> None:
    for row, strip in enumerate(strips):
        bars = [_at_least_visible(start, stop) for start, stop in strip.spans]
        axes.broken_barh(
            [(left, right - left) for left, right in bars], (row + 0.18, 0.64), color=strip.colour, zorder=3
        )
        if not bars:
            axes.text(4, row + 0.52, "none", fontsize=7, color=GREY, va="center_baseline")
    axes.set_ylim(len(strips), 0)
    axes.set_yticks([row + 0.5 for row in range(len(strips))], [strip.name for strip in strips], fontsize=7.5)
    axes.tick_params(axis="y", length=0)


def _at_least_visible(start: float, stop: float) -> tuple[float, float]:
    widening = max(0.0, 2.5 - (stop - start)) / 2
    return start - widening, stop + widening


def _draw_track(axes: Axes, track: Track, item: Probe, subject: Subject) -> None:
    places, drawn = _positions(len(track.values)), [track.values, np.array(track.limits)]
    if isinstance(item, Shapelet):
        drawn += _draw_other_scales(axes, places, item, subject)
    axes.plot(places, track.values, color=LINE_COLOUR, linewidth=1.0, zorder=3)
    for limit in track.limits:
        axes.axhline(limit, color=LIMIT_COLOUR, linewidth=0.8, linestyle="--", zorder=2)
    _recolour(axes, places, track.values, track.excursions)
    if len(item.findings.supports) <= MOST_MARKED:
        _mark_supports(axes, track, item.findings.supports, subject.scan)
    lowest, highest = min(part.min() for part in drawn), max(part.max() for part in drawn)
    lowest = lowest if isinstance(item, Period) else min(0.0, lowest)
    axes.set_ylim(lowest - 0.08 * (highest - lowest), highest + 0.18 * (highest - lowest))
    axes.set_title(track.title, loc="left", fontsize=7.5, pad=3, color="#333333")


def _draw_other_scales(axes: Axes, places: np.ndarray, item: Shapelet, subject: Subject) -> list[np.ndarray]:
    """The scores at half and double the window, dotted and dashed; what has been drawn."""
    half, _, double = scale_tracks(item, subject.scan, subject.rules)
    for scores, style in ((half, (0, (1, 1))), (double, (0, (4, 2)))):
        axes.plot(places, scores, color=GREY, linewidth=0.9, linestyle=style, zorder=2)
    return [half, double]


def _mark_supports(axes: Axes, track: Track, supports: Sequence[Support], scan: Scan) -> None:
    """A dot, with its value, where a candidate finds its strongest support; values stand away from each other."""
    places = [(_sample_of(support, track, scan) + 0.5) * scan.units_per_sample for support in supports]
    for index, (place, support) in enumerate(zip(places, supports, strict=True)):
        colour = FOUND_COLOUR if support.crosses else LIMIT_COLOUR
        axes.plot([place], [support.value], "o", color=colour, markersize=3.2, zorder=6)
        room = (places[index + 1] if index + 1 < len(places) else VIEW_UNITS) - place
        leftwards = room < ROOM_FOR_A_VALUE
        axes.annotate(
            number(support.value),
            (place, support.value),
            xytext=(-4 if leftwards else 4, 2),
            textcoords="offset points",
            ha="right" if leftwards else "left",
            fontsize=7,
            color="#222222",
            path_effects=[withStroke(linewidth=2, foreground="white")],
            zorder=7,
        )


def _sample_of(support: Support, track: Track, scan: Scan) -> int:
    """The sample inside a candidate that has the value of its support."""
    start, stop = scan.samples([(support.first, support.last + 1)])[0]
    return start + int(np.argmin(np.abs(track.values[start:stop] - support.value)))


def _finish(panels: Sequence[Axes], subject: Subject) -> None:
    """What all panels share: the x-axis, the shade of the label, quiet frames."""
    for axes in panels:
        for start, stop in subject.labelled:
            axes.axvspan(*_at_least_visible(start, stop), color=TRUTH_COLOUR, alpha=0.16, linewidth=0, zorder=1)
        axes.set_xlim(0, VIEW_UNITS)
        axes.set_xticks(range(0, VIEW_UNITS + 1, 100))
        axes.grid(axis="x", color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(axis="x", labelbottom=axes is panels[-1], labelsize=7.5, length=2 * (axes is panels[-1]))
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("#999999")
    for axes in (panels[0], *panels[2:]):
        axes.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
        axes.tick_params(axis="y", labelsize=7.5, length=2)
        # A power of ten that the tick labels share stands left of the axis, out of the heading's way.
        axes.yaxis.get_offset_text().set(x=-0.012, ha="right", fontsize=7)
    panels[-1].set_xlabel("position [units of the view]", fontsize=7.5, labelpad=2)
