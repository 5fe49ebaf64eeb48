"""What a policy is judged by, beside the paper's AnomSeer, and beside every other detector on the same series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from anomseer_core.evaluation.groups import AVERAGE, GROUPED_BENCHMARK, GROUPS
from anomseer_core.reports.markdown import percent, table, with_interval
from anomseer_core.reports.summary import GROUP_COLUMNS, MISSING, POINT_GROUP_COLUMNS, is_policy, marked

# Table 1 of the paper, in percent: affiliation-F1 by group and its mean, and the class accuracy, of AnomSeer.
PAPER = ("AnomSeer-3B", "AnomSeer-7B")
PAPER_GROUPS: dict[str, tuple[float, float]] = {
    "Frequency": (58.9, 60.8),
    "Trend": (84.9, 87.7),
    "Range": (85.6, 94.3),
    "Point": (87.8, 94.9),
    AVERAGE: (79.3, 84.4),
}
PAPER_CLASSES = (62.8, 65.0)
NOTE = (
    "In percent, with 95 % bootstrap intervals over series in brackets; those of groups draw inside each task. "
    "AnomSeer-3B and -7B: the paper's Table 1, Qwen2.5-VL trained and tested with its own series and scoring; range is "
    "drawn with our own seed. By chance: the same claims checked against another series of the task."
)
EVERY_NOTE = (
    "In percent, 95 % bootstrap intervals over series in brackets. * Told which series are anomalous: an oracle, or a "
    "policy that was told of events."
)


@dataclass(frozen=True)
class Goal:
    """One measure: what it is called, its column in the summary, and the paper's two values where it has them [%]."""

    label: str
    column: str
    paper: tuple[float, float] | None = None


COMMON = (
    Goal("Affiliation-F1, anomalous series only", "affiliation_f1_anomalous"),
    Goal("Normal against anomalous", "detection_accuracy"),
)
CLAIMS = (
    Goal("Claims of the reasoning that hold", "claims_verified"),
    Goal("The same by chance", "chance_verified"),
)
GROUPED_GOALS = (
    Goal("Affiliation-F1, mean of four groups", GROUP_COLUMNS[AVERAGE], PAPER_GROUPS[AVERAGE]),
    *(Goal(f"Affiliation-F1, {group}", GROUP_COLUMNS[group], PAPER_GROUPS[group]) for group in GROUPS),
    Goal("Point-wise F1, mean of four groups", POINT_GROUP_COLUMNS[AVERAGE]),
    *COMMON,
    Goal("Class", "class_accuracy", PAPER_CLASSES),
    *CLAIMS,
)
GOALS = (
    Goal("Affiliation-F1", "affiliation_f1"),
    Goal("Point-wise F1", "pointwise_f1"),
    *COMMON,
    Goal("Class", "class_accuracy"),
    *CLAIMS,
)


def goals_table(summary: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Markdown: a row for each measure of each benchmark, a column for each policy and, last, for the paper's.

    summary: as `reports.summary.summarise` gives it; empty without a policy. titles: what a benchmark is called, by
    name. A measure that no column has is left out.
    """
    policies = summary[summary["detector"].map(is_policy)]
    names = list(policies["detector"].unique())
    if not names:
        return ""
    rows = []
    for (benchmark, _), part in policies.groupby(["benchmark", "profile"], sort=False):
        found = {row["detector"]: row for row in part.to_dict("records")}
        for goal in GROUPED_GOALS if benchmark == GROUPED_BENCHMARK else GOALS:
            cells = [_cell(found[name], goal.column) if name in found else MISSING for name in names]
            theirs = [f"{value:.1f}" for value in goal.paper] if goal.paper else [MISSING] * len(PAPER)
            if any(cell != MISSING for cell in cells):
                rows.append([titles.get(benchmark, benchmark), goal.label, *cells, *theirs])
    return "\n\n".join([table(["Series", "Measure", *names, *PAPER], rows, words=2), NOTE])


def every_detector_table(summary: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Markdown: every detector in one table, affiliation- and point-wise F1 on each benchmark.

    On AnomLLM both are means of the four groups; where a task of them is missing, means over series.
    """
    benchmarks = list(summary["benchmark"].unique())
    measures = {benchmark: _location_columns(summary, benchmark) for benchmark in benchmarks}
    named = [titles.get(benchmark, benchmark) for benchmark in benchmarks]
    head = ["Detector", *(f"{name}: {kind}" for name in named for kind in ("Aff. F1", "Point F1"))]
    rows = []
    for detector, part in summary.groupby("detector", sort=False):
        found = {row["benchmark"]: row for row in part.to_dict("records")}
        cells = [
            _cell(found[benchmark], column) if benchmark in found else MISSING
            for benchmark in benchmarks
            for column in measures[benchmark]
        ]
        rows.append([marked(detector), *cells])
    rows.sort(key=lambda row: not is_policy(row[0]))
    return "\n\n".join([table(head, rows), EVERY_NOTE])


def _location_columns(summary: pd.DataFrame, benchmark: str) -> Sequence[str]:
    grouped = (GROUP_COLUMNS[AVERAGE], POINT_GROUP_COLUMNS[AVERAGE])
    has_groups = summary.loc[summary["benchmark"] == benchmark, grouped[0]].notna().all()
    return grouped if has_groups else ("affiliation_f1", "pointwise_f1")


def _cell(row: Mapping[str, float], column: str) -> str:
    low, high = row.get(f"{column}_low"), row.get(f"{column}_high")
    return percent(row[column]) if low is None else with_interval(row[column], low, high)
