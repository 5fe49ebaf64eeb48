import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.metrics import affiliation_score, location_scores, pointwise_score

ONES, ZEROS = (1, 1, 1), (0, 0, 0)
INTERVALS = st.lists(st.tuples(st.integers(-5, 30), st.integers(-5, 30)), max_size=5)


def test_nothing_to_find_and_nothing_claimed_is_perfect():
    assert location_scores([], [], 100) == (ONES, ONES)


@pytest.mark.parametrize(("truth", "prediction"), [([(1, 2)], []), ([], [(1, 2)])])
def test_exactly_one_empty_is_worthless(truth, prediction):
    assert location_scores(truth, prediction, 100) == (ZEROS, ZEROS)


def test_intervals_outside_the_series_are_no_claim():
    assert location_scores([], [(100, 120), (7, 7)], 100) == (ONES, ONES)
    assert location_scores([(1, 2)], [(100, 120)], 100) == (ZEROS, ZEROS)


@pytest.mark.parametrize("form", ["continuous", "discrete"])
def test_otherwise_both_metrics(form):
    truth, prediction = [(3, 4), (7, 10)], [(4, 5), (8, 9)]
    scores = location_scores(truth, prediction, 10, form=form)
    assert scores.affiliation == affiliation_score(truth, prediction, 10, form=form)
    # Point-wise: 4 true, 2 predicted, 1 in common.
    assert scores.pointwise == pointwise_score(truth, prediction, 10) == pytest.approx((1 / 2, 1 / 4, 1 / 3))


@given(INTERVALS, INTERVALS, st.sampled_from(["continuous", "discrete"]))
def test_never_undefined(truth, prediction, form):
    scores = location_scores(truth, prediction, 25, form=form)
    assert all(-1e-12 <= value <= 1 + 1e-12 for value in (*scores.affiliation, *scores.pointwise))
