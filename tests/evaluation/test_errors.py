"""Kinds of mistakes, counted by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.errors import cause_table, error_table, interval_errors, series_errors
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.evaluation.scores import match_scores
from anomseer_core.series import AnomalyClass, Series


def counts(labels, answers, length=1000):
    found = interval_errors(labels, answers, length)
    return found.exact, found.misplaced, found.missed, found.spurious, found.border_error


def test_each_kind_once():
    labels = [(100, 110), (200, 260), (400, 410)]
    # Exact; 10 late at the start and 20 early at the end, 15 on average; missed; overlapping nothing.
    answers = [(100, 110), (210, 240), (700, 720)]
    assert counts(labels, answers) == (1, 1, 1, 1, 15.0)
    found = interval_errors(labels, answers, 1000)
    assert (found.labelled, found.answered) == (3, 3)


def test_neighbours_that_only_touch_do_not_overlap():
    assert counts([(100, 110)], [(110, 120)]) == (0, 0, 1, 1, 0)


def test_one_wide_answer_misplaces_all_it_covers_and_is_not_spurious():
    # (|10 - 0| + |20 - 100|) / 2 = 45, (50 + 40) / 2 = 45.
    assert counts([(10, 20), (50, 60)], [(0, 100)]) == (0, 2, 0, 0, 90.0)


def test_the_answer_that_shares_most_gives_the_error():
    # (95, 105) shares 5 samples, (110, 200) shares 40: |100 - 110| and |150 - 200|, 30 on average.
    assert counts([(100, 150)], [(95, 105), (110, 200)]) == (0, 1, 0, 0, 30.0)


def test_nothing_labelled_and_nothing_answered():
    assert counts([], []) == (0, 0, 0, 0, 0)
    assert counts([], [(3, 4)]) == (0, 0, 0, 1, 0)


@pytest.mark.parametrize(
    ("length", "off", "expected"),
    [
        (1000, 1, (0, 1, 0, 0, 0.5)),  # one unit at one of two borders
        (500, 1, (0, 1, 0, 0, 1.0)),  # a sample is two units
        (2000, 1, (1, 0, 0, 0, 0)),  # half a unit: no response can say it
        (2000, 2, (0, 1, 0, 0, 0.5)),
        (5000, 1, (1, 0, 0, 0, 0)),  # views of 4,000 samples: a quarter of a unit
        (5000, 4, (0, 1, 0, 0, 0.5)),
    ],
)
def test_borders_are_measured_in_units_of_the_picture(length, off, expected):
    assert counts([(100, 200)], [(100, 200 + off)], length) == expected


def series(name, intervals=(), task="point", anomaly_class=AnomalyClass.TREND):
    anomaly_class = anomaly_class if intervals else AnomalyClass.NORMAL
    values = np.zeros(1000)
    return Series(id=name, values=values, intervals=intervals, anomaly_class=anomaly_class, task=task, benchmark="b")


def answer(name, intervals=(), named=AnomalyClass.TREND, status=ParseStatus.OK):
    return Prediction(name, "mine", status, tuple(intervals), named if intervals else AnomalyClass.NORMAL, "text")


@pytest.fixture
def errors():
    items = [
        series("right", [(10, 20)]),
        series("normal"),
        series("lost", [(10, 20)]),
        series("missed", [(10, 20), (500, 600)]),
        series("alarm", task="trend"),
        series("off", [(10, 20)], task="trend"),
        series("class", [(10, 20)], task="trend"),
    ]
    answers = [
        answer("right", [(10, 20)]),
        answer("normal"),
        answer("lost", status=ParseStatus.UNPARSABLE),
        answer("missed", [(10, 20), (700, 800)]),
        answer("alarm", [(1, 2)]),
        answer("off", [(14, 30)]),
        answer("class", [(10, 20)], named=AnomalyClass.SEASONAL),
    ]
    scores = pd.DataFrame([vars(row) for row in match_scores(items, answers)])
    return series_errors(scores, items, answers)


def test_the_cause_is_what_had_to_be_mended_first(errors):
    causes = dict(zip(errors["series_id"], errors["cause"], strict=True))
    assert causes == {
        "right": "right",
        "normal": "right",
        "lost": "unparsable",
        "missed": "missed",
        "alarm": "spurious",
        "off": "misplaced",
        "class": "wrong class",
    }
    (row,) = cause_table(errors).to_dict("records")
    assert row["series"] == 7
    assert [row[name] for name in ("unparsable", "missed", "spurious", "misplaced", "wrong class", "right")] == [
        *[1] * 5,
        2,
    ]


def test_sums_are_by_task_and_over_all(errors):
    point, trend, total = error_table(errors).to_dict("records")
    assert [row["task"] for row in (point, trend, total)] == ["point", "trend", "all"]
    assert (point["labelled"], point["exact"], point["misplaced"], point["missed"]) == (4, 2, 0, 2)
    assert (point["answered"], point["spurious"], point["unparsable"]) == (3, 1, 1)
    assert math.isnan(point["border_error"])
    # Off by 4 and 10.
    assert (trend["labelled"], trend["exact"], trend["misplaced"], trend["border_error"]) == (2, 1, 1, 7.0)
    # The false alarm contradicts its label, and `class` names another one; the lost answer is counted elsewhere.
    assert (trend["wrong_class"], point["wrong_class"], total["judged"]) == (2, 0, 7)
    assert (total["series"], total["labelled"], total["exact"], total["missed"], total["spurious"]) == (7, 6, 3, 2, 2)
