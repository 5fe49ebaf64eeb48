"""Pictures for people: learning curves, examples of answers, and the groups of Table 1 as bars.

All are drawn on matplotlib's object interface (Figure and Agg), which keeps no global state; matplotlib is not
thread-safe all the same, so draw from one thread at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from anomseer_core.baselines.trivial import ORACLES
from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.rendering import render_annotated
from anomseer_core.reports.summary import BY_GROUP, GROUPED_BENCHMARK, MISSING, is_policy
from anomseer_core.series import Series

DPI = 100
PANEL_COLUMNS = 3
# Steps of training are noisy: a mean over this share of them is drawn above the single values.
SMOOTHED_SHARE = 0.1
# [characters] What fits above an example, its scores beside it; names of archives' files are longer.
LONGEST_ID = 60
COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#c44e52")
POLICY_COLOUR, BASELINE_COLOUR, ORACLE_COLOUR = "#4c72b0", "#a9a9a9", "#dddddd"


@dataclass(frozen=True)
class Panel:
    """One small plot: its title, and the metrics drawn in it by the label of their line.

    noisy: whether a mean is drawn above the single values; a schedule has no noise.
    """

    title: str
    lines: Mapping[str, str]
    noisy: bool = True


PANELS = (
    Panel("Loss", {"": "loss"}),
    Panel("Tokens with a probability above 1/2 [share]", {"": "sure_token_share"}),
    Panel(
        "Reward",
        {
            "total": "reward",
            "format": "reward/format",
            "class": "reward/classification",
            "location": "reward/location",
        },
    ),
    Panel("Transport cost W", {"mean": "transport/cost", "spread in groups": "transport/cost_spread"}),
    Panel("Groups without spread [share]", {"reward": "frac_reward_zero_std", "reasoning": "frac_reasoning_zero_std"}),
    Panel("Reasoning against task advantage", {"orthogonal share": "orthogonal_share", "cosine": "advantage_cosine"}),
    Panel("KL to the reference", {"": "kl"}),
    Panel("Entropy [nats]", {"": "entropy"}),
    Panel("Response length [tokens]", {"": "completions/mean_length"}),
    Panel("Gradient norm", {"": "grad_norm"}),
    Panel("Learning rate", {"": "learning_rate"}, noisy=False),
    Panel(
        "Answers to held-out series",
        {
            "reward": "eval/reward",
            "affiliation-F1": "eval/affiliation_f1",
            "point-wise F1": "eval/pointwise_f1",
            "class": "eval/class_accuracy",
        },
        noisy=False,
    ),
)


def learning_curves(rows: Sequence[Mapping[str, Any]], *, title: str = "") -> Figure:
    """The metrics of a training run over its steps, one panel for each concept that the run measured.

    rows: `{"step": int, "metrics": {name: value}}` as the trainer writes them. Metrics without a panel are left out.
    Raises ValueError when nothing can be drawn.
    """
    frame = pd.DataFrame([{"step": row["step"], **row["metrics"]} for row in rows])
    panels = [panel for panel in PANELS if any(metric in frame for metric in panel.lines.values())]
    if not panels:
        raise ValueError(f"no training metric to draw in {len(rows)} rows")
    columns = min(PANEL_COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    figure = blank_figure(4 * columns, 2.4 * lines + (0.4 if title else 0))
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    grid = figure.subplots(lines, columns, squeeze=False).flatten()
    for axes, panel in zip(grid, panels, strict=False):
        _draw_panel(axes, panel, frame.set_index("step"))
    for axes in grid[len(panels) :]:
        axes.remove()
    return figure


def example_sheet(
    scores: pd.DataFrame, series: Iterable[Series], predictions: Iterable[Prediction], *, per_kind: int = 1
) -> Image.Image:
    """The best, the median and the worst answers of one detector, one annotated picture below the other.

    scores: rows of one detector, as `read_scores` gives them; series, predictions: those the rows are about.
    """
    chosen = choose_examples(scores, per_kind)
    found = {item.id: item for item in series if item.id in chosen}
    answers = {item.series_id: item for item in predictions if item.series_id in chosen}
    rows = scores.set_index("series_id")
    pictures = [
        render_annotated(
            found[identifier],
            {answers[identifier].detector: answers[identifier].intervals},
            title=f"{kind}: {shortened(identifier)}   {_describe(rows.loc[identifier], answers[identifier])}",
        )
        for identifier, kind in chosen.items()
    ]
    return _stack(pictures)


def choose_examples(scores: pd.DataFrame, per_kind: int) -> dict[str, str]:
    """Series id -> best, median or worst by affiliation-F1, ties by point-wise F1; of anomalous series if any.

    A series that is several of these (few series) appears once, as the first of them. Raises ValueError without rows.
    """
    if scores.empty:
        raise ValueError("no scores to choose examples from")
    scores = scores[scores["counted"]] if scores["counted"].any() else scores
    anomalous = scores[scores["truth_events"] > 0]
    rows = scores if anomalous.empty else anomalous
    ranked = rows.sort_values(["affiliation_f1", "pointwise_f1", "series_id"], ascending=[False, False, True])
    identifiers = ranked["series_id"].tolist()
    middle = max(0, (len(identifiers) - per_kind) // 2)
    chosen: dict[str, str] = {}
    for kind, part in (
        ("best", identifiers[:per_kind]),
        ("worst", identifiers[-per_kind:]),
        ("median", identifiers[middle : middle + per_kind]),
    ):
        for identifier in part:
            chosen.setdefault(identifier, kind)
    return {identifier: chosen[identifier] for identifier in identifiers if identifier in chosen}


def group_bars(summary: pd.DataFrame) -> Figure:
    """Affiliation-F1 of every detector in the four groups of AnomLLM and their mean, from `summarise`; titled with n.

    Raises ValueError when the summary holds no AnomLLM row.
    """
    rows = summary[summary["benchmark"] == GROUPED_BENCHMARK]
    if rows.empty:
        raise ValueError(f"the summary has no {GROUPED_BENCHMARK} row to draw")
    names = rows["detector"].tolist()
    colours = [_colour(name) for name in names]
    figure = blank_figure(12, 1.2 + 0.3 * len(names))
    about = f"{GROUPED_BENCHMARK}, {rows['n'].max():,} held-out series, profile {', '.join(rows['profile'].unique())}"
    figure.suptitle(about, x=0.01, ha="left", fontsize=12)
    for axes, column in zip(figure.subplots(1, len(BY_GROUP), sharey=True), BY_GROUP, strict=True):
        _draw_bars(axes, 100 * rows[column.name], colours)
        axes.set_title(column.heading, fontsize=10, loc="left")
    first = figure.axes[0]
    first.set_yticks(range(len(names)), names, fontsize=9)
    first.invert_yaxis()
    figure.supxlabel("affiliation-F1 in percent; blue: policies, light: oracles that see the label", fontsize=9)
    return figure


def shortened(identifier: str) -> str:
    """An id without its middle where it is too long for a title: the archive and the end of the name tell it.

    >>> shortened("archive/UCR/" + 60 * "x" + "_4485_4587.txt")
    'archive/UCR/xxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxx_4485_4587.txt'
    """
    if len(identifier) <= LONGEST_ID:
        return identifier
    half = (LONGEST_ID - 3) // 2
    return f"{identifier[: half + 1]}...{identifier[-half:]}"


def write_png(picture: Figure | Image.Image, path: Path) -> Path:
    """Save either kind of picture; returns the path."""
    if isinstance(picture, Figure):
        picture.savefig(path, format="png")
    else:
        picture.save(path, format="PNG")
    return path


def _describe(row: pd.Series, answer: Prediction) -> str:
    measures = f"affiliation-F1 {100 * row.affiliation_f1:.1f}, point-wise F1 {100 * row.pointwise_f1:.1f}"
    named = "" if answer.anomaly_class is None else f"   answer: {answer.anomaly_class}"
    return measures + named + ("" if answer.status is ParseStatus.OK else f" ({answer.status})")


def blank_figure(width: float, height: float) -> Figure:
    """An empty white figure of that size in inches."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _draw_panel(axes: Axes, panel: Panel, frame: pd.DataFrame) -> None:
    window = max(1, round(SMOOTHED_SHARE * len(frame))) if panel.noisy else 1
    drawn = [(label, metric) for label, metric in panel.lines.items() if metric in frame]
    for colour, (label, metric) in zip(COLOURS, drawn, strict=False):
        values = frame[metric].dropna()
        smooth = values.rolling(window, center=True, min_periods=1).mean()
        if window > 1:
            axes.plot(values.index, values, color=colour, linewidth=0.8, alpha=0.35)
        axes.plot(
            smooth.index, smooth, color=colour, linewidth=1.6, label=label, marker="o" if len(smooth) == 1 else ""
        )
    axes.set_title(panel.title, fontsize=10, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.tick_params(labelsize=8)
    axes.set_xlabel("step", fontsize=8)
    axes.grid(color="#e5e5e5", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    if len(drawn) > 1:
        # Below the axes, where it covers no line.
        axes.legend(
            fontsize=8,
            frameon=False,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.22),
            ncols=len(drawn),
            borderaxespad=0,
        )
    if len(frame) == 1:
        axes.set_xlim(frame.index[0] - 1, frame.index[0] + 1)


def _draw_bars(axes: Axes, percent: pd.Series, colours: Sequence[str]) -> None:
    places = range(len(percent))
    axes.barh(places, percent.fillna(0), color=colours, height=0.75)
    for place, value in zip(places, percent, strict=True):
        axes.text(
            2 + (0 if pd.isna(value) else value),
            place,
            MISSING if pd.isna(value) else f"{value:.1f}",
            va="center",
            fontsize=8,
        )
    axes.set_xlim(0, 125)
    axes.set_xticks((0, 50, 100))
    axes.grid(axis="x", color="#e5e5e5", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _colour(detector: str) -> str:
    if is_policy(detector):
        return POLICY_COLOUR
    return ORACLE_COLOUR if detector in ORACLES else BASELINE_COLOUR


def _stack(pictures: Sequence[Image.Image]) -> Image.Image:
    """The pictures one below the other, flush left, on white."""
    width = max(picture.width for picture in pictures)
    sheet = Image.new("RGB", (width, sum(picture.height for picture in pictures)), "white")
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet
