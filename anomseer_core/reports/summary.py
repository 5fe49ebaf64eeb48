"""The results table, computed from score rows and from nothing else (paper, Tables 1 and 8).

One row per detector and benchmark, policies first, then the baselines. Shares lie in [0, 1] in the summary and
become percent where they are printed.

- Means are over all series, so F1 is the mean of the series' F1, not the F1 of mean precision and recall.
- The interval is the percentile bootstrap of mean affiliation-F1 over series.
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
from anomseer_core.evaluation.grounding import CLAIM_COLUMNS
from anomseer_core.series import AnomalyClass
from anomseer_core.synthesis.config import AnomLLMTask

GROUPS: dict[str, tuple[AnomLLMTask, ...]] = {
    "Frequency": ("freq", "noisy-freq"),
    "Trend": ("trend", "flat-trend", "noisy-trend"),
    "Range": ("range",),
    "Point": ("point", "noisy-point"),
}
GROUPED_BENCHMARK = "anomllm"
BASELINES = get_args(Baseline)
RESAMPLES = 1000
CONFIDENCE = 0.95
MISSING = "-"
ORACLE_MARK = " *"
LEGEND = (
    "All but n and Lost in percent. Aff.: affiliation metric, with the 95 % bootstrap interval of its F1. Anom. F1: "
    "affiliation-F1 on anomalous series only. Point F1: point-wise. Class: accuracy of the anomaly class. Detect: "
    "accuracy of normal against anomalous. Lost: unparsable answers, counted as 0. "
    "* An oracle: it is told which series are anomalous. Reasoning: numbers of a response that claim something of the "
    "series, the share that holds when recomputed, the same for another series of the task (chance), and numbers that "
    "could not be read."
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
    Column("affiliation_f1", "F1 95 %\ninterval", "interval"),
    Column("affiliation_f1_anomalous", "Anom.\nF1"),
    Column("pointwise_f1", "Point\nF1"),
    Column("class_accuracy", "Class"),
    Column("detection_accuracy", "Detect"),
    Column("unparsable", "Lost", "count"),
)
REASONING = (
    Column("claims", "Claims per\nresponse", "mean"),
    Column("claims_verified", "Verified"),
    Column("chance_verified", "By\nchance"),
    Column("numbers_unread", "Unread per\nresponse", "mean"),
)
BY_GROUP = (*(Column(group, group) for group in GROUPS), Column("group_mean", "Mean"))


def summarise(scores: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """One row per detector and benchmark. `seed` starts the bootstrap of every row, so that rows share resamples.

    Raises ValueError when there are no scores, or when a detector has two rows for one series.
    """
    if scores.empty:
        raise ValueError("no scores to summarise; score the predictions of a detector first")
    keys = ["detector", "benchmark", "task", "split", "series_id"]
    if scores.duplicated(keys).any():
        twice = scores[scores.duplicated(keys)].iloc[0]
        raise ValueError(f"detector {twice.detector!r} has two scores for series {twice.series_id!r}; pass each once")
    rows = [
        {
            "detector": detector,
            "benchmark": benchmark,
            **_measures(part, seed),
            **_reasoning(part),
            **_groups(benchmark, part),
        }
        for (benchmark, detector), part in scores.groupby(["benchmark", "detector"], sort=False)
    ]
    summary = pd.DataFrame(rows)
    benchmarks = {name: place for place, name in enumerate(scores["benchmark"].unique())}
    places = pd.DataFrame(
        {"benchmark": summary["benchmark"].map(benchmarks), "detector": summary["detector"].map(_place)}
    )
    return summary.loc[places.sort_values(["benchmark", "detector"], kind="stable").index].reset_index(drop=True)


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


def bootstrap_interval(values: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """The percentile interval of the mean of float64 `[n]`, n > 0, from `RESAMPLES` draws of n with replacement."""
    means = [values[rng.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _measures(rows: pd.DataFrame, seed: int) -> dict[str, float]:
    low, high = bootstrap_interval(rows["affiliation_f1"].to_numpy(), np.random.default_rng(seed))
    return {
        "n": len(rows),
        "affiliation_precision": rows["affiliation_precision"].mean(),
        "affiliation_recall": rows["affiliation_recall"].mean(),
        "affiliation_f1": rows["affiliation_f1"].mean(),
        "affiliation_f1_low": low,
        "affiliation_f1_high": high,
        "affiliation_f1_anomalous": rows.loc[rows["truth_events"] > 0, "affiliation_f1"].mean(),
        "pointwise_f1": rows["pointwise_f1"].mean(),
        "class_accuracy": _class_accuracy(rows),
        "detection_accuracy": rows["detection_correct"].mean(),
        "unparsable": int((rows["status"] == ParseStatus.UNPARSABLE).sum()),
    }


def _reasoning(rows: pd.DataFrame) -> dict[str, float]:
    """Claims and unread numbers per response, and the verified share of all claims; missing without reasoning."""
    stated = rows.dropna(subset="claims")
    total = stated[list(CLAIM_COLUMNS)].sum().astype(float)
    responses = len(stated)
    return {
        "claims": total["claims"] / responses if responses else float("nan"),
        "claims_verified": total["claims_verified"] / total["claims"] if total["claims"] else float("nan"),
        "chance_verified": total["chance_verified"] / total["chance_claims"]
        if total["chance_claims"]
        else float("nan"),
        "numbers_unread": total["numbers_unread"] / responses if responses else float("nan"),
    }


def _class_accuracy(rows: pd.DataFrame) -> float:
    judged = rows.loc[rows["truth_class"] != AnomalyClass.UNKNOWN, "class_correct"]
    return float("nan") if judged.empty or judged.isna().any() else float(judged.astype(bool).mean())


def _groups(benchmark: str, rows: pd.DataFrame) -> dict[str, float]:
    if benchmark != GROUPED_BENCHMARK:
        return dict.fromkeys((*GROUPS, "group_mean"), float("nan"))
    by_task = rows.groupby("task")["affiliation_f1"].mean()
    groups = {group: by_task.reindex(tasks).mean(skipna=False) for group, tasks in GROUPS.items()}
    return {**groups, "group_mean": float(np.mean(list(groups.values())))}


def _place(detector: str) -> int:
    """Policies before baselines, baselines in the order of their configuration."""
    return 0 if is_policy(detector) else BASELINES.index(detector) + 1


def _tables(summary: pd.DataFrame) -> list[tuple[str, Sequence[Column], list[list[str]]]]:
    """Title, columns and printed cells (the detector's name first) of each table."""
    tables = []
    for benchmark, rows in summary.groupby("benchmark", sort=False):
        tables.append((benchmark, OVERALL, _cells(rows, OVERALL)))
        if benchmark == GROUPED_BENCHMARK:
            tables.append((f"{benchmark}: affiliation-F1 by group", BY_GROUP, _cells(rows, BY_GROUP)))
        reasoned = rows.dropna(subset="claims")
        if not reasoned.empty:
            tables.append((f"{benchmark}: reasoning", REASONING, _cells(reasoned, REASONING)))
    return tables


def _cells(rows: pd.DataFrame, columns: Sequence[Column]) -> list[list[str]]:
    return [
        [row["detector"] + (ORACLE_MARK if row["detector"] in ORACLES else ""), *(_cell(row, item) for item in columns)]
        for row in rows.to_dict("records")
    ]


def _cell(row: Mapping[str, float], column: Column) -> str:
    value = row[column.name]
    if pd.isna(value):
        return MISSING
    if column.form == "interval":
        return f"{100 * row[column.name + '_low']:.1f}-{100 * row[column.name + '_high']:.1f}"
    if column.form == "mean":
        return f"{value:.1f}"
    return f"{value:d}" if column.form == "count" else f"{100 * value:.1f}"
