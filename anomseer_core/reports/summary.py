"""The results table, computed from score rows and from nothing else (paper, Tables 1 and 8).

One row per detector, benchmark and scoring profile, policies first, then the baselines. Shares lie in [0, 1] in the
summary and become percent where they are printed. Every measure is there twice: over all series and, with `_anomalous`
after its name, over the anomalous ones alone.

- Means are over the series that the profile counts, so F1 is the mean of the series' F1, not the F1 of mean precision
  and recall. How many a published evaluation leaves out is told as `excluded`.
- Intervals are percentile bootstraps over series (`evaluation/resampling.py`); those of groups draw inside each task.
- A group of AnomLLM is the unweighted mean of its tasks, and `group_mean` that of the four groups, as in Table 1.
  Either is missing when a part of it is, since a mean of fewer would stand in the column of the paper's.
- A rate of claims is taken over all claims of all responses, so that long responses count as much as they say.
- Class accuracy is missing for a detector that leaves any known class unnamed: over the rest alone it would flatter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from anomseer_core.baselines.trivial import ORACLES
from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.config import Baseline
from anomseer_core.evaluation.detector_names import is_told
from anomseer_core.evaluation.grounding import CLAIM_COLUMNS
from anomseer_core.evaluation.groups import AVERAGE, GROUPED_BENCHMARK, GROUPS, task_weights
from anomseer_core.evaluation.resampling import bootstrap_means, percentile_interval
from anomseer_core.series import AnomalyClass

BASELINES = get_args(Baseline)
LOCATION = tuple(
    f"{metric}_{part}" for metric in ("affiliation", "pointwise", "event") for part in ("precision", "recall", "f1")
)
# The mean of a score column, by the name it has in the summary.
MEASURES = {
    **{name: name for name in (*LOCATION, "interval_iou")},
    "class_accuracy": "class_correct",
    "detection_accuracy": "detection_correct",
}
# These come with an interval; of precision and recall the F1 tells enough.
UNCERTAIN = ("affiliation_f1", "pointwise_f1", "event_f1", "interval_iou", "class_accuracy", "detection_accuracy")
GROUP_COLUMNS = {**{group: group for group in GROUPS}, AVERAGE: "group_mean"}
POINT_GROUP_COLUMNS = {part: f"pointwise_{column}" for part, column in GROUP_COLUMNS.items()}
MISSING = "-"
ORACLE_MARK = " *"
LEGEND = (
    "All but n and Lost in percent. n: series that the profile, the rules of scoring, counts. Aff.: affiliation. "
    "Point: point-wise. Event: events by overlap. IoU: mean intersection over union of intervals, best matching. "
    "95 %: bootstrap interval over series. Anom. F1: affiliation-F1 on anomalous series only. Class: accuracy of the "
    "anomaly class. Detect: accuracy of normal against anomalous. Lost: unparsable answers, counted as 0 or, by some "
    "profiles, not at all. * Told which series are anomalous: an oracle, or a policy that was told of events. "
    "Reasoning: numbers of a response that claim something of the series, the share that holds when recomputed, the "
    "same for another series of the task (chance), and numbers that could not be read."
)


@dataclass(frozen=True)
class Column:
    """A printed column: its name in the summary, its heading (two lines in the terminal), and how it is written."""

    name: str
    heading: str
    form: Literal["percent", "count", "interval", "mean"] = "percent"


OVERALL = (
    Column("n", "n", "count"),
    Column("affiliation_precision", "Aff.\nP"),
    Column("affiliation_recall", "Aff.\nR"),
    Column("affiliation_f1", "Aff.\nF1"),
    Column("affiliation_f1", "Aff. F1\n95 %", "interval"),
    Column("affiliation_f1_anomalous", "Anom.\nF1"),
    Column("pointwise_f1", "Point\nF1"),
    Column("class_accuracy", "Class"),
    Column("detection_accuracy", "Detect"),
    Column("unparsable", "Lost", "count"),
)
ANOMALOUS = (
    Column("n_anomalous", "n", "count"),
    *(
        Column(f"{metric}_{part}_anomalous", f"{heading}\n{letter}")
        for metric, heading in (("affiliation", "Aff."), ("pointwise", "Point"))
        for part, letter in (("precision", "P"), ("recall", "R"), ("f1", "F1"))
    ),
    Column("event_f1_anomalous", "Event\nF1"),
    Column("interval_iou_anomalous", "IoU"),
    Column("class_accuracy_anomalous", "Class"),
    Column("detection_accuracy_anomalous", "Detect"),
)
REASONING = (
    Column("claims", "Claims per\nresponse", "mean"),
    Column("claims_verified", "Verified"),
    Column("chance_verified", "By\nchance"),
    Column("numbers_unread", "Unread per\nresponse", "mean"),
)
BY_GROUP = tuple(Column(column, group) for group, column in GROUP_COLUMNS.items())
AVERAGE_INTERVAL = Column(GROUP_COLUMNS[AVERAGE], f"{AVERAGE}\n95 %", "interval")
POINT_BY_GROUP = (
    *(Column(column, group) for group, column in POINT_GROUP_COLUMNS.items()),
    Column(POINT_GROUP_COLUMNS[AVERAGE], f"{AVERAGE}\n95 %", "interval"),
)


def summarise(scores: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """One row per detector, benchmark and profile. `seed` starts the bootstrap of every row: rows share resamples.

    Raises ValueError when there are no scores, or when a detector has two rows for one series.
    """
    if scores.empty:
        raise ValueError("no scores to summarise; score the predictions of a detector first")
    keys = ["detector", "benchmark", "task", "split", "series_id", "profile"]
    if scores.duplicated(keys).any():
        twice = scores[scores.duplicated(keys)].iloc[0]
        raise ValueError(f"detector {twice.detector!r} has two scores for series {twice.series_id!r}; pass each once")
    rows = [
        {"detector": detector, "benchmark": benchmark, "profile": profile, **_summarise_one(benchmark, part, seed)}
        for (benchmark, profile, detector), part in scores.groupby(["benchmark", "profile", "detector"], sort=False)
    ]
    summary = pd.DataFrame(rows)
    places = pd.DataFrame(
        {
            **{key: summary[key].map(_order(scores[key])) for key in ("benchmark", "profile")},
            "detector": summary["detector"].map(_place),
        }
    )
    return summary.loc[places.sort_values(list(places), kind="stable").index].reset_index(drop=True)


def to_markdown(summary: pd.DataFrame, skipped: Mapping[str, str] | None = None) -> str:
    """The tables as markdown. skipped: a reason for each benchmark that was not run, by name."""
    parts = []
    for title, columns, rows in _tables(summary):
        lines = [
            ["Detector", *(column.heading.replace("\n", " ") for column in columns)],
            ["---", *["---:"] * len(columns)],
            *rows,
        ]
        parts.append("\n".join([f"### {title}", "", *(f"| {' | '.join(line)} |" for line in lines)]))
    parts += [f"### {name}\n\nSkipped: {reason}" for name, reason in (skipped or {}).items()]
    return "\n\n".join([*parts, LEGEND]) + "\n"


def to_terminal(summary: pd.DataFrame, skipped: Mapping[str, str] | None = None) -> Group:
    """The tables for `rich.console.Console.print`, at most 100 columns wide; `skipped` as in `to_markdown`."""
    parts: list[Table | Text] = []
    for title, columns, rows in _tables(summary):
        table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False, title=title, title_justify="left")
        table.add_column("Detector", overflow="fold", vertical="bottom")
        for column in columns:
            table.add_column(column.heading, justify="right", no_wrap=True, vertical="bottom")
        for place, row in enumerate(rows):
            if place and is_policy(rows[place - 1][0]) != is_policy(row[0]):
                table.add_section()
            # As text: a name may hold brackets, which are markup in a plain cell.
            table.add_row(*map(Text, row))
        parts.append(table)
    parts += [Text(f"{name}: skipped, {reason}\n") for name, reason in (skipped or {}).items()]
    return Group(*parts, Text(LEGEND, style="dim"))


def is_policy(detector: str) -> bool:
    """Whether a detector, by name as stored or as printed, is none of the baselines."""
    return detector.removesuffix(ORACLE_MARK) not in BASELINES


def _summarise_one(benchmark: str, rows: pd.DataFrame, seed: int) -> dict[str, float]:
    counted = rows[rows["counted"]]
    anomalous = counted[counted["truth_events"] > 0]
    return {
        "n": len(counted),
        "n_anomalous": len(anomalous),
        "excluded": len(rows) - len(counted),
        "unparsable": int((rows["status"] == ParseStatus.UNPARSABLE).sum()),
        **_measures(counted, seed),
        **_measures(anomalous, seed, suffix="_anomalous"),
        **_reasoning(rows, seed),
        **_groups(benchmark, counted, "affiliation_f1", GROUP_COLUMNS, seed),
        **_groups(benchmark, counted, "pointwise_f1", POINT_GROUP_COLUMNS, seed),
    }


def _measures(rows: pd.DataFrame, seed: int, suffix: str = "") -> dict[str, float]:
    """The mean of every measure, NaN where it is undefined, and `_low` and `_high` of the uncertain ones."""
    values = rows[list(MEASURES.values())].astype(float).set_axis(list(MEASURES), axis=1)
    judged = rows["truth_class"] != AnomalyClass.UNKNOWN
    if values.loc[judged, "class_accuracy"].isna().any():
        values["class_accuracy"] = float("nan")
    uncertain = values[list(UNCERTAIN)]
    bounds = _intervals(uncertain.to_numpy(), uncertain.notna().to_numpy(dtype=float), seed)
    found = {name + suffix: mean for name, mean in values.mean().items()}
    for name, (low, high) in zip(UNCERTAIN, bounds, strict=True):
        found |= {f"{name}{suffix}_low": low, f"{name}{suffix}_high": high}
    return found


def _intervals(
    values: np.ndarray, weights: np.ndarray, seed: int, strata: np.ndarray | None = None
) -> list[tuple[float, float]]:
    """The interval of the weighted mean of each column; NaN for one that weighs nothing."""
    found = [(float("nan"), float("nan"))] * values.shape[1]
    present = np.flatnonzero(weights.any(axis=0))
    if len(present):
        rng = np.random.default_rng(seed)
        draws = bootstrap_means(np.nan_to_num(values[:, present]), weights[:, present], rng, strata)
        for place, low, high in zip(present, *percentile_interval(draws), strict=True):
            found[place] = (float(low), float(high))
    return found


def _reasoning(rows: pd.DataFrame, seed: int) -> dict[str, float]:
    """Claims and unread numbers per response; of all claims the verified share, here and elsewhere, with intervals.

    Missing without reasoning.
    """
    stated = rows.dropna(subset="claims")[list(CLAIM_COLUMNS)].astype(float).fillna(0.0)
    responses = len(stated)
    found = {
        "claims": stated["claims"].sum() / responses if responses else float("nan"),
        "numbers_unread": stated["numbers_unread"].sum() / responses if responses else float("nan"),
    }
    for name, total in (("claims_verified", "claims"), ("chance_verified", "chance_claims")):
        found |= _rate(name, stated[name].to_numpy(), stated[total].to_numpy(), seed)
    return found


def _rate(name: str, verified: np.ndarray, claims: np.ndarray, seed: int) -> dict[str, float]:
    """All verified over all claims, and the interval of that over responses; NaN without a claim."""
    rates = np.divide(verified, claims, out=np.zeros_like(verified), where=claims > 0)
    ((low, high),) = _intervals(rates[:, None], claims[:, None], seed)
    mean = float(verified.sum() / claims.sum()) if claims.sum() else float("nan")
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def _groups(
    benchmark: str, rows: pd.DataFrame, measure: str, columns: Mapping[str, str], seed: int
) -> dict[str, float]:
    """A measure in every group and its mean over them, with intervals; NaN where a task is missing."""
    weights = task_weights(rows["task"]) if benchmark == GROUPED_BENCHMARK else np.zeros((len(rows), len(columns)))
    values = np.repeat(rows[[measure]].to_numpy(dtype=float), len(columns), axis=1)
    means = np.where(weights.any(axis=0), (weights * values).sum(axis=0), np.nan)
    bounds = _intervals(values, weights, seed, strata=pd.factorize(rows["task"])[0])
    groups: dict[str, float] = {}
    for name, mean, (low, high) in zip(columns.values(), means.tolist(), bounds, strict=True):
        groups |= {name: mean, f"{name}_low": low, f"{name}_high": high}
    return groups


def _order(values: pd.Series) -> dict[str, int]:
    """The place of each value by its first appearance."""
    return {name: place for place, name in enumerate(values.unique())}


def marked(detector: str) -> str:
    """The name as tables print it: who is told which series are anomalous is not to be taken for who is not."""
    return detector + (ORACLE_MARK if detector in ORACLES or is_told(detector) else "")


def _place(detector: str) -> int:
    """Policies before baselines, baselines in the order of their configuration."""
    return 0 if is_policy(detector) else BASELINES.index(detector) + 1


def _tables(summary: pd.DataFrame) -> list[tuple[str, Sequence[Column], list[list[str]]]]:
    """Title, columns and printed cells (the detector's name first) of each table."""
    tables = []
    for (benchmark, profile), rows in summary.groupby(["benchmark", "profile"], sort=False):
        title = f"{benchmark}, profile {profile}"
        tables.append((title, OVERALL, _cells(rows, OVERALL)))
        tables.append((f"{title}: anomalous series only", ANOMALOUS, _cells(rows, ANOMALOUS)))
        if benchmark == GROUPED_BENCHMARK:
            by_group = (*BY_GROUP, AVERAGE_INTERVAL)
            tables.append((f"{title}: affiliation-F1 by group", by_group, _cells(rows, by_group)))
            tables.append((f"{title}: point-wise F1 by group", POINT_BY_GROUP, _cells(rows, POINT_BY_GROUP)))
        reasoned = rows.dropna(subset="claims")
        if not reasoned.empty:
            tables.append((f"{title}: reasoning", REASONING, _cells(reasoned, REASONING)))
    return tables


def _cells(rows: pd.DataFrame, columns: Sequence[Column]) -> list[list[str]]:
    return [[marked(row["detector"]), *(_cell(row, item) for item in columns)] for row in rows.to_dict("records")]


def _cell(row: Mapping[str, float], column: Column) -> str:
    value = row[column.name]
    if pd.isna(value):
        return MISSING
    if column.form == "interval":
        return f"{100 * row[column.name + '_low']:.1f}-{100 * row[column.name + '_high']:.1f}"
    if column.form == "mean":
        return f"{value:.1f}"
    return f"{value:d}" if column.form == "count" else f"{100 * value:.1f}"
