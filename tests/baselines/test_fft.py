"""The dominant period in sliding windows."""

import numpy as np

from anomseer_core.baselines.config import FFTConfig
from anomseer_core.baselines.fft import period_intervals
from anomseer_core.expcot import periods
from anomseer_core.expcot.periods import window_periods
from tests.baselines.conftest import BURST


def test_the_period_of_a_sine_is_its_own(sine):
    assert np.abs(window_periods(sine, 60) - 30).max() < 1


def test_windows_in_blocks_are_the_windows_at_once(fast_burst, monkeypatch):
    whole = window_periods(fast_burst, 60)
    monkeypatch.setattr(periods, "SPECTRA_AT_ONCE", 700)
    assert np.array_equal(window_periods(fast_burst, 60), whole)


def test_where_the_period_changes_its_band_is_left(fast_burst):
    start, stop = BURST
    inside = window_periods(fast_burst, 60)[start + 20 : stop - 20]
    assert np.abs(inside - 10).max() < 1
    assert period_intervals(fast_burst)


def test_noise_has_no_period_to_leave():
    assert period_intervals(np.random.default_rng(1).normal(size=1000)) == []


def test_a_wider_band_finds_less(fast_burst):
    narrow, wide = (period_intervals(fast_burst, FFTConfig(mads=k)) for k in (3.0, 20.0))
    covered = [sum(stop - start for start, stop in found) for found in (narrow, wide)]
    assert covered[0] >= covered[1]
    assert period_intervals(fast_burst, FFTConfig(window=40))
