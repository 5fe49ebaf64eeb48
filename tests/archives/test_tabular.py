"""Tables of no known archive: columns found, habits told apart, bad input named with its row and its mend."""

import logging
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomseer_core.archives import read
from anomseer_core.archives.config import TableConfig
from anomseer_core.archives.tabular import read_frame


def read_text(tmp_path, text, name="x.csv", **config):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_frame(path, TableConfig(**config))


@pytest.mark.parametrize(
    "text",
    [
        "value,label\n1.5,0\n-2,1\n",
        "\ufeffvalue,label\r\n1.5,0\r\n-2,1\r\n",
        "value;label\n1,5;0\n-2;1\n",
        "value\tlabel\n1.5\t0\n-2\t1\n",
        "value|label\n1.5|false\n-2|True\n",
        '"value","label"\n"1.5","0"\n"-2","1"\n',
        " Value , Label\n 1.5 , 0\n-2 ,1\n".replace("Value", "value").replace("Label", "label"),
        "value,label\n1.5,0\n-2,1\n".encode("utf-16"),
    ],
)
def test_habits_are_told_apart(tmp_path, text):
    table = read_text(tmp_path, text)
    assert table.values.tolist() == [1.5, -2.0]
    assert table.labels.tolist() == [False, True]
    assert table.times is None


def test_a_single_column_needs_no_header(tmp_path):
    assert read_text(tmp_path, "1\n2.5\n3\n").values.tolist() == [1, 2.5, 3]
    assert read_text(tmp_path, "load\n1\n2.5\n").columns == ("load",)
    assert read_text(tmp_path, "load\n1,5\n2,25\n", separator=";").values.tolist() == [1.5, 2.25]


def test_time_label_and_text_are_no_channels(tmp_path, caplog):
    text = ",Timestamp,cpu,host,memory,is_anomaly\n0,60,1,a,10,0\n1,120,2,b,20,0\n2,180,3,c,30,1\n"
    with caplog.at_level(logging.INFO):
        table = read_text(tmp_path, text)
    assert table.columns == ("cpu", "memory")
    assert table.values.tolist() == [[1, 2, 3], [10, 20, 30]]
    assert table.labels.tolist() == [False, False, True]
    assert table.times.tolist() == [60, 120, 180]
    assert [
        "'host' is left out: text" in line or "'' is left out: row numbers" in line for line in caplog.messages
    ] == [
        True,
        True,
    ]


def test_columns_can_be_named(tmp_path):
    table = read_text(
        tmp_path,
        "a,b,when,bad\n1,2,01.02.2024 00:00,1\n3,4,02.02.2024 00:00,0\n",
        value_columns=["b"],
        time_column="when",
        time_format="%d.%m.%Y %H:%M",
        label_column="bad",
    )
    assert table.values.tolist() == [2, 4]
    assert table.labels.tolist() == [True, False]
    assert table.times.tolist() == pd.to_datetime(["2024-02-01", "2024-02-02"]).to_numpy("datetime64[ns]").tolist()


def test_frames_and_parquet_files(tmp_path):
    times = pd.date_range("2024-01-01", periods=3, freq="min", tz="Europe/Berlin")
    frame = pd.DataFrame({"x": [1, 2, 3], "label": [False, True, False]}, index=times)
    frame.to_parquet(tmp_path / "x.parquet")
    for table in (read_frame(frame), read_frame(str(tmp_path / "x.parquet"))):
        assert table.values.tolist() == [1, 2, 3]
        assert table.labels.tolist() == [False, True, False]
        assert str(table.times[0]) == "2023-12-31T23:00:00.000000000"


