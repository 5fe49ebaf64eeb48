"""A comparison of two detectors as a table, for the terminal and as markdown. Shares are printed in percent."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from anomseer_core.evaluation.comparison import ALL, ANOMALOUS

HEADINGS = ("Part", "Measure", "n", "First", "Second", "Diff.", "95 %", "p", "d_z", "Won-lost")
MEASURES = {
    "affiliation_f1": "Aff. F1",
    "pointwise_f1": "Point F1",
    "event_f1": "Event F1",
    "interval_iou": "IoU",
    "class_correct": "Class",
    "detection_correct": "Detect",
}
LEGEND = (
    "In percent: means over series, their paired difference (second - first) and its 95 % bootstrap interval. After "
    "+-: deviation over seeds. p: two-sided sign-flip test over series, not corrected for the number of rows. d_z: "
    "mean difference in deviations of the differences. Won-lost: series on which the second is better, or worse. "
    "Interval and p speak of other series of this kind, not of other training seeds."
)


def to_markdown(comparison: pd.DataFrame, first: str, second: str) -> str:
    """One table for each benchmark and profile; `first` and `second` name the sides."""
    parts = [_sides(first, second)]
    for title, rows in _tables(comparison):
        lines = [HEADINGS, ["---", "---", *["---:"] * (len(HEADINGS) - 2)], *rows]
        parts.append("\n".join([f"### {title}", "", *(f"| {' | '.join(line)} |" for line in lines)]))
    return "\n\n".join([*parts, LEGEND]) + "\n"


def to_terminal(comparison: pd.DataFrame, first: str, second: str) -> Group:
    """The same for `rich.console.Console.print`, at most 100 columns wide."""
    parts: list[Table | Text] = [Text(_sides(first, second) + "\n")]
    for title, rows in _tables(comparison):
        table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False, title=title, title_justify="left")
        for place, heading in enumerate(HEADINGS):
            table.add_column(heading, justify="left" if place < 2 else "right", no_wrap=True)
        for place, row in enumerate(rows):
            if place and rows[place - 1][0] in (ALL, ANOMALOUS) and rows[place - 1][0] != row[0]:
                table.add_section()
            table.add_row(*map(Text, row))
        parts.append(table)
    return Group(*parts, Text(LEGEND, style="dim"))


def _sides(first: str, second: str) -> str:
    return f"First: {first}. Second: {second}."


def _tables(comparison: pd.DataFrame) -> list[tuple[str, list[list[str]]]]:
    return [
        (f"{benchmark}, profile {profile}", [_cells(row) for row in rows.to_dict("records")])
        for (benchmark, profile), rows in comparison.groupby(["benchmark", "profile"], sort=False)
    ]


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["part"],
        MEASURES[row["measure"]],
        str(row["n"]),
        _level(row["first"], row["first_sd"]),
        _level(row["second"], row["second_sd"]),
        f"{100 * row['difference']:+.1f}",
        f"{100 * row['low']:+.1f} {100 * row['high']:+.1f}",
        "<.001" if row["p_value"] < 0.001 else f"{row['p_value']:.3f}",
        "-" if pd.isna(row["effect_size"]) else f"{row['effect_size']:+.2f}",
        f"{row['wins']}-{row['losses']}",
    ]


def _level(mean: float, deviation: float) -> str:
    return f"{100 * mean:.1f}" + ("" if pd.isna(deviation) else f" +-{100 * deviation:.1f}")
