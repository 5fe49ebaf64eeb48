"""One detector over several seeds: the mean of every summary measure and its deviation.

The deviation is that of a sample (n - 1) over the runs' means. It tells how much training and sampling vary on the
same series; the bootstrap interval of a single run tells how much the choice of series does. Both belong in a table.
"""

from collections.abc import Sequence

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from anomseer_core.reports.summary import GROUP_COLUMNS, MEASURES, MISSING, POINT_GROUP_COLUMNS, marked, summarise

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

MEASURES_ABREAST = 4
HEADINGS = ("Detector", "Runs", *SHOWN.values())
LEGEND = (
    "In percent: the mean of the runs' means over series and, after +-, its deviation over the runs (n - 1). Detectors "
    "that draw nothing answer alike in every run. * Told which series are anomalous."
)


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
    for title, rows in _tables(repeated):
        lines = [HEADINGS, ["---", *["---:"] * (len(HEADINGS) - 1)], *rows]
        parts.append("\n".join([f"### {title}", "", *(f"| {' | '.join(line)} |" for line in lines)]))
    return "\n\n".join([*parts, LEGEND]) + "\n"


def to_terminal(repeated: pd.DataFrame) -> Group:
    """The same for `rich.console.Console.print`, at most 100 columns wide; what no detector has is left out."""
    parts: list[Table] = []
    for title, rows in _tables(repeated):
        measures = [place for place in range(2, len(HEADINGS)) if any(row[place] != MISSING for row in rows)]
        for start in range(0, len(measures), MEASURES_ABREAST):
            table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False, title=title, title_justify="left")
            shown = [0, 1, *measures[start : start + MEASURES_ABREAST]]
            for place in shown:
                table.add_column(HEADINGS[place], justify="right" if place else "left", no_wrap=True)
            for row in rows:
                table.add_row(*(row[place] for place in shown))
            parts.append(table)
    return Group(*parts, Text(LEGEND, style="dim"))


def _tables(repeated: pd.DataFrame) -> list[tuple[str, list[list[str]]]]:
    """The title and the rows of each, in the order of `HEADINGS`."""
    return [
        (
            f"{benchmark}, profile {profile}, over seeds",
            [
                [marked(row["detector"]), str(row["runs"]), *(_cell(row[name], row[f"{name}_sd"]) for name in SHOWN)]
                for row in rows.to_dict("records")
            ],
        )
        for (benchmark, profile), rows in repeated.groupby(["benchmark", "profile"], sort=False)
    ]


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
