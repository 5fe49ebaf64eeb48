"""What a detector answered, series by series: the text a person reads, beside the label and what it is worth."""

from collections.abc import Iterable

import pandas as pd

from anomseer_core.evaluation.prediction import VIEW_SEPARATOR, Prediction
from anomseer_core.series import Interval, Series

MOST_ROWS = 200
MEASURES = ("counted", "affiliation_f1", "pointwise_f1", "class_correct", "detection_correct")


def answer_table(
    scores: pd.DataFrame, series: Iterable[Series], predictions: Iterable[Prediction], *, most_rows: int = MOST_ROWS
) -> pd.DataFrame:
    """At most `most_rows` answers of one detector, evenly spread over its scores so that every task is among them.

    Intervals are in samples, closed at both ends as the responses write them. scores: rows of one detector, as
    `read_scores` gives them; series, predictions: those the rows are about.
    """
    chosen = (
        scores if len(scores) <= most_rows else scores.iloc[[k * len(scores) // most_rows for k in range(most_rows)]]
    )
    wanted = set(chosen["series_id"])
    truth = {item.id: item for item in series if item.id in wanted}
    answers = {item.series_id: item for item in predictions if item.series_id in wanted}
    return pd.DataFrame(
        [_row(row, truth[row["series_id"]], answers[row["series_id"]]) for row in chosen.to_dict("records")]
    )


def _row(score: dict[str, object], series: Series, answer: Prediction) -> dict[str, object]:
    return {
        "series_id": series.id,
        "task": series.task,
        "truth_class": score["truth_class"],
        "truth": _spans(series.intervals),
        "predicted_class": score["predicted_class"],
        "predicted": _spans(answer.intervals),
        "status": score["status"],
        **{name: score[name] for name in MEASURES},
        "response": answer.response.replace(VIEW_SEPARATOR, "\n\n"),
    }


def _spans(intervals: Iterable[Interval]) -> str:
    return ", ".join(f"{start}-{stop - 1}" for start, stop in intervals)
