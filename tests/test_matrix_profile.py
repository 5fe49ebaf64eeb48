"""The matrix profile against its definition."""

import numba
import numpy as np
import pytest

from anomseer_core.matrix_profile import matrix_profile
from tests import naive_matrix_profile


def wave(period: int, length: int) -> np.ndarray:
    return np.sin(2 * np.pi * np.arange(length) / period)


def test_the_matrix_profile_is_its_definition() -> None:
    values = wave(20, 160) + 0.3 * np.random.default_rng(3).normal(size=160)
    assert matrix_profile(values, 16) == pytest.approx(naive_matrix_profile.profile(values, 16), abs=1e-6)


def test_it_leaves_the_threads_as_they_were() -> None:
    before = numba.get_num_threads()
    matrix_profile(wave(20, 100), 16)
    assert numba.get_num_threads() == before
