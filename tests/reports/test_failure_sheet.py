"""Which failures are drawn, and how they are laid out."""

import numpy as np
import pandas as pd
import pytest

from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.rendering import render_annotated
from anomseer_core.reports.failure_sheet import COLUMNS, HEADING, SCALE, choose_failures, failure_sheet, share_out
from anomseer_core.series import Series


def errors(*rows):
    names = ("series_id", "cause", "affiliation_f1", "task")
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(detector="mine", benchmark="b", pointwise_f1=0.0)


@pytest.mark.parametrize(
    ("places", "wanted", "expected"),
    [(24, [100, 2, 100], [11, 2, 11]), (5, [9, 9], [3, 2]), (9, [1, 2], [1, 2]), (0, [3], [0]), (3, [], [])],
)
def test_places_are_shared_evenly(places, wanted, expected):
    assert share_out(places, wanted) == expected


def test_causes_stand_together_and_the_worst_comes_first():
    rows = errors(
        ("a", "misplaced", 0.9, "point"),
        ("b", "missed", 0.5, "point"),
        ("c", "misplaced", 0.1, "point"),
        ("d", "right", 1.0, "point"),
        ("e", "missed", 0.4, "point"),
        ("f", "misplaced", 0.2, "point"),
    )
    assert choose_failures(rows)["series_id"].tolist() == ["e", "b", "c", "f", "a"]
    assert choose_failures(rows, 3)["series_id"].tolist() == ["e", "b", "c"]
    assert choose_failures(rows[rows["cause"] == "right"]).empty


def test_among_equals_every_task_has_its_turn():
    rows = errors(*((f"{task}{number}", "missed", 0.0, task) for task in ("point", "trend") for number in range(3)))
    assert choose_failures(rows, 4)["series_id"].tolist() == ["point0", "trend0", "point1", "trend1"]


def test_a_sheet_has_a_heading_for_each_cause_and_two_pictures_a_row():
    chosen = errors(
        *((name, cause, 0.0, "point") for name, cause in (("a", "missed"), ("b", "missed"), ("c", "spurious")))
    )
    cases = {("b", name): (Series(id=name, values=np.arange(50.0)), Prediction(name, "mine")) for name in "abc"}
    sheet = failure_sheet(chosen, cases)
    single = render_annotated(cases["b", "a"][0], {"mine": ()})
    width, height = round(SCALE * single.width), round(SCALE * single.height)
    assert sheet.size == (COLUMNS * width, 2 * (HEADING + height))


def test_without_a_failure_there_is_no_sheet():
    with pytest.raises(ValueError, match="every series is right"):
        failure_sheet(errors(), {})
