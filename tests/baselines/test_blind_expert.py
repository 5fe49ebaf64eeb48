"""The expert as a detector: it answers like a policy and never sees the label."""

import dataclasses

import numpy as np

from anomseer_core.baselines.blind_expert import BlindExpertDetector
from anomseer_core.dialogue import ParseStatus, parse_response
from anomseer_core.evaluation.prediction import view_texts
from anomseer_core.evaluation.scores import evaluate
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.synthesis import generate


def only(series):
    (prediction,) = BlindExpertDetector().detect([series])
    return prediction


def test_it_names_place_and_class_of_what_stands_out():
    values = 0.1 * np.random.default_rng(0).normal(size=1000)
    values[412:426] += 0.8
    found = only(Series("s", values, ((412, 426),), AnomalyClass.GLOBAL_POINT))
    assert (found.status, found.anomaly_class) == (ParseStatus.OK, AnomalyClass.GLOBAL_POINT)
    assert found.intervals == ((412, 426),)
    assert parse_response(found.response, 1000).well_formed


def test_the_label_changes_nothing():
    series = next(generate("anomllm", "point", count=1))
    relabelled = dataclasses.replace(series, intervals=((3, 9),), anomaly_class=AnomalyClass.TREND)
    assert only(series) == only(relabelled)


def test_a_long_series_is_answered_view_by_view():
    values = np.sin(2 * np.pi * np.arange(10_000) / 25)
    values[9200:9210] += 4
    found = only(Series("long", values))
    assert len(view_texts(found)) == 3
    assert len(found.intervals) == 1
    # Where a discord begins is known to within the reach of its window.
    assert abs(found.intervals[0][0] - 9200) <= 12


def test_what_the_scan_refuses_is_answered_with_nothing():
    for values in (np.arange(10.0), np.zeros((2, 100)), np.full(100, np.nan)):
        found = only(Series("s", values))
        assert (found.intervals, found.anomaly_class, found.response) == ((), AnomalyClass.NORMAL, "")


def test_it_detects_and_its_reasoning_holds_but_for_its_conclusions():
    series = [item for task in ("range", "point", "trend") for item in generate("anomllm", task, count=8)]
    rows = evaluate(BlindExpertDetector(), series)
    assert rows["affiliation_f1"].mean() > 0.9
    # What can be wrong in a blind trace is the interval that it concludes.
    assert rows["claims_verified"].sum() / rows["claims"].sum() > 0.9
    assert rows["numbers_unread"].sum() == 0
