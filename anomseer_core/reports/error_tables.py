"""Kinds of mistakes and their causes as markdown, from `evaluation/errors.py`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from anomseer_core.evaluation.errors import CAUSES, RIGHT
from anomseer_core.reports.markdown import table
from anomseer_core.reports.summary import MISSING

HEAD = (
    "Task",
    "Series",
    "Labelled",
    "Exact",
    "Misplaced",
    "Borders off [units]",
    "Missed",
    "Answered",
    "Spurious",
    "Wrong class",
    "Unparsable",
)
NOTE = (
    "Counts, in brackets their share in percent. Of labelled intervals: found exactly, both borders less than a unit "
    "(a thousandth of the picture) away; misplaced, overlapped by an answered one, with the mean absolute error of its "
    "two borders; missed, be it by an answer that cannot be read. Spurious: answered intervals that overlap no "
    "labelled one. Wrong class: series whose readable answer names another class than the label, or contradicts "
    "itself. Unparsable: series whose answer cannot be read."
)
CAUSE_NOTE = (
    "Series in percent, each under the first that holds of these: its answer cannot be read; a labelled interval is "
    "missed; an answered one is spurious; one is misplaced; the class is wrong."
)


def errors_markdown(totals: pd.DataFrame, detector: str, titles: Mapping[str, str]) -> str:
    """The kinds of mistakes of one detector, a table for each benchmark. totals: as `error_table` gives them."""
    parts = []
    for benchmark, rows in totals[totals["detector"] == detector].groupby("benchmark", sort=False):
        lines = [_cells(row) for row in rows.to_dict("records")]
        parts.append(f"#### {detector}, {titles.get(benchmark, benchmark)}\n\n{table(HEAD, lines)}")
    return "\n\n".join(parts)


def causes_markdown(causes: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """What each detector's series suffer from. causes: as `cause_table` gives them."""
    rows = [
        [
            row["detector"],
            titles.get(row["benchmark"], row["benchmark"]),
            str(row["series"]),
            *(_share(row[name], row["series"]) for name in (*CAUSES, RIGHT)),
        ]
        for row in causes.to_dict("records")
    ]
    head = ["Detector", "Series of", "n", *(name.capitalize() for name in (*CAUSES, RIGHT))]
    return "\n\n".join([table(head, rows, words=2), CAUSE_NOTE])


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        row["task"],
        str(row["series"]),
        str(row["labelled"]),
        _count(row["exact"], row["labelled"]),
        _count(row["misplaced"], row["labelled"]),
        MISSING if pd.isna(row["border_error"]) else f"{row['border_error']:.1f}",
        _count(row["missed"], row["labelled"]),
        str(row["answered"]),
        _count(row["spurious"], row["answered"]),
        _count(row["wrong_class"], row["judged"]),
        _count(row["unparsable"], row["series"]),
    ]


def _count(count: int, total: int) -> str:
    return f"{count} ({_share(count, total)})" if total else str(count)


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}" if total else MISSING
