"""Eq. 1 as the released code computes it, rule by rule, with the arithmetic beside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.dialogue import parse_response
from anomseer_core.released_rewards import read_class, read_pairs, score_text, usable_pairs
from anomseer_core.rewards import Reward, score
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.training.config import RewardWeights
from anomseer_core.view import View

WEIGHTS = RewardWeights(rule="released", location_metric="six")


def series(intervals=(), anomaly_class=None, length: int = 10) -> Series:
    kind = anomaly_class or (AnomalyClass.TREND if intervals else AnomalyClass.NORMAL)
    return Series(id="s", values=np.zeros(length), intervals=tuple(intervals), anomaly_class=kind)


def reward(answer: str, anomaly_class: str, truth=((4, 6),), weights=WEIGHTS) -> Reward:
    text = f"<think>a</think><answer>{answer}</answer><class>{anomaly_class}</class>"
    return score_text(text, series(truth), weights)


def test_pairs_are_half_open():
    # [4, 6) is the event itself; the closed pair [4, 5] is one sample short.
    assert reward("[[4, 6]]", "trend") == Reward(pytest.approx(1.0), 1, 1, 1)
    # Point-wise P 1, R 1/2, F1 2/3; affiliation of [4, 5) in [4, 6) within 10: P 1, and the sample [5, 6) at a mean
    # distance of 1/2: recall (1 + 0.5 * (1 + ...)) is left to the metric's own tests; here it is below 1.
    short = reward("[[4, 5]]", "trend")
    assert short.location < 1
    assert short.format == short.classification == 1


def test_a_single_position_is_lost_and_the_format_kept():
    """[t, t] is dropped; an answer whose pairs are all dropped scores no location, even where there is none to find."""
    assert reward("[[5, 5]]", "trend") == Reward(pytest.approx(0.1 + 0.2), 1, 1, 0)
    assert reward("[[5, 5]]", "normal", truth=()) == Reward(pytest.approx(0.1 + 0.2), 1, 1, 0)
    assert reward("[[5, 5], [4, 6]]", "trend").location == 1


def test_an_unreadable_answer_still_earns_its_class():
    # No location, no format, the class alone: 0.2.
    for answer in ("", "none", "somewhere", "[[4]]", "[1, 2, 3]", "[" * 5000):
        assert reward(answer, "trend") == Reward(pytest.approx(0.2), 0, 1, 0)
    assert reward("none", "seasonal").total == 0.0


def test_the_class_is_not_held_against_the_intervals():
    """A contradiction here: our own rule pays neither class."""
    assert reward("[]", "trend").classification == 1
    assert reward("[[4, 6]]", "normal", truth=()).classification == 1


def test_no_anomaly_by_hand():
    for answer in ("[]", "array([])", "np.array([])", " [ ] "):
        assert reward(answer, "normal", truth=()) == Reward(pytest.approx(1.0), 1, 1, 1)
    assert reward("[]", "trend").location == 0


def test_numbers_are_rounded_to_four_decimals():
    # Event [4, 6), prediction [6, 7) in 10: affiliation P 0.7, R 0.8, F1 1.12 / 1.5 = 0.74666... -> 0.7467; the rest 0.
    near = reward("[[6, 7]]", "trend")
    assert near.location == pytest.approx((0.7 + 0.8 + 0.7467) / 6, abs=1e-12)
    alone = reward("[[6, 7]]", "trend", weights=RewardWeights(rule="released"))
    assert alone.location == 0.7467


@pytest.mark.parametrize(
    ("text", "format_part"),
    [
        ("<class>trend</class> chat <answer>[[4, 6]]</answer><think></think>", 1),
        ("<THINK>a</THINK><Answer>[[4, 6]]</Answer><CLASS>trend</CLASS>", 1),
        ("<answer>[[4, 6]]</answer><class>trend</class>", 0),
        ("<think>a</think><answer>[[4, 6]]</answer>", 0),
        ("<think>a</think><answer>[[4, 6]]<class>trend</class>", 0),
    ],
)
def test_format_asks_for_three_blocks_anywhere(text, format_part):
    assert score_text(text, series([(4, 6)]), WEIGHTS).format == format_part


def test_the_last_answer_and_the_first_class_count():
    text = (
        "<think>a</think><answer>[[0, 1]]</answer><answer>[[4, 6]]</answer><class>trend</class><class>seasonal</class>"
    )
    assert score_text(text, series([(4, 6)]), WEIGHTS).total == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("block", "pairs"),
    [
        ("[[1, 2], [3, 4.5]]", [(1, 2), (3, 4.5)]),
        ("[(1, 2)]", [(1, 2)]),
        ('[{"start": 1, "end": 2}]', [(1, 2)]),
        ("{'start': 1, 'end': 2}", [(1, 2)]),
        ("[]", []),
        ("[[true, 2]]", None),
        ('[["1", 2]]', None),
        ("3", None),
        ("__import__('os')", None),
    ],
)
def test_pairs_are_read_as_json(block, pairs):
    assert read_pairs(block) == pairs


def test_unusable_pairs_are_dropped_one_by_one():
    pairs = [(-1, 5), (3, 3), (5, 4), (float("nan"), 2), (0, float("inf")), (2, 4), (230_399, 10**9), (230_400, 10**9)]
    assert usable_pairs(pairs) == [(2, 4), (230_399, 230_400)]


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ("global", AnomalyClass.GLOBAL_POINT),
        (" Contextual Point ", AnomalyClass.CONTEXTUAL_POINT),
        ('"trend"', AnomalyClass.TREND),
        ('["shapelet"]', AnomalyClass.SHAPELET),
        ('{"class": "normal"}', AnomalyClass.NORMAL),
        ("unknown", None),
        ("the trend", None),
        ("[]", None),
        ("7", None),
    ],
)
def test_classes_are_read_bare_or_as_json(block, named):
    assert read_class(block) == named


def test_intervals_are_units_of_the_view():
    # A view of 2,000 samples from 100 on: one unit is two samples, [450, 500) is [1000, 1100).
    long = series([(1000, 1100)], length=2100)
    text = "<think>a</think><answer>[[450, 500]]</answer><class>trend</class>"
    assert score_text(text, long, WEIGHTS, View(100, 2100)).total == pytest.approx(1.0)


def test_the_parsed_response_is_no_way_around_the_rule():
    with pytest.raises(ValueError, match=r"rewards.rule = released reads the text"):
        score(parse_response("<answer>[]</answer>", 10), series(), WEIGHTS)


@given(st.text(), st.booleans())
def test_any_text_gives_parts_between_zero_and_one(text, anomalous):
    for body in (text, f"<answer>{text}</answer><class>{text}</class>"):
        parts = score_text(body, series([(4, 6)] if anomalous else []), WEIGHTS)
        assert all(0 <= part <= 1 for part in (parts.format, parts.classification, parts.location, parts.total))
