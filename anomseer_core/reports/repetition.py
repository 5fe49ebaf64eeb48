"""One detector over several seeds: the mean of every summary measure and its deviation.

The deviation is that of a sample (n - 1) over the runs' means. It tells how much training and sampling vary on the
same series; the bootstrap interval of a single run tells how much the choice of series does. Both belong in a table.
"""

from collections.abc import Sequence

import pandas as pd

from anomseer_core.reports.summary import GROUP_COLUMNS, MEASURES, MISSING, POINT_GROUP_COLUMNS, summarise

KEYS = ["benchmark", "profile", "detector"]
COLUMNS = (
    *MEASURES,
    *(f"{name}_anomalous" for name in MEASURES),
    *GROUP_COLUMNS.values(),
    *POINT_GROUP_COLUMNS.values(),
)
SHOWN = {
    "affiliation_f1": "Aff. F1",
    "affiliation_f1_anomalous": "Anom. F1",
    "pointwise_f1": "Point F1",
    "event_f1": "Event F1",
    "interval_iou": "IoU",
    "class_accuracy": "Class",
    "detection_accuracy": "Detect",
    **{column: group for group, column in GROUP_COLUMNS.items()},
    POINT_GROUP_COLUMNS["Avg"]: "Point Avg",
}


def over_seeds(runs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row per benchmark, profile and detector: `runs`, and each measure's mean and, as `_sd`, its deviation.

    runs: the score rows of each seed, as `read_scores` gives them. The deviation of a single run is missing.
    Raises ValueError when a detector was not scored on the same series in every run that has it.
    """
    _require_same_series(runs)
    summaries = pd.concat([summarise(run) for run in runs], ignore_index=True)
    rows = []
    for keys, part in summaries.groupby(KEYS, sort=False):
        means, deviations = part[list(COLUMNS)].mean(skipna=False), part[list(COLUMNS)].std(ddof=1, skipna=False)
        spread = {f"{name}_sd": value for name, value in deviations.items()}
        rows.append({**dict(zip(KEYS, keys, strict=True)), "runs": len(part), **means, **spread})
    return pd.DataFrame(rows)


def to_markdown(repeated: pd.DataFrame) -> str:
    """The main measures in percent, as `mean +- deviation`, one table for each benchmark and profile."""
    parts = []
    for (benchmark, profile), rows in repeated.groupby(["benchmark", "profile"], sort=False):
        lines = [["Detector", "Runs", *SHOWN.values()], ["---", *["---:"] * (len(SHOWN) + 1)]]
        lines += [
            [row["detector"], str(row["runs"]), *(_cell(row[name], row[f"{name}_sd"]) for name in SHOWN)]
            for row in rows.to_dict("records")
        ]
        title = f"### {benchmark}, profile {profile}, over seeds"
        parts.append("\n".join([title, "", *(f"| {' | '.join(line)} |" for line in lines)]))
    return "\n\n".join(parts) + "\n"


def _require_same_series(runs: Sequence[pd.DataFrame]) -> None:
    seen: dict[tuple[str, ...], set[str]] = {}
    for run in runs:
        for keys, part in run.groupby(KEYS, sort=False):
            series = set(part["task"] + "/" + part["series_id"])
            if seen.setdefault(keys, series) != series:
                raise ValueError(
                    f"{keys[-1]} was not scored on the same series of {keys[0]} in every run; "
                    "a mean over seeds needs the same ones"
                )


def _cell(mean: float, deviation: float) -> str:
    if pd.isna(mean):
        return MISSING
    return f"{100 * mean:.1f}" + ("" if pd.isna(deviation) else f" +- {100 * deviation:.1f}")
