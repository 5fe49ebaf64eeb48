"""KPI: several series in one file, rows in order of time, gaps counted, repeated times refused."""

import re

import pytest

from anomseer_core.archives import read


def write(folder, text):
    (folder / "kpi.csv").write_text(text)
    return folder


def test_one_series(tmp_path):
    (series,) = read(write(tmp_path, "timestamp,value,label\n60,1,0\n120,2,1\n180,3,0\n"))
    assert (series.id, series.task) == ("archive/kpi.csv", "KPI")
    assert series.values.tolist() == [1, 2, 3]
    assert series.intervals == ((1, 2),)
    assert series.metadata["gaps"] == 0


def test_several_series_in_one_file(tmp_path):
    rows = "60,1,0,b\n60,9,1,a\n120,2,1,b\n120,8,0,a\n"
    first, second = read(write(tmp_path, "timestamp,value,label,KPI ID\n" + rows))
    assert [first.id, second.id] == ["archive/kpi.csv#b", "archive/kpi.csv#a"]
    assert [first.values.tolist(), second.values.tolist()] == [[1, 2], [9, 8]]
    assert [first.intervals, second.intervals] == [((1, 2),), ((0, 1),)]


def test_rows_are_put_in_order_and_gaps_counted(tmp_path):
    (series,) = read(write(tmp_path, "timestamp,value,label\n300,4,0\n60,1,0\n120,2,1\n180,3,1\n360,5,0\n"))
    assert series.values.tolist() == [1, 2, 3, 4, 5]
    assert series.intervals == ((1, 3),)
    assert series.metadata["gaps"] == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("60,1,0\n60,2,0\n", "kpi.csv, row 3: timestamp '60' is not later than all others: it is there twice"),
        ("60,1,0\nx,2,0\n", "kpi.csv, row 3: timestamp 'x' is not a finite number"),
        ("60,1,2\n", "kpi.csv, row 2: label '2' is not 0 or 1"),
        ("60,inf,0\n", "kpi.csv, row 2: value 'inf' is not a finite number"),
        ("60,1\n", "kpi.csv, row 2: label '' is not 0 or 1"),
        ("60,1,0,5\n", "kpi.csv: Expected 3 fields in line 2, saw 4"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, rows, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        list(read(write(tmp_path, "timestamp,value,label\n" + rows)))
