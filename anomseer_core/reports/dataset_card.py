"""What a set of labelled series is like, at a glance: the paper's Table 3, for any set, and a few examples.

One row for each task of each collection and benchmark, and one for all of them: how many series, how long, how much
of them is anomalous, how many events and how long those, of which classes. How many series of a published collection
are there is said, since a few of them are not the benchmark, and what stands in for another one is called a proxy.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from anomseer_core.series import AnomalyClass, Series

ALL = "all"
MOST_EXAMPLES = 8
EXAMPLE_COLUMNS = 2
MOST_CHANNELS = 5
MOST_SPANS = 300
DPI = 100
# Those of the other pictures: the line, and what is labelled.
LINE_COLOUR, TRUTH_COLOUR = "steelblue", "#c44e52"
# Twice the width of a plot in pixels: a line cannot show more.
DRAWN_POINTS = 1_200


@dataclass
class Tally:
    """The running sums of one row."""

    lengths: list[int] = field(default_factory=list)
    channels: set[int] = field(default_factory=set)
    ratios: list[float] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    classes: Counter[str] = field(default_factory=Counter)
    published: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    proxies: set[str] = field(default_factory=set)

    def add(self, series: Series) -> None:
        lengths = [stop - start for start, stop in series.intervals]
        self.lengths.append(len(series))
        self.channels.add(len(np.atleast_2d(series.values)))
        self.ratios.append(sum(lengths) / len(series))
        self.events += lengths
        self.classes[str(series.anomaly_class)] += 1
        about = series.metadata
        if name := about.get("collection"):
            self.published[name] = int(about.get("published_series", 0))
            self.counts[name] += 1
        if about.get("proxy_of"):
            self.proxies.add(about["proxy_of"])


def describe(series: Iterable[Series]) -> pd.DataFrame:
    """One row for each benchmark, collection and task, and a last one for all if there are several.

    Raises ValueError when there are no series at all.

    Lengths are in samples; `anomalous` is the mean share of anomalous samples of a series, the normal ones included.
    """
    tallies: dict[tuple[str, str, str], Tally] = {}
    total = Tally()
    for item in series:
        key = (item.benchmark, str(item.metadata.get("collection", "")), item.task)
        tallies.setdefault(key, Tally()).add(item)
        total.add(item)
    if not total.lengths:
        raise ValueError("there are no series to describe")
    rows = [_row(*key, tally, total) for key, tally in tallies.items()]
    if len(rows) > 1:
        rows.append(_row(*(_shared(names) for names in list(zip(*tallies, strict=True))[:2]), ALL, total, total))
    return pd.DataFrame(rows)


def examples_figure(series: Iterable[Series]) -> Figure:
    """The first anomalous series of up to eight tasks, evenly chosen among them, with their events marked."""
    first: dict[tuple[str, str], Series] = {}
    for item in series:
        known = first.setdefault((item.benchmark, item.task), item)
        if known.is_normal and not item.is_normal:
            first[item.benchmark, item.task] = item
    found = list(first.values())
    count = min(MOST_EXAMPLES, len(found))
    chosen = [found[place * len(found) // count] for place in range(count)]
    columns = min(EXAMPLE_COLUMNS, count)
    lines = -(-count // columns)
    figure = Figure(figsize=(6 * columns, 1.7 * lines), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(lines, columns, squeeze=False).flatten()
    for axes, item in zip(grid, chosen, strict=False):
        _draw_example(axes, item)
    for axes in grid[count:]:
        axes.remove()
    return figure


def _shared(names: Sequence[str]) -> str:
    return names[0] if len(set(names)) == 1 else ALL


def _row(benchmark: str, collection: str, task: str, tally: Tally, total: Tally) -> dict[str, Any]:
    lengths, events = np.array(tally.lengths), np.array(tally.events)
    return {
        "benchmark": benchmark,
        "collection": collection,
        "task": task,
        "series": len(lengths),
        "channels": _span(tally.channels),
        "length_min": int(lengths.min()),
        "length_median": int(np.median(lengths)),
        "length_max": int(lengths.max()),
        "normal": tally.classes[AnomalyClass.NORMAL],
        "anomalous": round(float(np.mean(tally.ratios)), 4),
        "anomalous_min": round(min(tally.ratios), 4),
        "anomalous_max": round(max(tally.ratios), 4),
        "events": len(events),
        "event_min": int(events.min(initial=int(lengths.max()))) if len(events) else 0,
        "event_median": int(np.median(events)) if len(events) else 0,
        "event_max": int(events.max(initial=0)),
        "classes": ", ".join(f"{name} {count}" for name, count in sorted(tally.classes.items())),
        "about": "; ".join([*_told_parts(tally, total), *(f"a proxy of {name}" for name in sorted(tally.proxies))]),
    }


def _told_parts(tally: Tally, total: Tally) -> list[str]:
    """How much of each published collection there is, in all rows together."""
    published = sorted((name, count) for name, count in tally.published.items() if count)
    return [f"{total.counts[name]} of {count} series of {name}" for name, count in published]


def _span(numbers: set[int]) -> str:
    return str(min(numbers)) if len(numbers) == 1 else f"{min(numbers)}-{max(numbers)}"


def _draw_example(axes: Axes, series: Series) -> None:
    """Every channel between its own limits, one above the other."""
    channels = np.atleast_2d(series.values)[:MOST_CHANNELS]
    for place, channel in enumerate(channels):
        low, high = np.nanmin(channel, initial=np.inf), np.nanmax(channel, initial=-np.inf)
        scaled = channel if len(channels) == 1 else (channel - low) / max(high - low, 1e-12) - 1.1 * place
        axes.plot(*_outline(scaled), color=LINE_COLOUR, linewidth=0.8)
    for start, stop in series.intervals[:MOST_SPANS]:
        widened = max(stop - start, len(series) / 400)
        axes.axvspan(start, start + widened, color=TRUTH_COLOUR, alpha=0.25, linewidth=0)
    axes.set_xlim(0, len(series))
    axes.set_title(f"{series.id}   {series.anomaly_class}", fontsize=8, loc="left")
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    if len(channels) > 1:
        axes.set_yticks([])


def _outline(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of a line that looks the same: of long series the lowest and the highest of each stretch."""
    stretch = -(-len(values) // (DRAWN_POINTS // 2))
    if stretch <= 2:
        return np.arange(len(values)), values
    whole = np.append(values, np.full(-len(values) % stretch, np.nan)).reshape(-1, stretch)
    with np.errstate(all="ignore"):
        low, high = np.fmin.reduce(whole, axis=1), np.fmax.reduce(whole, axis=1)
    places = np.arange(len(whole)) * stretch
    return np.repeat(places, 2) + np.tile([0, stretch // 2], len(whole)), np.stack([low, high], axis=1).flatten()
