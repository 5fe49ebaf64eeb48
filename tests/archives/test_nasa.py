"""NASA: inclusive ends, rows of one channel joined, kinds of events, and labels that do not fit their array."""

import re

import numpy as np
import pytest

from anomseer_core.archives import read

HEADER = "chan_id,spacecraft,anomaly_sequences,class,num_values\n"


def write(folder, rows, length=10, values=None):
    (folder / "test").mkdir(exist_ok=True)
    (folder / "labeled_anomalies.csv").write_text(HEADER + rows)
    commands = np.eye(3)[np.arange(length) % 3]
    np.save(folder / "test" / "P-2.npy", np.column_stack([np.arange(length), commands]) if values is None else values)
    return folder


def test_telemetry_inclusive_ends_and_the_class(tmp_path):
    (series,) = read(write(tmp_path, 'P-2,SMAP,"[[2, 4], [7, 7]]","[point, point]",10\n'))
    assert series.values.tolist() == list(range(10))
    assert series.intervals == ((2, 5), (7, 8))
    assert (series.task, series.anomaly_class) == ("SMAP", "global point")
    assert series.metadata["published_series"] == 54


def test_two_rows_of_one_channel_are_joined(tmp_path):
    rows = 'P-2,SMAP,"[[7, 8]]",[point],10\nP-2,SMAP,"[[1, 2], [8, 9]]","[contextual, point]",10\n'
    (series,) = read(write(tmp_path, rows))
    assert series.intervals == ((1, 3), (7, 10))
    assert series.anomaly_class == "unknown"
    assert series.metadata["event_kinds"] == ["contextual", "point", "point"]


def test_contextual_events(tmp_path):
    (series,) = read(write(tmp_path, 'P-2,MSL,"[[1, 2]]",[contextual],10\n'))
    assert (series.task, series.anomaly_class) == ("MSL", "contextual point")


def test_an_array_without_a_row_is_not_read(tmp_path):
    write(tmp_path, 'P-2,MSL,"[[1, 2]]",[contextual],10\n')
    np.save(tmp_path / "test" / "T-10.npy", np.zeros((5, 1)))
    assert [series.id for series in read(tmp_path)] == ["archive/test/P-2.npy"]


def test_the_layout_of_the_published_data(tmp_path):
    write(tmp_path, 'P-2,MSL,"[[1, 2]]",[contextual],10\n')
    (tmp_path / "data").mkdir()
    (tmp_path / "test").rename(tmp_path / "data" / "test")
    assert [series.id for series in read(tmp_path)] == ["archive/data/test/P-2.npy"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            'P-2,SMAP,"[[2, 10]]",[point],10',
            "row 2: anomaly_sequences '[[2, 10]]' is not pairs [first, last] inside the 10",
        ),
        ('P-2,SMAP,"[[5, 2]]",[point],10', "is not pairs [first, last]"),
        ('P-2,SMAP,"[[2]]",[point],10', "is not pairs [first, last]"),
        ('P-2,SMAP,"[[2, 3.5]]",[point],10', "is not pairs [first, last]"),
        ('P-2,SMAP,"__import__(1)",[point],10', "is not pairs [first, last]"),
        ('P-2,SMAP,"[[2, 4]]",[point],11', "row 2: num_values is 11, and"),
        ('P-2,SMAP,"[[2, 4]]","[point, point]",10', "class of P-2 must name point or contextual for each interval"),
        ('P-2,SMAP,"[[2, 4]]",[strange],10', "class of P-2 must name point or contextual"),
        ('P-2,Voyager,"[[2, 4]]",[point],10', "spacecraft of P-2 must be one of SMAP, MSL"),
    ],
)
def test_labels_that_do_not_fit_are_named(tmp_path, row, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        list(read(write(tmp_path, row + "\n")))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1.0, np.nan] * 5), "P-2.npy, row 1, channel 0: nan is not a finite number"),
        (np.zeros((2, 2, 2)), "has the shape (2, 2, 2)"),
        (np.array(["a"] * 10), "holds a array of <U1"),
        (np.array([{}] * 10), "is not a .npy file of numbers (Object arrays cannot be loaded when allow_pickle=False)"),
    ],
)
def test_arrays_that_are_no_series_are_named(tmp_path, values, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        list(read(write(tmp_path, 'P-2,SMAP,"[[2, 4]]",[point],10\n', values=values)))


def test_a_cut_array_is_named(tmp_path):
    folder = write(tmp_path, 'P-2,SMAP,"[[2, 4]]",[point],10\n')
    path = folder / "test" / "P-2.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"P-2\.npy is not a \.npy file of numbers"):
        list(read(folder))
