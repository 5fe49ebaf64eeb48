"""Answers against labels, one row per series."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.config import ScoringConfig
from anomseer_core.evaluation.prediction import Prediction, located
from anomseer_core.evaluation.scores import SCORES_SCHEMA, evaluate, match_scores, read_scores, score
from anomseer_core.series import AnomalyClass, Series

NORMAL = Series("n", np.zeros(10), benchmark="b", task="t", split="eval")
TREND = Series("a", np.zeros(10), ((3, 4), (7, 10)), AnomalyClass.TREND, benchmark="b", task="t", split="eval")
REAL = Series("r", np.zeros(10), ((3, 4),), AnomalyClass.UNKNOWN, benchmark="archive")
TEXT = "<answer>...</answer>"


def location(row):
    return (
        row.affiliation_precision,
        row.affiliation_recall,
        row.affiliation_f1,
        row.pointwise_precision,
        row.pointwise_recall,
        row.pointwise_f1,
        row.event_precision,
        row.event_recall,
        row.event_f1,
        row.interval_iou,
    )


def test_the_numbers_of_one_answer():
    answer = Prediction("a", "d", ParseStatus.OK, ((4, 5), (8, 9)), AnomalyClass.TREND, TEXT, tokens=7)
    row = score(TREND, answer)
    # Affiliation by the official code; point-wise: samples 4 and 8 of 3, 7, 8, 9 give 1/2, 1/4, 2 * 1/8 / (3/4).
    # Events: one of two is touched, by one of two predictions; their IoU is 1/3, the mean over two pairs 1/6.
    assert location(row) == pytest.approx(
        (0.818182, 0.844276, 0.831024, 0.5, 0.25, 1 / 3, 0.5, 0.5, 0.5, 1 / 6), abs=1e-6
    )
    assert (row.profile, row.counted) == ("strict", True)
    assert (row.detector, row.benchmark, row.task, row.split, row.series_id) == ("d", "b", "t", "eval", "a")
    assert (row.length, row.truth_events, row.predicted_events, row.tokens) == (10, 2, 2, 7)
    assert (row.truth_class, row.predicted_class, row.status) == ("trend", "trend", "ok")
    assert row.class_correct is True
    assert row.detection_correct is True


def test_the_discrete_form_is_another_number():
    answer = Prediction("a", "d", intervals=((4, 5), (8, 9)))
    assert (
        score(TREND, answer, ScoringConfig(affiliation="discrete")).affiliation_f1
        != score(TREND, answer).affiliation_f1
    )


def test_values_are_rounded_as_every_stored_float():
    assert score(TREND, Prediction("a", "d", intervals=((4, 5), (8, 9)))).pointwise_f1 == 0.333333


@pytest.mark.parametrize(
    ("series", "intervals", "value", "detected"),
    [(NORMAL, (), 1.0, True), (NORMAL, ((1, 2),), 0.0, False), (TREND, (), 0.0, False)],
)
def test_empty_sides(series, intervals, value, detected):
    row = score(series, Prediction(series.id, "d", intervals=intervals))
    assert location(row) == (value,) * 10
    assert row.detection_correct is detected


@pytest.mark.parametrize("series", [NORMAL, TREND, REAL])
def test_an_unparsable_answer_is_worth_nothing(series):
    row = score(series, Prediction(series.id, "d", ParseStatus.UNPARSABLE, response=TEXT))
    assert location(row) == (0.0,) * 10
    assert row.detection_correct is False
    assert row.class_correct is (None if series is REAL else False)


def test_a_contradiction_keeps_its_location_and_loses_its_class():
    answer = Prediction("a", "d", ParseStatus.CONTRADICTION, ((3, 4), (7, 10)), AnomalyClass.NORMAL, TEXT)
    row = score(TREND, answer)
    assert location(row) == (1.0,) * 10
    assert (row.class_correct, row.detection_correct) == (False, True)
    answer = Prediction("n", "d", ParseStatus.CONTRADICTION, (), AnomalyClass.TREND, TEXT)
    assert (score(NORMAL, answer).class_correct, score(NORMAL, answer).detection_correct) == (False, True)


@pytest.mark.parametrize(
    ("series", "anomaly_class", "response", "correct"),
    [
        (TREND, AnomalyClass.TREND, TEXT, True),
        (TREND, AnomalyClass.SEASONAL, TEXT, False),
        # A text that names no class has failed to; a detector without words was never asked.
        (TREND, None, TEXT, False),
        (TREND, None, "", None),
        (REAL, AnomalyClass.TREND, TEXT, None),
    ],
)
def test_classes(series, anomaly_class, response, correct):
    answer = Prediction(series.id, "d", ParseStatus.OK, ((3, 4),), anomaly_class, response)
    assert score(series, answer).class_correct is correct


def test_answers_are_matched_by_id_in_the_order_of_the_series():
    rows = list(match_scores([NORMAL, TREND], [Prediction("a", "d", intervals=((3, 4),)), Prediction("n", "d")]))
    assert [(row.series_id, row.predicted_events) for row in rows] == [("n", 0), ("a", 1)]


@pytest.mark.parametrize(
    ("series", "answered", "message"),
    [
        ([NORMAL, TREND], ["n"], "no prediction for series 'a'"),
        ([NORMAL], ["n", "n"], "two predictions for series 'n'"),
        ([NORMAL, NORMAL], ["n"], "two series have the id 'n'"),
        ([NORMAL], ["n", "x", "y"], "2 predictions belong to no series, the first to 'x'"),
    ],
)
def test_sides_that_do_not_pair_up_are_refused(series, answered, message):
    with pytest.raises(ValueError, match=message):
        list(match_scores(series, [Prediction(identifier, "d") for identifier in answered]))


class Echo:
    """Answers every series with its own label, without a class for anomalies."""

    name = "echo"

    def detect(self, series):
        for item in series:
            yield located(item, self.name, item.intervals)


def test_evaluate_gives_the_rows_of_a_scores_file(tmp_path):
    frame = evaluate(Echo(), [NORMAL, TREND, REAL])
    assert frame["affiliation_f1"].tolist() == [1.0, 1.0, 1.0]
    assert frame["class_correct"].dtype == "boolean"
    assert frame["class_correct"].isna().tolist() == [False, True, True]
    path = tmp_path / "scores.parquet"
    table = pa.Table.from_pandas(frame, schema=SCORES_SCHEMA, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), path)
    pd.testing.assert_frame_equal(read_scores(path), frame)


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "scores.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(ValueError, match=r"not a scores file of this version \(its columns are a\)"):
        read_scores(path)
