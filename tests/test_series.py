"""Series: what a labelled series may be, its intervals, and its Parquet form."""

import itertools
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.series import (
    AnomalyClass,
    Series,
    index_series,
    intervals_from_mask,
    mask_from_intervals,
    merge_intervals,
    read_series,
    write_series,
)
from tests import naive_series

LENGTHS = st.integers(1, 40)
RAW_INTERVALS = st.lists(st.tuples(st.integers(-10, 50), st.integers(-10, 50)), max_size=8)


def anomalous(**changes):
    fields = {"id": "a", "values": np.arange(10.0), "intervals": ((2, 4),), "anomaly_class": AnomalyClass.TREND}
    return Series(**{**fields, **changes})


@given(RAW_INTERVALS, LENGTHS)
def test_merge_intervals_equals_the_naive_version(intervals, length):
    assert merge_intervals(intervals, length) == naive_series.merge_intervals(intervals, length)


@given(RAW_INTERVALS, LENGTHS)
def test_merged_intervals_are_sorted_apart_and_stay_as_they_are(intervals, length):
    merged = merge_intervals(intervals, length)
    assert all(0 <= start < stop <= length for start, stop in merged)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(merged))
    assert merge_intervals(merged, length) == merged
    assert merge_intervals(reversed(intervals), length) == merged


@given(st.lists(st.booleans(), max_size=40))
def test_intervals_from_mask_equals_the_naive_version_and_turns_back(mask):
    intervals = intervals_from_mask(np.array(mask, dtype=bool))
    assert intervals == naive_series.intervals_from_mask(mask)
    assert mask_from_intervals(intervals, len(mask)).tolist() == mask


def test_merge_intervals_by_hand():
    # [3,5) and [5,7) touch and join; [-2,1) loses what lies before 0; [9,20) ends at 10; [8,8) is empty.
    assert merge_intervals([(5, 7), (3, 5), (-2, 1), (9, 20), (8, 8)], 10) == [(0, 1), (3, 7), (9, 10)]
    assert merge_intervals([], 10) == []


def test_mask_from_intervals_clips():
    assert mask_from_intervals([(-3, 1), (3, 9)], 5).tolist() == [True, False, False, True, True]


def test_series_keeps_its_own_frozen_copy():
    values = np.zeros(5)
    series = Series("a", values)
    values[0] = 1
    assert series.values[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 2
    with pytest.raises(TypeError):
        series.metadata["x"] = 1
    assert series.is_normal
    assert len(Series("b", np.zeros((3, 7)))) == 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"values": np.zeros((2, 2, 2))}, "must be"),
        ({"values": np.zeros(0)}, "T > 0"),
        ({"values": [0.0, math.inf]}, "infinity"),
        ({"intervals": ((4, 6), (1, 2))}, "sorted"),
        ({"intervals": ((1, 3), (3, 5))}, "apart"),
        ({"intervals": ((8, 11),)}, r"in \[0, 10\)"),
        ({"intervals": ((4, 4),)}, "apart"),
        ({"intervals": ()}, "contradicts 0 intervals"),
        ({"anomaly_class": "normal"}, "contradicts 1 intervals"),
        ({"anomaly_class": "wiggle"}, "wiggle"),
    ],
)
def test_contradictions_are_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        anomalous(**changes)


def test_round_trip(tmp_path):
    written = [
        anomalous(benchmark="b", task="t", split="eval", metadata={"seed": 3, "nested": {"x": [1, 2]}}),
        Series("normal", np.array([0.1, math.nan, 3.0])),
        Series(
            "wide",
            np.arange(8.0).reshape(2, 4),
            intervals=((0, 1), (2, 4)),
            anomaly_class=AnomalyClass.UNKNOWN,
            anomalous_channels=(1,),
        ),
    ]
    path = tmp_path / "series.parquet"
    assert write_series(iter(written), path) == 3
    for before, after in zip(written, read_series(path), strict=True):
        np.testing.assert_array_equal(after.values, before.values)
        assert {**vars(after), "values": 0} == {**vars(before), "values": 0}


def test_round_trip_over_several_row_groups(tmp_path):
    path = tmp_path / "series.parquet"
    assert write_series((Series(str(row), [float(row)]) for row in range(600)), path) == 600
    assert [series.id for series in read_series(path)] == [str(row) for row in range(600)]
    assert pq.ParquetFile(path).num_row_groups == 3


def test_long_series_fill_a_group_sooner(tmp_path):
    """Two of 1,048,576 samples fit into a group, with one channel or several; what is longer has one of its own."""
    path = tmp_path / "series.parquet"
    half = np.zeros(2**20)
    items = [Series("a", half), Series("b", half.reshape(4, -1)), Series("c", half), Series("d", np.zeros(3 * 2**20))]
    assert write_series(iter(items), path) == 4
    file = pq.ParquetFile(path)
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [2, 1, 1]
    assert [item.values.shape for item in read_series(path)] == [(2**20,), (4, 2**18), (2**20,), (3 * 2**20,)]


def test_a_stretch_of_rows_and_all_lengths_are_read(tmp_path):
    """Groups of 256: [250, 530) lies in all three of them."""
    path = tmp_path / "series.parquet"
    write_series((Series(str(row), np.ones(1 + row % 7)) for row in range(600)), path)
    assert [series.id for series in read_series(path, range(250, 530))] == [str(row) for row in range(250, 530)]
    assert [series.id for series in read_series(path, range(255, 257))] == ["255", "256"]
    assert list(read_series(path, range(600, 700))) == []
    assert index_series(path) == [(str(row), 1 + row % 7) for row in range(600)]
    write_series([Series("wide", np.zeros((2, 4)))], path)
    assert index_series(path) == [("wide", 4)]


def test_stored_values_have_six_decimals(tmp_path):
    path = tmp_path / "series.parquet"
    write_series([Series("a", [0.12345678, -2.00000049])], path)
    assert next(read_series(path)).values.tolist() == [0.123457, -2.0]


def test_an_empty_file_round_trips(tmp_path):
    path = tmp_path / "series.parquet"
    assert write_series([], path) == 0
    assert list(read_series(path)) == []


def test_another_table_is_refused_by_name(tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(ValueError, match=r"other\.parquet: not a series file .*'x'"):
        next(read_series(path))
