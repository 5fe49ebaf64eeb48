"""Predictions and their file."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.prediction import Prediction, located, read_predictions, write_predictions
from anomseer_core.series import AnomalyClass, Series

SERIES = Series("s", np.zeros(100))

predictions = st.builds(
    Prediction,
    series_id=st.text(max_size=5),
    detector=st.text(max_size=5),
    status=st.sampled_from(ParseStatus),
    intervals=st.lists(st.tuples(st.integers(0, 50), st.integers(51, 100)), max_size=3).map(tuple),
    anomaly_class=st.none() | st.sampled_from(AnomalyClass),
    response=st.text(max_size=20),
    tokens=st.integers(0, 2**40),
)


@given(st.lists(predictions, max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("predictions") / "predictions.parquet"
    assert write_predictions(iter(written), path) == len(written)
    assert list(read_predictions(path)) == written


def test_more_than_one_row_group(tmp_path):
    written = [Prediction(f"s{index}", "d") for index in range(2500)]
    path = tmp_path / "predictions.parquet"
    assert write_predictions(iter(written), path) == 2500
    assert [item.series_id for item in read_predictions(path)] == [item.series_id for item in written]


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "predictions.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(ValueError, match=r"not a predictions file \(its columns are \['a'\]\)"):
        list(read_predictions(path))


def test_a_located_answer_is_merged_and_names_no_class():
    answer = located(SERIES, "d", [(40, 120), (5, 9), (9, 12)])
    assert answer == Prediction("s", "d", ParseStatus.OK, ((5, 12), (40, 100)), None)
    assert not answer.claims_class


def test_a_located_answer_without_intervals_is_normal():
    answer = located(SERIES, "d", [(100, 120)])
    assert (answer.intervals, answer.anomaly_class) == ((), AnomalyClass.NORMAL)
    assert answer.claims_class


def test_a_text_without_a_class_still_claims_one():
    assert Prediction("s", "d", response="<answer>[]</answer>").claims_class
    assert Prediction("s", "d", status=ParseStatus.UNPARSABLE).claims_class
