"""TSB-AD: what the name of a file says, several channels, and the lists of the archive."""

import re

import pytest

from anomseer_core.archives import read

NAME = "007_MSL_id_3_Sensor_tr_2_1st_3.csv"
ROWS = "Data,Label\n1,0\n2,0\n3,0\n4,1\n5,0\n"


def write(folder, text=ROWS, name=NAME):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_a_series_and_what_its_name_says(tmp_path):
    (series,) = read(write(tmp_path))
    assert series.values.tolist() == [1, 2, 3, 4, 5]
    assert series.intervals == ((3, 4),)
    assert series.task == "MSL"
    about = series.metadata
    assert (about["domain"], about["train_samples"], about["first_anomaly"]) == ("Sensor", 2, 3)
    assert (about["collection"], about["published_series"], about["lists"]) == ("TSB-AD-U", 870, [])


def test_several_channels(tmp_path):
    (series,) = read(write(tmp_path, "a,b,Label\n1,10,0\n2,20,0\n3,30,0\n4,40,1.0\n"))
    assert series.values.tolist() == [[1, 2, 3, 4], [10, 20, 30, 40]]
    assert (series.metadata["collection"], series.metadata["channels"]) == ("TSB-AD-M", ["a", "b"])


def test_a_dataset_with_underscores_in_its_name(tmp_path):
    (series,) = read(write(tmp_path, name="1_A_id_B_id_9_Web_tr_1_1st_3.csv"))
    assert series.task == "A_id_B"


def test_the_lists_that_name_a_series(tmp_path):
    write(tmp_path / "U")
    lists = tmp_path / "File_List"
    write(lists, f"file_name\n{NAME}\n", "TSB-AD-U-Eva.csv")
    write(lists, "file_name\nother.csv\n", "TSB-AD-U-Tuning.csv")
    (series,) = read(tmp_path)
    assert series.metadata["lists"] == ["TSB-AD-U-Eva"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Data,Label\n1,0\n2,x\n", "row 3: Label 'x' is not 0 or 1"),
        ("Data,Label\n1,0\n,0\n", "row 3: Data '' is not a finite number"),
        ("Data,Label\n1,0\n2\n", "row 3: Label '' is not 0 or 1"),
        ("Data,Label\n", "has no rows below its header"),
        ("Data,Truth\n1,0\n", "row 1: the last column is 'Truth'; expected channels, then Label"),
        ("Data,Data,Label\n1,1,0\n", "row 1: two columns have one name"),
        (
            "Data,Label\n1,1\n2,0\n3,0\n",
            "2 training samples and a first anomaly at 3, and the file has 3 samples; it is cut",
        ),
        ("Data,Label\n1,0\n", "2 training samples and a first anomaly at 3, and the file has 1 samples"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        list(read(write(tmp_path, text)))
    assert NAME in str(caught.value)


def test_a_list_without_its_header_is_named(tmp_path):
    write(tmp_path)
    write(tmp_path / "File_List", "a.csv\n", "X.csv")
    with pytest.raises(ValueError, match=r"X\.csv, row 1: expected the header file_name"):
        list(read(tmp_path))
