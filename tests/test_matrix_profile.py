"""The matrix profile against its definition, and its two ways against each other."""

import subprocess
import sys

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.matrix_profile import LONGEST_BY_PRODUCTS, matrix_profile, profile_by_products, profile_by_stumpy
from anomseer_core.synthesis import generate
from tests import naive_matrix_profile

WAYS = pytest.mark.parametrize("way", [profile_by_products, profile_by_stumpy])


def wave(period: int, length: int) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(length) / period)


def assert_agree(values: np.ndarray, window: int) -> None:
    largest = 2 * np.sqrt(window)
    expected = profile_by_stumpy(values, window)
    np.testing.assert_allclose(profile_by_products(values, window), expected, rtol=0, atol=1e-5 * largest)


@WAYS
def test_the_matrix_profile_is_its_definition(way) -> None:
    values = wave(20, 160) + 0.3 * np.random.default_rng(3).normal(size=160)
    assert way(values, 16) == pytest.approx(naive_matrix_profile.profile(values, 16), abs=1e-6)


@pytest.mark.parametrize("task", ["range", "point", "freq", "trend", "noisy-freq"])
def test_both_ways_agree_on_benchmark_series(task: str) -> None:
    for series in generate("anomllm", task, count=2):
        for window in (25, 50, 100):
            assert_agree(series.values, window)


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(30, 200), window=st.integers(4, 15), step=st.integers(1, 20))
def test_both_ways_agree_on_steps_with_flat_stretches(seed: int, length: int, window: int, step: int) -> None:
    levels = np.random.default_rng(seed).integers(0, 3, size=length // step + 1).astype(float)
    assert_agree(np.repeat(levels, step)[:length], window)


@WAYS
def test_a_flat_window_is_near_flat_ones_and_halfway_from_others(way) -> None:
    one_flat = np.random.default_rng(0).normal(size=60)
    one_flat[20:30] = 1.0
    assert way(one_flat, 10)[20] == pytest.approx(np.sqrt(10))
    two_flat = one_flat.copy()
    two_flat[45:55] = -7.0
    assert way(two_flat, 10)[[20, 45]] == pytest.approx([0, 0])


@WAYS
def test_a_window_without_any_match_is_infinitely_far(way) -> None:
    # Four windows, and matches must be more than two apart: the middle ones have none.
    assert np.isinf(way(np.array([1.0, 5, 2, 9, 4, 3, 8, 7]), 5)).tolist() == [False, True, True, False]


def test_an_offset_costs_little_precision() -> None:
    values = wave(20, 200) + 0.3 * np.random.default_rng(3).normal(size=200)
    np.testing.assert_allclose(profile_by_products(values + 1e6, 16), profile_by_products(values, 16), atol=1e-6)


def test_the_longest_series_of_the_products_meets_the_next_of_stumpy() -> None:
    values = wave(50, LONGEST_BY_PRODUCTS + 1) + 0.1 * np.random.default_rng(1).normal(size=LONGEST_BY_PRODUCTS + 1)
    np.testing.assert_array_equal(matrix_profile(values[:-1], 50), profile_by_products(values[:-1], 50))
    np.testing.assert_array_equal(matrix_profile(values, 50), profile_by_stumpy(values, 50))


def test_stumpy_leaves_the_threads_as_they_were() -> None:
    before = numba.get_num_threads()
    profile_by_stumpy(wave(20, 100), 16)
    assert numba.get_num_threads() == before


def test_the_compiled_kernels_are_kept_for_the_next_process() -> None:
    profile_by_stumpy(wave(20, 100), 16)
    program = """
import numpy as np
from anomseer_core.matrix_profile import profile_by_stumpy
profile_by_stumpy(np.sin(np.arange(100.0)), 16)
from stumpy import stump
import sys
print(sum(sys.modules["stumpy.stump"]._stump.stats.cache_hits.values()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0
