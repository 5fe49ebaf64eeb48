"""Answers to overlapping views, mapped back and joined into one about the series."""

import numpy as np
import pytest

from anomseer_core.dialogue import ParseStatus, format_response
from anomseer_core.evaluation.answers import ViewAnswer, join_answers, read_answer
from anomseer_core.evaluation.prediction import VIEW_SEPARATOR
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.view import View, views

# Views [0, 4000), [3600, 7600) and [7200, 11200), four samples a unit: they answer for [0, 3800), [3800, 7400) and
# [7400, 11200).
LONG = Series("long", np.zeros(11_200))


def answer(view, spans, kind):
    text = format_response("words", spans, kind)
    return ViewAnswer(text, 3, read_answer(text, view))


def joined(*said):
    """said: for each view its intervals in units, half-open, and the class."""
    answers = [answer(view, *each) for view, each in zip(views(len(LONG)), said, strict=True)]
    return join_answers(LONG, "d", answers)


NOTHING = ([], AnomalyClass.NORMAL)


def test_an_event_across_a_border_is_one_event():
    # The first view sees [3760, 4000), the second one [3760, 4040).
    found = joined(([(940, 1000)], AnomalyClass.TREND), ([(40, 110)], AnomalyClass.TREND), NOTHING)
    assert found.intervals == ((3760, 4040),)
    assert (found.anomaly_class, found.status, found.tokens) == (AnomalyClass.TREND, ParseStatus.OK, 9)


def test_where_views_overlap_the_one_further_inside_speaks():
    # [3840, 3880) is 120 samples from the border of the first view and 240 from that of the second, which sees nothing.
    found = joined(([(960, 970)], AnomalyClass.TREND), NOTHING, NOTHING)
    assert (found.intervals, found.anomaly_class, found.status) == ((), AnomalyClass.NORMAL, ParseStatus.OK)
    # Seen by the second one, at its units 60 to 70, it counts.
    assert joined(NOTHING, ([(60, 70)], AnomalyClass.SHAPELET), NOTHING).intervals == ((3840, 3880),)


def test_the_class_is_the_one_named_beside_intervals_that_count():
    found = joined(
        ([(10, 20), (970, 980)], AnomalyClass.SEASONAL),
        ([(500, 510)], AnomalyClass.TREND),
        ([(5, 9)], AnomalyClass.TREND),
    )
    # The last one's [7220, 7236) lies in the second view's part.
    assert found.intervals == ((40, 80), (5600, 5640))
    assert found.anomaly_class == AnomalyClass.SEASONAL


def test_unreadable_views_have_no_vote_on_the_class():
    texts = ("what?", format_response("flat", [], AnomalyClass.NORMAL), "what?")
    said = [ViewAnswer(text, 3, read_answer(text, view)) for text, view in zip(texts, views(len(LONG)), strict=True)]
    assert join_answers(LONG, "d", said).anomaly_class is AnomalyClass.NORMAL


def test_a_text_that_holds_the_separator_is_still_one_text():
    said = [ViewAnswer(f"a{VIEW_SEPARATOR}b", 3, read_answer("", view)) for view in views(len(LONG))]
    assert join_answers(LONG, "d", said).response.split(VIEW_SEPARATOR) == ["a\nb"] * 3


def test_one_answer_for_each_view_is_wanted():
    with pytest.raises(ValueError, match="zip"):
        join_answers(LONG, "d", [answer(View(0, 1000), *NOTHING)])


def test_a_series_of_230_400_samples_comes_back_within_half_a_unit():
    """A perfect answer to every picture is right about the series but for rounding to units of four samples."""
    generator = np.random.default_rng(0)
    starts = np.cumsum(generator.integers(120, 2000, 150))
    truth = tuple(
        (int(start), int(start + length)) for start, length in zip(starts, generator.integers(1, 100, 150), strict=True)
    )
    series = Series("ecg", np.zeros(230_400), truth, AnomalyClass.UNKNOWN)
    answers = []
    for view in views(len(series)):
        shown = view.to_units(truth)
        answers.append(answer(view, shown, AnomalyClass.SHAPELET if shown else AnomalyClass.NORMAL))
    found = join_answers(series, "d", answers)
    assert len(found.intervals) == len(truth)
    for (start, stop), (start_back, stop_back) in zip(truth, found.intervals, strict=True):
        # What is shorter than a unit of four samples keeps a whole one.
        allowed = 2 if stop - start >= 4 else 4
        assert abs(start_back - start) <= allowed
        assert abs(stop_back - stop) <= allowed
    assert (found.anomaly_class, found.status) == (AnomalyClass.SHAPELET, ParseStatus.OK)
