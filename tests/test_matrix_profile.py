"""The matrix profile against its definition."""

import subprocess
import sys

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


def test_the_compiled_kernels_are_kept_for_the_next_process() -> None:
    matrix_profile(wave(20, 100), 16)
    program = """
import numpy as np
from anomseer_core.matrix_profile import matrix_profile
matrix_profile(np.sin(np.arange(100.0)), 16)
from stumpy import stump
import sys
print(sum(sys.modules["stumpy.stump"]._stump.stats.cache_hits.values()))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0
