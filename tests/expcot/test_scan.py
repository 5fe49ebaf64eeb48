"""Observation: every statistic on series whose answer is known."""

import math
import subprocess
import sys

import numpy as np
import pytest

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.scan import (
    dominant_period,
    histogram_scores,
    observe,
    scan,
    smoothed_gradient,
)
from anomseer_core.series import Series

THRESHOLDS = ProbeThresholds()
TIME = np.arange(1000)


def wave(period, length=1000):
    return np.sin(2 * np.pi * np.arange(length) / period)


def observed(values):
    return observe(scan(Series("s", values), THRESHOLDS), THRESHOLDS)


def test_a_spike_has_its_z_score():
    values = np.zeros(1000)
    values[321] = 1.0
    seen = observed(values)
    # Mean 1/1000, variance 1/1000 * 999/1000; z = 0.999 / sqrt(0.000999) = sqrt(999) = 31.607.
    assert (seen.mean, seen.std) == (0.001, pytest.approx(0.0316070, abs=1e-7))
    assert (seen.max_z, seen.max_z_position, seen.extreme) == (31.6, 321, True)
    # 32 bins: 999 samples in the first, one in the last.
    assert seen.histogram_score == pytest.approx(math.log(999), abs=1e-5)


def test_histogram_scores_by_hand():
    # 16 values, 4 bins of width 1 on [0, 4]: counts 9, 0, 5, 2 (the last bin holds its right edge).
    values = np.array([0.0] * 9 + [2.5] * 5 + [3.0, 4.0])
    expected = [0.0] * 9 + [math.log(9 / 5)] * 5 + [math.log(9 / 2)] * 2
    assert histogram_scores(values) == pytest.approx(expected)
    assert histogram_scores(np.zeros(100)).tolist() == [0.0] * 100


@pytest.mark.parametrize(("period", "length"), [(25, 1000), (50, 1000), (10, 200), (8, 400)])
def test_a_sine_has_its_period(period, length):
    found, share = dominant_period(wave(period, length))
    assert found == period
    assert share > 98


def test_a_period_between_two_bins_is_found_to_the_bin():
    # 1000 / 30.5 = 32.8: the nearest bins are 1000/30 and 1000/31, and most of the power lies in them.
    found, share = dominant_period(wave(1000 / 30.5))
    assert found in (1000 / 30, 1000 / 31)
    assert share > 80


def test_noise_lines_and_constants_have_no_dominant_period():
    _, share = dominant_period(np.random.default_rng(0).normal(size=1000))
    assert share < 10
    assert dominant_period((TIME - 499.5) / TIME.std()) == (0.0, 0.0)
    assert dominant_period(np.zeros(1000)) == (0.0, 0.0)


def test_two_cycles_are_no_period():
    # Peaks of fewer than three cycles do not count, nor does their flank.
    _, share = dominant_period(wave(500))
    assert share < 5
    # A single bend leaks into every low bin: a drift, no period.
    _, share = dominant_period(np.abs(TIME - 600) / 200)
    assert share < 30


def test_the_fastest_period_is_two_samples():
    assert dominant_period(np.tile([1.0, -1.0], 50)) == (2.0, pytest.approx(100, abs=0.1))


def test_the_gradient_of_a_line_is_its_slope():
    gradient = smoothed_gradient(0.02 * TIME, 0.0)
    assert gradient.values == pytest.approx(np.full(1000, 0.02))
    assert gradient.center == pytest.approx(0.02)
    assert gradient.deviations.tolist() == [0.0] * 1000
    assert gradient.smoothing == 21


def test_the_season_does_not_hide_a_shift():
    slope = np.where((TIME >= 600) & (TIME < 700), 0.02, 0.003)
    values = wave(50) + np.cumsum(slope)
    averaged, plain = smoothed_gradient(values, 50.0), smoothed_gradient(values, 0.0)
    assert averaged.values[650] == pytest.approx(0.02)
    assert averaged.values[300] == pytest.approx(0.003)
    assert averaged.deviations[650] > 3
    # Filters of 51 and 21 samples reach 35 samples at most.
    assert averaged.deviations[:565].max() < 3
    assert plain.deviations[600:700].max() < 3


def test_a_planted_discord_is_found():
    values = wave(25)
    values[500:525] *= -1
    seen = observed(values)
    first, last = seen.discord
    assert last - first == 49
    assert first <= 524
    assert last >= 500
    assert seen.dissimilar
    assert (seen.period, seen.periodic) == (25.0, True)


def test_a_series_that_repeats_has_no_discord():
    seen = observed(wave(25))
    assert (seen.discord_score, seen.dissimilar, seen.shifting, seen.extreme) == (0.0, False, False, False)


def test_a_constant_series_has_nothing():
    seen = observed(np.full(100, 7.3))
    assert (seen.mean, seen.std, seen.max_z, seen.histogram_score) == (7.3, 0.0, 0.0, 0.0)
    assert (seen.gradient_peak, seen.period, seen.period_share, seen.discord_score) == (0.0, 0.0, 0.0, 0.0)


def test_positions_and_lengths_are_in_view_units():
    values = wave(20, 500)
    values[100] = 30.0
    seen = observed(values)
    # 500 samples: two units each.
    assert (seen.max_z_position, seen.period, seen.discord_window) == (200, 40.0, 100.0)


@pytest.mark.parametrize("scale", [1e300, 1e-300, 1.0, 1e9])
def test_the_scale_of_the_values_does_not_matter(scale):
    values = wave(33) + 0.1 * np.random.default_rng(5).normal(size=1000)
    plain, scaled = observed(values), observed(values * scale)
    assert (scaled.max_z, scaled.period, scaled.discord_score) == (plain.max_z, plain.period, plain.discord_score)
    assert scaled.std == pytest.approx(plain.std * scale, rel=1e-5)


def test_missing_samples_are_interpolated_and_counted():
    values = 2.0 * np.arange(100)
    values[[0, 1, 50, 51, 99]] = np.nan
    scanned = scan(Series("s", values), THRESHOLDS)
    assert scanned.missing == 5
    complete = 2.0 * np.arange(100)
    # The ends take the nearest sample.
    complete[[0, 1, 99]] = 4.0, 4.0, 196.0
    assert scanned.mean == pytest.approx(complete.mean())
    assert scanned.z * scanned.std + scanned.mean == pytest.approx(complete)


def test_the_shortest_series():
    seen = observed(wave(10, 30))
    # A window of a quarter, 7 samples of 33.3 units.
    assert seen.discord_window == pytest.approx(233.333)
    assert seen.period == pytest.approx(333.333)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (np.zeros(29), "series 's': a trace describes 30 to 2000 samples, not 29"),
        (np.zeros(2001), "series 's': a trace describes 30 to 2000 samples, not 2001"),
        (np.zeros((2, 100)), "series 's': a trace describes one channel, not 2"),
        (np.full(50, np.nan), "series 's': every sample is missing"),
    ],
)
def test_what_cannot_be_analysed_is_refused_by_name(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        scan(Series("s", values), THRESHOLDS)


def test_importing_the_package_does_not_import_stumpy():
    program = "import sys, anomseer_core.expcot.corpus; assert not {'stumpy', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
