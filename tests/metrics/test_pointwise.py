import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from anomseer_core.metrics import pointwise_score
from anomseer_core.series import intervals_from_mask

MASKS = st.integers(1, 30).flatmap(lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 2))


def test_by_hand():
    # 4 true, 5 predicted, 2 in common: P = 2/5, R = 2/4, F1 = 2 * 0.4 * 0.5 / 0.9.
    assert pointwise_score([(2, 6)], [(4, 9)], 10) == pytest.approx((0.4, 0.5, 0.4 / 0.9))


def test_overlapping_intervals_count_each_sample_once():
    assert pointwise_score([(2, 6), (3, 5)], [(2, 4), (3, 6)], 10) == (1, 1, 1)


def test_what_lies_outside_does_not_count():
    assert pointwise_score([(8, 10)], [(8, 20)], 10) == (1, 1, 1)


@pytest.mark.parametrize(("truth", "prediction"), [([], []), ([(1, 2)], []), ([], [(1, 2)])])
def test_a_ratio_without_denominator_is_zero(truth, prediction):
    assert pointwise_score(truth, prediction, 10) == (0, 0, 0)


@given(MASKS)
def test_equals_scikit_learn(masks):
    truth, prediction = (np.array(mask) for mask in masks)
    expected = precision_recall_fscore_support(truth, prediction, average="binary", pos_label=True, zero_division=0)
    score = pointwise_score(intervals_from_mask(truth), intervals_from_mask(prediction), len(truth))
    assert score == pytest.approx(expected[:3], abs=1e-12)


@given(MASKS, st.integers(0, 20), st.data())
def test_bounds_symmetry_mirror_translation_and_correct_points(masks, moved, data):
    truth, prediction = (intervals_from_mask(np.array(mask)) for mask in masks)
    length = len(masks[0])
    score = pointwise_score(truth, prediction, length)
    assert all(0 <= value <= 1 for value in score)
    swapped = pointwise_score(prediction, truth, length)
    assert (swapped.precision, swapped.recall, swapped.f1) == (score.recall, score.precision, pytest.approx(score.f1))
    there = pointwise_score(
        *([(a + moved, b + moved) for a, b in side] for side in (truth, prediction)), length + moved
    )
    assert there == score
    if truth:
        assert pointwise_score(truth, truth, length) == (1, 1, 1)
        point = data.draw(st.sampled_from(np.flatnonzero(masks[0]).tolist()))
        assert pointwise_score(truth, [*prediction, (point, point + 1)], length).recall >= score.recall


def test_a_long_series_costs_no_more_than_its_intervals():
    # A vector of that many samples would take a terabyte.
    assert pointwise_score([(0, 10**12)], [(5 * 10**11, 10**12)], 10**12) == pytest.approx((1, 0.5, 2 / 3))