def test_a_folder_of_tables(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.csv").write_text("t,anomaly\n1,0\n2,1\n")
    (tmp_path / "set" / "b.csv").write_text("t\n1\n2\n")
    (series,) = read(tmp_path)
    assert (series.id, series.task, series.intervals) == ("archive/set/a.csv", "set", ((1, 2),))
    both = list(read(tmp_path, format="table"))
    assert [item.metadata["labelled"] for item in both] == [True, False]


def test_a_column_with_many_empty_cells_is_one_of_numbers_all_the_same(tmp_path):
    with pytest.raises(ValueError, match=r"row 3: a value is missing"):
        read_text(tmp_path, "v,w\n1,1\n2,\n3,\n4,\n")


def test_a_constant_is_read_and_told(tmp_path, caplog):
    assert read_text(tmp_path, "value\n5\n5\n5\n").values.tolist() == [5, 5, 5]
    assert caplog.messages == [f"{tmp_path / 'x.csv'}: every value is 5; no detector can find anything in a constant"]


def test_rows_are_put_in_order_of_time(tmp_path):
    table = read_text(tmp_path, "time,value,label\n3,30,1\n1,10,0\n2,20,0\n")
    assert table.values.tolist() == [10, 20, 30]
    assert table.labels.tolist() == [False, False, True]
    assert table.rows.tolist() == [3, 4, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.csv is empty; expected a header and a row for each sample"),
        ("\n\n", "x.csv is empty"),
        ("value,label\n", "x.csv has no rows below its header"),
        ("1,0\n2,1\n", "x.csv, row 1: expected the names of the columns, not 1,0; add a header"),
        ("value,value\n1,2\n", "x.csv, row 1: two columns are called 'value'; rename one"),
        ("value,label\n1,0\nx,0\n2,0\n3,1\n", "x.csv, row 3: value 'x' is not a finite number; mend it"),
        ("value,label\n1,0\n2,0\ninf,0\n", "x.csv, row 4: value 'inf' is not a finite number"),
        ("value,label\n1,0\n,0\n3,1\n", "x.csv, row 3: a value is missing; mend it, or set table.gaps"),
        ("value,label\n1,0\nNaN,0\n3,1\n", "x.csv, row 3: a value is missing"),
        ("value,label\n1,0\n2,0\n3\n", "x.csv, row 4: label '' is not 0 or 1; mend the row"),
        ("value,label\n1,0\n2,7\n", "x.csv, row 3: label '7' is not 0 or 1"),
        ("value,label\n1,0\n2,0,9\n", "x.csv: Expected 2 fields in line 3, saw 3; give every row as many cells"),
        ("name,label\na,0\nb,1\n", "x.csv has no column of numbers to read; name one in table.value_columns"),
        ("label,anomaly,v\n0,1,2\n", "x.csv: 'label' and 'anomaly' could both be meant; set table.label_column"),
        ("date,time,v\n1,1,2\n", "x.csv: 'date' and 'time' could both be meant; set table.time_column"),
        ("time,v\n1,2\n2,3\n2,4\n", "x.csv, row 4: the time of row 3 stands there again; remove one of them, or"),
        ("time,v\n1,2\n2,4\nnever,3\n", "x.csv, row 4: 'never' is no time; write ISO 8601"),
        ("time,v\n03/04/2024,2\n", "x.csv, row 2: '03/04/2024' is no time"),
        ("time,v\n1,1\n2,2\n3,3\n9,4\n", "x.csv, row 5: it follows after 6 times the usual step (1 of 3 steps"),
        ("v;w\n1,5;2.5\n", "x.csv: some numbers have a decimal comma and some a point; set table.decimal"),
        ("v;w|z\n1;2|3\n", "x.csv: ';' or '|' could part its cells; set table.separator"),
        (b"value\n1\n\x00\x01\n", "x.csv, row 3: binary data, not a text table"),
        (b"temp\xe9rature\n1\n2\n", "x.csv, row 1: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (b"value\n1\n2\n3 \xb0C\n", "x.csv, row 4: byte 0xb0 is not UTF-8"),
        (b"\xff\xfea", "x.csv starts like UTF-16 and is not"),
    ],
)
def test_bad_input_is_named_with_its_row_and_its_mend(tmp_path, text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read_text(tmp_path, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"value_columns": ["w"]}, "there is no column 'w'; it has 'v', 'when'"),
        ({"time_column": "then"}, "there is no column 'then'"),
        ({"encoding": "klingon"}, "table.encoding 'klingon' is not known to Python"),
        ({"encoding": "ascii"}, "is not text in ascii; set table.encoding"),
        ({"time_column": "when", "time_format": "%Q"}, "x.csv"),
    ],
)
def test_settings_that_do_not_fit_are_named(tmp_path, config, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_text(tmp_path, "v,when\n1,20.5.\xb0\n2,21.5.\n", **config)


def test_damaged_parquet_and_missing_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"x\.parquet is not a readable Parquet file"):
        read_text(tmp_path, b"PAR1 garbage PAR1", name="x.parquet")
    with pytest.raises(FileNotFoundError, match=r"absent\.csv does not exist; give a \.csv or \.parquet file"):
        read_frame(tmp_path / "absent.csv")
    with pytest.raises(ValueError, match="the frame has no rows"):
        read_frame(pd.DataFrame({"a": []}))


