import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from anomseer_core.metrics import pointwise_score
from anomseer_core.series import intervals_from_mask


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


@given(st.integers(1, 30).flatmap(lambda n: st.tuples(*[st.lists(st.booleans(), min_size=n, max_size=n)] * 2)))
def test_equals_scikit_learn(masks):
    truth, prediction = (np.array(mask) for mask in masks)
    expected = precision_recall_fscore_support(truth, prediction, average="binary", pos_label=True, zero_division=0)
    score = pointwise_score(intervals_from_mask(truth), intervals_from_mask(prediction), len(truth))
    assert score == pytest.approx(expected[:3], abs=1e-12)
