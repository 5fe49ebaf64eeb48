"""NAB: inclusive windows, the order of the file kept, and every contradiction named."""

import re

import pytest

from anomseer_core.archives.nab import WINDOWS, read_csv


def minute(number):
    return f"2015-03-01 00:{number:02d}:00"


def window(first, last):
    return [f"{minute(first)}.000000", f"{minute(last)}.000000"]


def read(write_nab, minutes, windows, *, values=None):
    rows = [(minute(number), value) for number, value in zip(minutes, values or range(len(minutes)), strict=True)]
    folder = write_nab("nab", {"real/a.csv": rows}, {"real/a.csv": windows})
    return read_csv(folder / "data" / "real" / "a.csv", folder / WINDOWS)


def test_windows_hold_both_ends(write_nab):
    values, mask = read(write_nab, [0, 5, 10, 15, 20], [window(5, 15)])
    assert values.tolist() == [0, 1, 2, 3, 4]
    assert mask.tolist() == [False, True, True, True, False]


def test_several_windows_and_none(write_nab):
    _, mask = read(write_nab, [0, 5, 10, 15, 20], [window(0, 0), window(14, 16)])
    assert mask.tolist() == [True, False, False, True, False]
    _, mask = read(write_nab, [0, 5], [])
    assert mask.tolist() == [False, False]


def test_rows_keep_their_order_when_the_clock_steps_back_or_stands(write_nab):
    # The clock stands at 10 and steps back from 20 to 15; rows are neither moved nor dropped.
    values, mask = read(write_nab, [5, 10, 10, 20, 15, 25], [window(10, 15)], values=[1, 2, 3, 4, 5, 6])
    assert values.tolist() == [1, 2, 3, 4, 5, 6]
    assert mask.tolist() == [False, True, True, False, True, False]


@pytest.mark.parametrize(
    ("minutes", "values", "windows", "message"),
    [
        ([0, 5], [1, "x"], [], "a.csv, row 3: value 'x' is not a finite number"),
        ([0, 5], ["nan", 1], [], "a.csv, row 2: value 'nan' is not a finite number"),
        ([0, 5], [1, 2], [window(6, 9)], "holds no sample of"),
        ([0, 5], [1, 2], [window(5, 0)], "holds no sample of"),
        ([0, 5], [1, 2], [window(5, 6)], "reaches beyond the rows of"),
        ([0, 5], [1, 2], [["soon", "later"]], "the windows of 'real/a.csv' are not pairs of timestamps"),
        ([0, 5], [1, 2], [[minute(1)]], "the windows of 'real/a.csv' are not pairs of timestamps"),
        ([0, 5], [1, 2], 7, "the windows of 'real/a.csv' are not pairs of timestamps"),
    ],
)
def test_what_is_malformed_is_named(write_nab, minutes, values, windows, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read(write_nab, minutes, windows, values=values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.csv is empty"),
        ("timestamp,value\n", "a.csv has no rows below its header"),
        ("time,value\n2015-03-01,1\n", "a.csv, row 1: the header is time,value"),
        ("timestamp,value\nyesterday,1\n", "a.csv, row 2: timestamp 'yesterday' is not a timestamp"),
        ("timestamp,value\n2015-03-01 00:00:00,1,2\n", "a.csv: Expected 2 fields in line 2, saw 3"),
    ],
)
def test_malformed_tables_are_named(write_nab, text, message):
    folder = write_nab("nab", {}, {"a.csv": []})
    (folder / "data").mkdir()
    (folder / "data" / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=re.escape(message)):
        read_csv(folder / "data" / "a.csv", folder / WINDOWS)


def test_a_file_without_an_entry_is_named(write_nab):
    folder = write_nab("nab", {"a.csv": [(minute(0), 1)]}, {"b.csv": []})
    with pytest.raises(ValueError, match=r"combined_windows\.json has no entry 'a\.csv'; add one"):
        read_csv(folder / "data" / "a.csv", folder / WINDOWS)


def test_broken_json_is_named(write_nab):
    folder = write_nab("nab", {"a.csv": [(minute(0), 1)]}, {})
    (folder / WINDOWS).write_text("{")
    with pytest.raises(ValueError, match=r"combined_windows\.json: "):
        read_csv(folder / "data" / "a.csv", folder / WINDOWS)
