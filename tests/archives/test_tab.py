"""TAB: long tables, the series `label` among the channels, and the meta file."""

import re

import pytest

from anomseer_core.archives import read

META = "file_name,size,train_lens,test_lens\na.csv,1,2,1\n"
ONE = "date,data,cols\n2020,1,x\n2021,2,x\n2022,3,x\n2020,0,label\n2021,1,label\n2022,0,label\n"


def write(folder, text=ONE, meta=META):
    (folder / "data").mkdir(exist_ok=True)
    (folder / "DETECT_META.csv").write_text(meta, encoding="utf-8")
    (folder / "data" / "a.csv").write_text(text)
    return folder


def test_one_channel(tmp_path):
    (series,) = read(write(tmp_path))
    assert (series.id, series.task) == ("archive/data/a.csv", "TAB")
    assert series.values.tolist() == [1, 2, 3]
    assert series.intervals == ((1, 2),)
    assert series.metadata["train_samples"] == 2


def test_several_channels_without_dates(tmp_path):
    rows = "data,cols\n1,x\n2,x\n3,x\n4,y\n5,y\n6,y\n1,label\n1,label\n0,label\n"
    (series,) = read(write(tmp_path, rows))
    assert series.values.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert series.metadata["channels"] == ["x", "y"]
    assert series.intervals == ((0, 2),)


def test_a_byte_order_mark_and_a_file_that_the_meta_file_does_not_name(tmp_path):
    write(tmp_path, meta="\ufeff" + META)
    (tmp_path / "data" / "b.csv").write_text(ONE)
    assert [series.id for series in read(tmp_path)] == ["archive/data/a.csv"]


@pytest.mark.parametrize(
    ("text", "meta", "message"),
    [
        ("value,cols\n1,x\n", META, "a.csv, row 1: the header is value,cols; expected the columns data and cols"),
        ("data,cols\n1,x\nz,x\n", META, "a.csv, row 3: data 'z' is not a finite number"),
        ("data,cols\n1,x\n", META, "cols must name at least one channel and 'label'"),
        ("data,cols\n1,label\n", META, "cols must name at least one channel and 'label'"),
        ("data,cols\n1,x\n0,label\n1,label\n", META, "channel 'x' has 1 rows and label 2"),
        ("data,cols\n1,x\n2,label\n", META, "a.csv, row 3: data '2' is not 0 or 1, as the series label wants"),
        ("data,cols\n1,x\n0,label\n", META, "DETECT_META.csv: train_lens of a.csv is 2, and it has 1 rows"),
        (ONE, "file_name,size\na.csv,1\n", "DETECT_META.csv, row 1: there is no column train_lens"),
        (ONE, "file_name,train_lens\na.csv,many\n", "row 2: train_lens 'many' is not a number of samples"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, text, meta, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        list(read(write(tmp_path, text, meta)))