def test_gaps_are_filled_by_straight_lines(tmp_path):
    # Steps of 10 with one row missing at 30, one value missing at 50; the label of 40 stays where it is.
    text = "time,value,label\n10,1,0\n20,2,0\n40,6,1\n50,,0\n60,8,0\n"
    table = read_text(tmp_path, text, gaps="interpolate")
    assert table.values.tolist() == [1, 2, 4, 6, 7, 8]
    assert table.times.tolist() == [10, 20, 30, 40, 50, 60]
    assert table.labels.tolist() == [False, False, False, True, False, False]
    kept = read_text(tmp_path, text, gaps="keep")
    np.testing.assert_array_equal(kept.values, [1, 2, 6, np.nan, 8])
    assert read_text(tmp_path, "time,value\n2,1\n1,2\n2,3\n", gaps="keep").values.tolist() == [2, 1, 3]


def test_irregular_times_are_put_on_a_grid_and_no_label_is_lost(tmp_path):
    # Median step 10 s: the grid is 0, 10, 20, 30; the samples at 12 and 19 lie between its points.
    times = ["00:00:00", "00:00:12", "00:00:19", "00:00:29"]
    rows = "".join(
        f"2024-01-01T{time}Z,{value},{label}\n"
        for time, value, label in zip(times, (0, 12, 19, 29), (0, 1, 0, 1), strict=True)
    )
    table = read_text(tmp_path, "time,value,label\n" + rows, gaps="interpolate")
    assert table.values == pytest.approx([0, 10, 20, 29])
    assert table.labels.tolist() == [False, True, False, True]
    assert str(table.times[1]) == "2024-01-01T00:00:10.000000000"


def test_a_long_gap_is_not_interpolated(tmp_path):
    text = "time,value\n" + "".join(f"{time},1\n" for time in (*range(5), *range(20, 25)))
    with pytest.raises(ValueError, match=r"row 7: a gap of 15 steps is beside it, more than table\.longest_gap = 10"):
        read_text(tmp_path, text, gaps="interpolate")
    assert len(read_text(tmp_path, text, gaps="interpolate", longest_gap=15).values) == 25


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=80)
    | st.text(st.sampled_from("0123456789.,;|\t\n\"'-+eEnaN abtimelvu\ufeff"), max_size=80).map(str.encode)
)
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    (tmp_path / "x.parquet").write_bytes(content)
    for name in ("x.csv", "x.parquet"):
        for gaps in ("refuse", "interpolate", "keep"):
            try:
                values = read_frame(tmp_path / name, TableConfig(gaps=gaps)).values
                assert values.shape[-1] > 0
            except ValueError as error:
                message = str(error)
                assert "\n" not in message and str(tmp_path) in message  # noqa: PT018


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.booleans()), min_size=3, max_size=30, unique_by=lambda row: row[0]),
    st.integers(1, 40),
)
def test_a_grid_keeps_every_event_and_stays_within_the_values(rows, longest_gap):
    frame = pd.DataFrame(sorted(rows), columns=["time", "label"]).assign(value=lambda table: table.time * 2.0)
    try:
        table = read_frame(frame, TableConfig(gaps="interpolate", longest_gap=longest_gap))
    except ValueError as error:
        assert "longest_gap" in str(error)  # noqa: PT017
        return
    assert bool(table.labels.any()) == bool(frame.label.any())
    steps = np.diff(table.times)
    assert np.allclose(steps, steps[0])
    inside = table.times <= frame.time.max()
    assert table.values[inside] == pytest.approx(2 * table.times[inside])
