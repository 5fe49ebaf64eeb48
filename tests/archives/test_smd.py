"""SMD and ASD: both layouts, interpretations that end inside or outside an event, lengths that differ."""

import pickle
import re

import numpy as np
import pytest

from anomseer_core.archives import read

LABELS = np.array([0, 1, 1, 0, 0, 1, 0])
VALUES = np.arange(21.0).reshape(7, 3)


def write_pickles(folder, name="omi-1", labels=LABELS, values=VALUES, lines="1-2:1,3\n5-5:2\n"):
    (folder / f"{name}_test.pkl").write_bytes(pickle.dumps(values))
    (folder / f"{name}_test_label.pkl").write_bytes(pickle.dumps(labels))
    if lines:
        (folder / "interpretation_label").mkdir(exist_ok=True)
        (folder / "interpretation_label" / f"{name}.txt").write_text(lines)
    return folder


def test_pickles_and_interpretations_that_end_inside(tmp_path):
    (series,) = read(write_pickles(tmp_path))
    assert series.values.tolist() == VALUES.T.tolist()
    assert series.intervals == ((1, 3), (5, 6))
    assert series.anomalous_channels == (0, 1, 2)
    assert series.metadata["event_channels"] == [[0, 2], [1]]
    assert (series.task, series.metadata["published_series"]) == ("ASD", 12)


def test_text_and_interpretations_that_end_outside_in_any_order(tmp_path):
    for folder, text in (
        ("test", "".join(",".join(map(str, row)) + "\n" for row in VALUES)),
        ("test_label", "".join(f"{label}\n" for label in LABELS)),
        ("interpretation_label", "5-6:2\n1-3:1\n"),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "machine-1-1.txt").write_text(text)
    (series,) = read(tmp_path)
    assert series.values.tolist() == VALUES.T.tolist()
    assert series.intervals == ((1, 3), (5, 6))
    assert series.anomalous_channels == (0, 1)
    assert series.metadata["event_channels"] == [[0], [1]]
    assert series.task == "SMD"


def test_without_interpretations(tmp_path):
    (series,) = read(write_pickles(tmp_path, lines=""))
    assert series.anomalous_channels == ()
    assert "event_channels" not in series.metadata


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.zeros(9)}, "has 9 labels, and"),
        ({"labels": np.full(7, 2)}, "omi-1_test_label.pkl, row 0: label 2 is not 0 or 1"),
        ({"labels": np.zeros((7, 2))}, "has the shape (7, 2); expected one label for each sample"),
        (
            {"values": np.where(VALUES == 7, np.inf, VALUES)},
            "omi-1_test.pkl, row 2, channel 1: inf is not a finite number",
        ),
        ({"values": [1, 2]}, "omi-1_test.pkl holds a list; expected an array of numbers"),
        ({"lines": "3-4:1\n"}, "omi-1.txt, row 1: no event holds sample 3"),
        ({"lines": "1-2:1\n5-5:4\n"}, "omi-1.txt, row 2: channels are counted from 1 to 3"),
        ({"lines": "1-2\n"}, "omi-1.txt, row 1: '1-2' is not FIRST-LAST:CHANNEL,CHANNEL"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        list(read(write_pickles(tmp_path, **changes)))


def test_values_without_labels_are_no_series(tmp_path):
    (tmp_path / "x_test.pkl").write_bytes(pickle.dumps(VALUES))
    with pytest.raises(ValueError, match="holds no readable series"):
        read(tmp_path)
