"""Event-level scores by hand, and against a search over all matchings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from anomseer_core.metrics import event_scores
from anomseer_core.series import merge_intervals

INTERVALS = st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40)), max_size=8)


def test_nothing_to_find_and_nothing_claimed_is_perfect():
    assert event_scores([], [(40, 50), (7, 7)], 30) == ((1, 1, 1), 1)


@pytest.mark.parametrize(("truth", "prediction"), [([(1, 2)], []), ([], [(1, 2)])])
def test_exactly_one_empty_is_worthless(truth, prediction):
    assert event_scores(truth, prediction, 30) == ((0, 0, 0), 0)


def test_by_hand():
    # Truth A [0, 10), B [20, 30), C [50, 60); predicted [5, 15) in two parts, [28, 40), [42, 45).
    scores = event_scores([(0, 10), (20, 30), (50, 60)], [(5, 12), (10, 15), (28, 40), (42, 45)], 100)
    # A and B are found, C is not: R = 2/3. Of three predicted events two are right: P = 2/3.
    assert scores.overlap == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    # A with [5, 15): 5 of 15; B with [28, 40): 2 of 20; C alone: (1/3 + 1/10 + 0) / max(3, 3).
    assert scores.iou == pytest.approx((1 / 3 + 1 / 10) / 3)


def test_one_wide_answer_finds_all_and_fits_one():
    scores = event_scores([(0, 10), (20, 30)], [(0, 100)], 100)
    assert scores.overlap == (1, 1, 1)
    # In one pair only: 10 of 100, over two events.
    assert scores.iou == pytest.approx(0.1 / 2)


def test_an_event_in_pieces_is_found_by_each_and_matched_by_the_best():
    scores = event_scores([(0, 10)], [(0, 2), (3, 9), (20, 30)], 100)
    assert scores.overlap == pytest.approx((2 / 3, 1, 0.8))
    assert scores.iou == pytest.approx(0.6 / 3)


def test_the_best_matching_is_not_the_greedy_one():
    truth, prediction = [(0, 8), (9, 18)], [(4, 14), (15, 22)]
    # A = [0, 8), B = [9, 18), p = [4, 14), q = [15, 22): A-p 4/14, B-p 5/14, B-q 3/13. Greedy takes B-p alone.
    expected = (4 / 14 + 3 / 13) / 2
    assert expected > 5 / 14 / 2
    assert event_scores(truth, prediction, 30).iou == pytest.approx(expected)


@given(INTERVALS, INTERVALS)
def test_equals_the_best_of_all_assignments(truth, prediction):
    true, predicted = merge_intervals(truth, 30), merge_intervals(prediction, 30)
    scores = event_scores(truth, prediction, 30)
    if not true or not predicted:
        assert scores.iou == float(not true and not predicted)
        return
    iou = np.array([[overlap(a, b) / (max(a[1], b[1]) - min(a[0], b[0])) for b in predicted] for a in true])
    best = iou[linear_sum_assignment(iou, maximize=True)].sum() / max(len(true), len(predicted))
    assert scores.iou == pytest.approx(best)
    assert scores.overlap.recall == np.mean((iou > 0).any(axis=1))
    assert scores.overlap.precision == np.mean((iou > 0).any(axis=0))


def overlap(a, b):
    """Samples in common. Where there are none the union has a gap, which changes no share of 0."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


@given(INTERVALS, INTERVALS, st.integers(0, 20))
def test_bounds_symmetry_mirror_and_translation(truth, prediction, moved):
    scores, swapped = event_scores(truth, prediction, 30), event_scores(prediction, truth, 30)
    assert all(0 <= value <= 1 for value in (*scores.overlap, scores.iou))
    assert scores.iou == pytest.approx(swapped.iou)
    assert (scores.overlap.precision, scores.overlap.recall) == (swapped.overlap.recall, swapped.overlap.precision)
    assert event_scores(truth, truth, 30) == ((1, 1, 1), 1)
    clipped = [merge_intervals(side, 30) for side in (truth, prediction)]
    there = event_scores(*([(a + moved, b + moved) for a, b in side] for side in clipped), 30 + moved)
    assert there == scores
    mirrored = event_scores(*([(30 - b, 30 - a) for a, b in side] for side in clipped), 30)
    assert (mirrored.overlap, mirrored.iou) == (scores.overlap, pytest.approx(scores.iou))


@given(INTERVALS.filter(lambda truth: merge_intervals(truth, 30)), INTERVALS, st.data())
def test_a_correct_point_never_lowers_recall(truth, prediction, data):
    true = merge_intervals(truth, 30)
    point = data.draw(st.sampled_from([t for start, stop in true for t in range(start, stop)]))
    after = event_scores(truth, [*prediction, (point, point + 1)], 30)
    assert after.overlap.recall >= event_scores(truth, prediction, 30).overlap.recall
