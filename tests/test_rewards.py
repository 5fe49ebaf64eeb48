"""Eq. 1 with the arithmetic written out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.dialogue import format_response, parse_response
from anomseer_core.rewards import Reward, score
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.training.config import RewardWeights
from anomseer_core.view import View

WEIGHTS = RewardWeights()
SIX = RewardWeights(location_metric="six")


def series(intervals=(), anomaly_class=None, length: int = 10) -> Series:
    kind = anomaly_class or (AnomalyClass.TREND if intervals else AnomalyClass.NORMAL)
    return Series(id="s", values=np.zeros(length), intervals=tuple(intervals), anomaly_class=kind)


def answer(answer: str, anomaly_class: str, length: int = 10, extra: str = ""):
    return parse_response(f"{extra}<think>a</think><answer>{answer}</answer><class>{anomaly_class}</class>", length)


def test_a_perfect_answer_earns_everything():
    reward = score(answer("[[4, 5]]", "trend"), series([(4, 6)]), WEIGHTS)
    assert reward == Reward(total=pytest.approx(0.1 + 0.2 + 0.7), format=1, classification=1, location=1)


def test_a_right_normal_earns_everything():
    assert score(answer("[]", "normal"), series(), WEIGHTS).total == pytest.approx(1.0)
    assert score(answer("[]", "normal"), series(), SIX).total == pytest.approx(1.0)


def test_a_near_miss_by_hand():
    # Event [4, 6), prediction [6, 7) in 10: affiliation P = 0.7, R = 0.8, F1 = 1.12 / 1.5; point-wise all 0.
    reward = score(answer("[[6, 6]]", "trend"), series([(4, 6)]), WEIGHTS)
    f1 = 2 * 0.7 * 0.8 / 1.5
    assert reward.location == pytest.approx(f1)
    assert reward.total == pytest.approx(0.1 * 1 + 0.2 * 1 + 0.7 * f1)
    # The mean of six: (0.7 + 0.8 + F1 + 0 + 0 + 0) / 6.
    six = score(answer("[[6, 6]]", "trend"), series([(4, 6)]), SIX)
    assert six.location == pytest.approx((1.5 + f1) / 6)
    assert six.total == pytest.approx(0.1 + 0.2 + 0.7 * (1.5 + f1) / 6)


def test_claiming_everything_pays_less_with_six():
    # Event of 2 in 10, all predicted. Affiliation P = 0.5 + 2^2 / (2 * 10^2) = 0.52, R = 1; point-wise P = 0.2, R = 1.
    everything = answer("[[0, 9]]", "trend")
    affiliation_f1, pointwise_f1 = 2 * 0.52 / 1.52, 2 * 0.2 / 1.2
    assert score(everything, series([(4, 6)]), WEIGHTS).location == pytest.approx(affiliation_f1)
    expected = (0.52 + 1 + affiliation_f1 + 0.2 + 1 + pointwise_f1) / 6
    assert score(everything, series([(4, 6)]), SIX).location == pytest.approx(expected)


def test_the_wrong_class_costs_its_weight():
    reward = score(answer("[[4, 5]]", "seasonal"), series([(4, 6)]), WEIGHTS)
    assert (reward.format, reward.classification, reward.location) == (1, 0, 1)
    assert reward.total == pytest.approx(0.8)


def test_a_loose_format_costs_its_weight():
    reward = score(answer("[[4, 5]]", "trend", extra="Sure! "), series([(4, 6)]), WEIGHTS)
    assert (reward.format, reward.classification, reward.location) == (0, 1, 1)
    assert reward.total == pytest.approx(0.9)


@pytest.mark.parametrize(
    "text", ["", "<think>a</think><answer>none</answer><class>trend</class>", "<class>trend</class>"]
)
@pytest.mark.parametrize("truth", [[], [(4, 6)]])
def test_an_unparsable_response_earns_nothing(text, truth):
    assert score(parse_response(text, 10), series(truth), WEIGHTS) == Reward(0, 0, 0, 0)


def test_a_contradiction_counts_as_the_wrong_class():
    # Right class, no interval: format 0.1 only, since exactly one side is empty.
    assert score(answer("[]", "trend"), series([(4, 6)]), WEIGHTS) == Reward(0.1, 1, 0, 0)
    # Right place, "normal": 0.1 + 0.7.
    reward = score(answer("[[4, 5]]", "normal"), series([(4, 6)]), WEIGHTS)
    assert (reward.classification, reward.location) == (0, 1)
    assert reward.total == pytest.approx(0.8)
    # "normal" is right for a normal series, but not with an interval beside it.
    assert score(answer("[[4, 5]]", "normal"), series(), WEIGHTS) == Reward(0.1, 1, 0, 0)


def test_exactly_one_side_empty_has_no_location():
    assert score(answer("[[4, 5]]", "trend"), series(), WEIGHTS).location == 0
    assert score(answer("[]", "normal"), series([(4, 6)]), WEIGHTS).location == 0
    assert score(answer("[]", "normal"), series([(4, 6)]), SIX).location == 0


def test_no_class_is_a_wrong_class():
    assert score(answer("[]", "dragon"), series(), WEIGHTS).classification == 0


@pytest.mark.parametrize(("claimed", "expected"), [("[[4, 5]]", 1), ("[]", 0)])
def test_unknown_classes_accept_any_anomaly_class(claimed, expected):
    label = series([(4, 6)], AnomalyClass.UNKNOWN)
    name = "shapelet" if expected else "normal"
    assert score(answer(claimed, name), label, WEIGHTS).classification == expected


def test_weights_are_the_configuration():
    weights = RewardWeights(format=0.5, classification=0.25, location=0.25)
    reward = score(answer("[[4, 5]]", "seasonal"), series([(4, 6)]), weights)
    assert reward.total == pytest.approx(0.5 * 1 + 0.25 * 0 + 0.25 * 1)


def test_view_units_become_samples():
    # 400 samples in 1,000 units: sample 9 is [23, 25) in units, closed [23, 24].
    reward = score(answer("[[23, 24]]", "trend", length=1000), series([(9, 10)], length=400), SIX, View(0, 400))
    assert reward.total == pytest.approx(1.0)


def test_only_what_the_view_shows_counts():
    label = series([(100, 120), (2950, 3100)], length=4000)
    # The view [2000, 3000) shows [2950, 3000): units [950, 1000).
    assert score(answer("[[950, 999]]", "trend", length=1000), label, SIX, View(2000, 3000)).total == pytest.approx(1)
    # [1000, 2000) shows no anomaly: normal is right there.
    assert score(answer("[]", "normal", length=1000), label, SIX, View(1000, 2000)).total == pytest.approx(1)
    assert score(answer("[]", "trend", length=1000), label, SIX, View(1000, 2000)).classification == 0


def test_distances_are_measured_inside_the_view():
    label = series([(2004, 2006)], length=4000)
    # A view of ten samples: 100 units each; [600, 699] is the sample after the event, as in the near miss by hand.
    reward = score(answer("[[600, 699]]", "trend", length=1000), label, WEIGHTS, View(2000, 2010))
    assert reward.location == pytest.approx(2 * 0.7 * 0.8 / 1.5)


@given(
    st.integers(1, 1000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1), st.integers(1, 50))),
    st.sampled_from([WEIGHTS, SIX]),
)
def test_the_expert_answer_is_perfect_in_every_view_of_up_to_a_thousand_samples(case, weights):
    length, start, width = case
    label = series([(start, min(length, start + width))], AnomalyClass.SHAPELET, length=length)
    view = View(0, length)
    text = format_response("because", view.to_units(label.intervals), label.anomaly_class)
    assert score(parse_response(text, 1000), label, weights, view).total == pytest.approx(1.0)


@given(st.text(), st.booleans(), st.sampled_from([WEIGHTS, SIX]))
def test_every_part_lies_between_zero_and_one(text, anomalous, weights):
    response = parse_response(f"<answer>[[1, 2]]</answer>{text}", 10)
    reward = score(response, series([(4, 6)] if anomalous else []), weights)
    assert all(0 <= part <= 1 for part in (reward.format, reward.classification, reward.location, reward.total))
