"""Two detectors on the same series: the paired difference of every measure, how sure it is, and how large.

A side is one detector, scored once or over several seeds; of seeds, each series first takes its mean. What is compared
is then one difference per series, second minus first:

- the difference of the means, with its 95 % bootstrap interval over series; that of a group draws inside each task;
- a two-sided p-value by the paired sign-flip test, which asks nothing of the distribution of the scores; where tasks
  differ in opposite directions it is more cautious than the interval of a group, which takes the tasks as given;
- Cohen's d_z, the mean difference in standard deviations of the differences, and how many series each side wins.

`evaluation/resampling.py` has the three. Parts are all series, the anomalous ones, and on AnomLLM the groups and their
average, in which tasks weigh the same whatever their number of series. The interval and the p-value speak of other
series of this kind, not of other training seeds: for those, look at the deviation over seeds, which stands beside the
mean. Nothing is corrected for the number of comparisons in the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from anomseer_core.evaluation.groups import GROUPED_BENCHMARK, PARTS, task_weights
from anomseer_core.evaluation.resampling import (
    bootstrap_means,
    effect_sizes,
    percentile_interval,
    sign_flip_p_values,
)

MEASURES = ("affiliation_f1", "pointwise_f1", "event_f1", "interval_iou", "class_correct", "detection_correct")
GROUPED_MEASURE = "affiliation_f1"
ALL, ANOMALOUS = "all", "anomalous"
IDENTITY = ["task", "split", "series_id"]


@dataclass(frozen=True)
class Side:
    """One detector, by a name to print: its score rows on the same series, one frame for each seed."""

    name: str
    runs: tuple[pd.DataFrame, ...]


def compare(first: Side, second: Side, *, seed: int = 0) -> pd.DataFrame:
    """One row per benchmark, part and measure, for the benchmarks that both sides were scored on.

    Columns: n series; `first` and `second` means, `_sd` over seeds (NaN for one); difference, low, high; p_value;
    effect_size; wins and losses of the second. Raises ValueError when the two were not scored on the same series by
    the same profile.
    """
    for side in (first, second):
        _require_one_detector(side)
    shared = [name for name in _benchmarks(first) if name in _benchmarks(second)]
    if not shared:
        raise ValueError(f"{first.name} and {second.name} were scored on no benchmark in common")
    rows = [row for benchmark in shared for row in _compare_benchmark(benchmark, first, second, seed)]
    if not rows:
        raise ValueError(f"no series is counted for both {first.name} and {second.name}")
    return pd.DataFrame(rows)


def _require_one_detector(side: Side) -> None:
    for run in side.runs:
        if run["detector"].nunique() != 1:
            raise ValueError(f"{side.name} holds the detectors {', '.join(run['detector'].unique())}; choose one")


def _benchmarks(side: Side) -> list[str]:
    """Those that every run has."""
    return [
        name for name in side.runs[0]["benchmark"].unique() if all(name in set(run["benchmark"]) for run in side.runs)
    ]


def _compare_benchmark(benchmark: str, first: Side, second: Side, seed: int) -> list[dict[str, Any]]:
    runs = [[_rows_of(side.name, run, benchmark) for run in side.runs] for side in (first, second)]
    series = runs[0][0]
    for side, tables in zip((first, second), runs, strict=True):
        for table in tables:
            _require_same_series(first.name, series, side.name, table)
    counted = pd.concat([table.loc[series.index, "counted"] for tables in runs for table in tables], axis=1).all(axis=1)
    series = series[counted]
    if series.empty:
        return []
    values = [
        {name: np.stack([table.loc[series.index, name].astype(float) for table in tables], axis=1) for name in MEASURES}
        for tables in runs
    ]
    about = {"benchmark": benchmark, "profile": series["profile"].iloc[0]}
    return [about | row for row in _compare_values(benchmark, series, *values, np.random.default_rng(seed))]


def _rows_of(name: str, run: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    rows = run[run["benchmark"] == benchmark].set_index(IDENTITY, drop=False)
    if not rows.index.is_unique:
        twice = rows.index[rows.index.duplicated()][0][-1]
        raise ValueError(f"{name} has two scores for series {twice!r}; pass each once")
    return rows


def _require_same_series(one: str, a: pd.DataFrame, other: str, b: pd.DataFrame) -> None:
    alone = a.index.symmetric_difference(b.index)
    if len(alone):
        raise ValueError(
            f"{one} ({len(a)} series) and {other} ({len(b)}) were scored on different series, such as {alone[0][-1]!r}"
        )
    profiles = sorted({*a["profile"], *b["profile"]})
    if len(profiles) > 1:
        raise ValueError(f"{one} and {other} were scored by the profiles {', '.join(profiles)}; score both by one")


def _compare_values(
    benchmark: str,
    series: pd.DataFrame,
    first: Mapping[str, np.ndarray],
    second: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """The rows of one benchmark. first, second: float64 `[n, runs]` of each measure, NaN where it is not judged."""
    judged = [name for name in MEASURES if not (np.isnan(first[name]).any() or np.isnan(second[name]).any())]
    columns = [
        (part, measure, weights)
        for part, weights in _parts(benchmark, series).items()
        for measure in judged
        if weights.any() and (part in (ALL, ANOMALOUS) or measure == GROUPED_MEASURE)
    ]
    weights = np.stack([share for *_, share in columns], axis=1)
    gaps = np.stack([second[name].mean(axis=1) - first[name].mean(axis=1) for _, name, _ in columns], axis=1)
    grouped = np.array([part not in (ALL, ANOMALOUS) for part, *_ in columns])
    low, high = _intervals(gaps, weights, grouped, pd.factorize(series["task"])[0], rng)
    statistics = {
        "difference": (weights * gaps).sum(axis=0),
        "low": low,
        "high": high,
        "p_value": sign_flip_p_values(weights * gaps, rng),
        "effect_size": effect_sizes(gaps, weights),
        "wins": ((gaps > 0) & (weights > 0)).sum(axis=0),
        "losses": ((gaps < 0) & (weights > 0)).sum(axis=0),
    }
    return [
        {
            "part": part,
            "measure": measure,
            "n": int((share > 0).sum()),
            **_level("first", first[measure], share),
            **_level("second", second[measure], share),
            **{name: values[place].item() for name, values in statistics.items()},
        }
        for place, (part, measure, share) in enumerate(columns)
    ]


def _intervals(
    gaps: np.ndarray, weights: np.ndarray, grouped: np.ndarray, tasks: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Lower and upper ends `[2, M]` of the means of gaps `[n, M]`; grouped columns draw inside each task."""
    ends = np.empty((2, len(grouped)))
    for chosen, strata in ((~grouped, None), (grouped, tasks)):
        if chosen.any():
            draws = bootstrap_means(gaps[:, chosen], weights[:, chosen], rng, strata)
            ends[:, chosen] = percentile_interval(draws)
    return ends


def _parts(benchmark: str, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The weight of every series `[n]` in the mean of each part; a part without series weighs nothing."""
    anomalous = (table["truth_events"] > 0).to_numpy(dtype=float)
    parts = {ALL: np.full(len(table), 1 / len(table)), ANOMALOUS: anomalous / max(1.0, anomalous.sum())}
    if benchmark == GROUPED_BENCHMARK:
        parts |= dict(zip(PARTS, task_weights(table["task"]).T, strict=True))
    return parts


def _level(side: str, runs: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The mean of a side over its runs, and the deviation of the runs (n - 1) where there are several."""
    levels = weights @ runs
    return {side: float(levels.mean()), f"{side}_sd": float(levels.std(ddof=1)) if len(levels) > 1 else float("nan")}
