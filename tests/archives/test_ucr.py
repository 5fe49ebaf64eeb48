"""UCR: both ends of the anomaly are inside, and the values may stand on one line."""

import re

import pytest

from anomseer_core.archives import read

NAME = "135_UCR_Anomaly_Internal_Bleeding16_2_4_5.txt"


def write(folder, text, name=NAME):
    (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("text", ["1\n2\n3\n4\n5\n6\n7\n", "  1.0e+00   2 3 4 5 6 7", "1\r\n2\r\n3 4\r\n5 6 7\r\n\r\n"])
def test_values_and_the_anomaly_that_the_name_tells(tmp_path, text):
    (series,) = read(write(tmp_path, text))
    assert series.values.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert series.intervals == ((4, 6),)
    assert (series.task, series.metadata["train_samples"]) == ("UCR", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected one value on each line"),
        ("1\n2\nx 3\n4\n5\n6\n", "row 3: 'x' is not a number"),
        ("1\n2\n3\n4\nnan\n6\n", "row 5: 'nan' is not a finite number"),
        ("1\n2\n3\n4\n5\n", "an anomaly at [4, 5], and the file has 5 samples"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        list(read(write(tmp_path, text)))
    assert NAME in str(caught.value)


def test_other_texts_are_no_series(tmp_path):
    write(tmp_path, "1\n2\n", "README.txt")
    with pytest.raises(ValueError, match="holds no readable series"):
        read(tmp_path)
