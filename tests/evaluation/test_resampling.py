"""Intervals and p-values by hand, by enumeration and against the normal approximation."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from anomseer_core.evaluation import resampling
from anomseer_core.evaluation.resampling import (
    FLIPS,
    RESAMPLES,
    bootstrap_means,
    effect_sizes,
    percentile_interval,
    sign_flip_p_values,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def bootstrap_interval(values, generator):
    """The interval of the mean of values `[n]`, from the two functions that make one."""
    low, high = percentile_interval(bootstrap_means(values[:, None], np.ones((len(values), 1)), generator))
    return float(low[0]), float(high[0])


def test_bootstrap_of_equal_values_is_a_point():
    assert bootstrap_interval(np.full(5, 0.3), rng()) == pytest.approx((0.3, 0.3))


def test_bootstrap_of_two_values():
    # Means are 0, 1/2 and 1 with probabilities 1/4, 1/2, 1/4, so both tails hold more than 2.5 %.
    assert bootstrap_interval(np.array([0.0, 1.0]), rng()) == (0.0, 1.0)


def test_bootstrap_agrees_with_the_normal_interval():
    values = rng(1).random(400)
    half = 1.96 * values.std() / 20
    assert bootstrap_interval(values, rng()) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.005)


def test_the_generator_decides():
    values = rng(1).random(30)
    assert bootstrap_interval(values, rng()) == bootstrap_interval(values, rng())
    assert bootstrap_interval(values, rng()) != bootstrap_interval(values, rng(1))


def test_columns_share_their_draws():
    values = rng(1).random((30, 1))
    means = bootstrap_means(np.hstack([values, 2 * values]), np.ones((30, 2)), rng())
    np.testing.assert_allclose(means[:, 1], 2 * means[:, 0])
    assert means.shape == (RESAMPLES, 2)


def test_many_series_are_drawn_a_few_resamples_at_a_time(monkeypatch):
    values = rng(1).random((30, 1))
    at_once = bootstrap_means(values, np.ones((30, 1)), rng())
    monkeypatch.setattr(resampling, "COUNTS_AT_ONCE", 7 * 30)
    np.testing.assert_allclose(bootstrap_means(values, np.ones((30, 1)), rng()), at_once)


def test_strata_keep_their_size():
    values, strata = np.array([1.0, 1.0, 5.0, 5.0, 5.0])[:, None], np.array([0, 0, 1, 1, 1])
    means = bootstrap_means(values, np.full((5, 1), 0.2), rng(), strata)
    np.testing.assert_allclose(means, (2 * 1 + 3 * 5) / 5)


def test_a_part_that_was_not_drawn_has_no_mean():
    means = bootstrap_means(np.array([[1.0], [2.0]]), np.array([[1.0], [0.0]]), rng())
    # The first row is not drawn in one resample of four.
    assert np.isnan(means).mean() == pytest.approx(0.25, abs=0.05)
    assert percentile_interval(means) == (1.0, 1.0)


def test_p_value_by_hand():
    # Sums of +-1 +-2 +-3 are 6, 4, 2, 0, 0, -2, -4, -6: two of eight reach 6, four reach 4, six reach 2.
    terms = np.array([[1.0, 1.0, -1.0, 0.0], [2.0, 2.0, 2.0, 0.0], [3.0, -3.0, -3.0, 0.0]])
    # Sums observed: 6, 0, -2, 0.
    assert sign_flip_p_values(terms, rng()).tolist() == [2 / 8, 1, 6 / 8, 1]


@pytest.mark.parametrize("size", [1, 5, 13])
def test_p_values_by_enumeration(size):
    terms = rng(size).normal(0.3, 1, size)
    sums = [abs(np.dot(signs, terms)) for signs in product((-1, 1), repeat=size)]
    expected = np.mean([value >= abs(terms.sum()) - 1e-12 for value in sums])
    assert sign_flip_p_values(terms[:, None], rng())[0] == pytest.approx(expected)


def test_p_values_of_many_series_agree_with_the_t_test():
    differences = rng(4).normal(0, 1, 300)
    expected = ttest_1samp(differences, 0).pvalue
    assert 0.02 < expected < 0.5
    assert sign_flip_p_values(differences[:, None] / 300, rng())[0] == pytest.approx(expected, abs=0.02)


def test_a_drawn_p_value_is_never_zero():
    assert sign_flip_p_values(np.ones((100, 1)), rng())[0] == pytest.approx(1 / (FLIPS + 1))


def test_without_a_difference_p_values_are_uniform():
    terms = rng(5).normal(0, 1, (40, 200))
    p_values = sign_flip_p_values(terms, rng())
    # 200 tests, 5 % of them expected below .05: 10 +- 2 x 3.1.
    assert 3 <= (p_values < 0.05).sum() <= 17
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.07)


def test_effect_sizes():
    # Differences 1 and 3: mean 2, deviation 1. Equal ones have no spread; weights 3/4 and 1/4: mean 1.5, sd .866.
    differences = np.array([[1.0, 2.0, 0.0, 1.0], [3.0, 2.0, 0.0, 3.0]])
    weights = np.array([[0.5, 0.5, 0.5, 0.75], [0.5, 0.5, 0.5, 0.25]])
    np.testing.assert_allclose(effect_sizes(differences, weights), [2, np.nan, 0, 1.5 / 0.75**0.5])
