"""What kind of mistakes a detector makes: labelled intervals found, misplaced and missed; intervals that are spurious.

Both sides are the events of the metrics: clipped to the series and merged where they touch.

- A labelled interval is *found exactly* when an answered one has both borders less than a unit of the picture away,
  *misplaced* when one overlaps it and none does that, else *missed*. Units are those in which a policy answers
  (`view.py`): a thousand to a picture.
- Of a misplaced one, the answered interval that shares most samples with it (ties: the closer, then the first) gives
  the border error: the mean of how far its two borders are off [units].
- An answered interval is *spurious* when it overlaps no labelled one.
- A class is *wrong* where it is judged, the answer could be read, and it is not right (`class_correct` of the scores).

The *cause* of a series is the first that holds of unparsable, missed, spurious, misplaced and wrong class: what had to
be mended first. Only series that the profile of the scores counts are in any table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.series import Interval, Series, merge_intervals
from anomseer_core.view import VIEW_UNITS, views

CAUSES = ("unparsable", "missed", "spurious", "misplaced", "wrong class")
RIGHT = "right"
ALL_TASKS = "all"
COUNTS = ("labelled", "exact", "misplaced", "missed", "answered", "spurious")


@dataclass(frozen=True)
class IntervalErrors:
    """Counts of one series. labelled = exact + misplaced + missed; spurious of answered.

    border_error: the sum over the misplaced ones [units].
    """

    labelled: int
    exact: int
    misplaced: int
    missed: int
    border_error: float
    answered: int
    spurious: int


def interval_errors(labels: Sequence[Interval], answers: Sequence[Interval], length: int) -> IntervalErrors:
    """The counts of one series of `length` samples; both sides are half-open, in samples."""
    labels, answers = merge_intervals(labels, length), merge_intervals(answers, length)
    units = VIEW_UNITS / len(views(length)[0])
    offs: list[float] = []
    exact = 0
    for label in labels:
        near = [answer for answer in answers if _overlap(label, answer)]
        if any(max(_border_errors(label, answer)) * units < 1 for answer in near):
            exact += 1
        elif near:
            best = min(near, key=lambda answer: (-_overlap(label, answer), sum(_border_errors(label, answer))))
            offs.append(sum(_border_errors(label, best)) / 2 * units)
    return IntervalErrors(
        labelled=len(labels),
        exact=exact,
        misplaced=len(offs),
        missed=len(labels) - exact - len(offs),
        border_error=sum(offs),
        answered=len(answers),
        spurious=sum(not any(_overlap(label, answer) for label in labels) for answer in answers),
    )


def series_errors(scores: pd.DataFrame, series: Iterable[Series], predictions: Iterable[Prediction]) -> pd.DataFrame:
    """One row per counted series of one detector: its scores, the counts of `IntervalErrors`, and its cause.

    scores: rows of one detector, as `read_scores` gives them; series, predictions: those the rows are about, the
    latter as the rules of the scores read them. A series without a mistake has the cause `right`.
    """
    truth = {item.id: item for item in series}
    answers = {item.series_id: item for item in predictions}
    rows = [
        _series_row(row, truth[row["series_id"]], answers[row["series_id"]])
        for row in scores[scores["counted"]].to_dict("records")
    ]
    return pd.DataFrame(rows)


def error_table(errors: pd.DataFrame) -> pd.DataFrame:
    """Sums over the series of each detector, benchmark and task, and over all of a benchmark's under `all`.

    errors: rows of `series_errors`, of any detectors and benchmarks. Besides the counts: series; `border_error`, the
    mean over the misplaced intervals [units], NaN without one; unparsable; wrong_class of the series that are `judged`.
    """
    rows = []
    for (detector, benchmark), part in errors.groupby(["detector", "benchmark"], sort=False):
        tasks = [(str(task), of_task) for task, of_task in part.groupby("task", sort=False)]
        for task, of_task in [*tasks, *([(ALL_TASKS, part)] if len(tasks) > 1 else [])]:
            rows.append({"detector": detector, "benchmark": benchmark, "task": task, **_sums(of_task)})
    return pd.DataFrame(rows)


def cause_table(errors: pd.DataFrame) -> pd.DataFrame:
    """Series by cause: a row for each detector and benchmark, a column for each cause and `right`, and `series`."""
    rows = []
    for (detector, benchmark), part in errors.groupby(["detector", "benchmark"], sort=False):
        counts = part["cause"].value_counts()
        named = {cause: int(counts.get(cause, 0)) for cause in (*CAUSES, RIGHT)}
        rows.append({"detector": detector, "benchmark": benchmark, "series": len(part), **named})
    return pd.DataFrame(rows)


def _series_row(row: dict[str, Any], series: Series, prediction: Prediction) -> dict[str, Any]:
    unparsable = prediction.status is ParseStatus.UNPARSABLE
    found = interval_errors(series.intervals, () if unparsable else prediction.intervals, len(series))
    judged = not pd.isna(row["class_correct"])
    wrong_class = judged and not unparsable and not row["class_correct"]
    holds = (unparsable, found.missed, found.spurious, found.misplaced, wrong_class)
    cause = next((name for name, value in zip(CAUSES, holds, strict=True) if value), RIGHT)
    flags = {"unparsable": unparsable, "judged": judged, "wrong_class": wrong_class, "cause": cause}
    kept = ("detector", "benchmark", "task", "series_id", "affiliation_f1", "pointwise_f1")
    return {name: row[name] for name in kept} | asdict(found) | flags


def _sums(rows: pd.DataFrame) -> dict[str, float]:
    counts = {name: int(rows[name].sum()) for name in (*COUNTS, "unparsable", "wrong_class", "judged")}
    misplaced = counts["misplaced"]
    error = float(rows["border_error"].sum()) / misplaced if misplaced else float("nan")
    return {"series": len(rows), **counts, "border_error": error}


def _overlap(one: Interval, other: Interval) -> int:
    """Samples that two intervals share."""
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def _border_errors(label: Interval, answer: Interval) -> tuple[int, int]:
    """How far start and stop are off [samples]."""
    return abs(label[0] - answer[0]), abs(label[1] - answer[1])
