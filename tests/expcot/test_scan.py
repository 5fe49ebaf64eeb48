"""Observation: every statistic on series whose answer is known."""

import math
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from scipy.signal import savgol_filter

from anomseer_core.expcot.config import ProbeThresholds, released_rules
from anomseer_core.expcot.scan import (
    center_and_spread,
    dominant_period,
    histogram_scores,
    linear_trend,
    observe,
    scan,
    smoothed_gradient,
    standardised_discords,
)
from anomseer_core.matrix_profile import matrix_profile
from anomseer_core.series import Series
from anomseer_core.view import View

RULES = ProbeThresholds()
TIME = np.arange(1000)


def wave(period, length=1000):
    return np.sin(2 * np.pi * np.arange(length) / period)


def observed(values):
    return observe(scan(Series("s", values), RULES), RULES)


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
    gradient = smoothed_gradient(0.02 * TIME, 0.0, "robust")
    assert gradient.values == pytest.approx(np.full(1000, 0.02))
    assert gradient.center == pytest.approx(0.02)
    assert gradient.deviations.tolist() == [0.0] * 1000
    assert gradient.smoothing == 21


def test_the_season_does_not_hide_a_shift():
    slope = np.where((TIME >= 600) & (TIME < 700), 0.02, 0.003)
    values = wave(50) + np.cumsum(slope)
    averaged, plain = (smoothed_gradient(values, period, "robust") for period in (50.0, 0.0))
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
    assert (seen.trend_rise, seen.trend_share, seen.trending) == (0.0, 0.0, False)


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
    scanned = scan(Series("s", values), RULES)
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


def test_the_line_of_a_line():
    seen = observed(5.0 - 0.1 * TIME)
    # The standard deviation of 0..999 is sqrt((1000^2 - 1) / 12) = 288.675; 999 / 288.675 = 3.46064.
    assert (seen.trend_rise, seen.trend_share, seen.trending) == (-3.46064, 100.0, True)


def test_a_season_is_no_trend():
    seen = observed(wave(50))
    # A sine that starts upwards has a small falling line: its share is 6 (p / pi T)^2 = 6 (50 / 3141.6)^2 = 0.15 %.
    assert seen.trend_share == pytest.approx(0.15, abs=0.01)
    assert seen.trend_rise < 0
    assert not seen.trending


@pytest.mark.parametrize("seed", range(5))
def test_the_line_is_the_least_squares_fit(seed):
    values = np.cumsum(np.random.default_rng(seed).normal(size=300))
    z = (values - values.mean()) / values.std()
    slope, offset = np.polyfit(np.arange(300), z, 1)
    rise, share = linear_trend(z)
    assert rise == pytest.approx(299 * slope)
    assert share == pytest.approx(100 * (1 - np.var(z - slope * np.arange(300) - offset)))


@pytest.mark.parametrize(("level", "trending"), [(0.63, False), (0.69, True)])
def test_a_trend_explains_thirty_percent(level, trending):
    # A line of deviation l beside an uncorrelated unit deviation explains l^2 / (1 + l^2): 28 % and 32 %.
    other = np.tile([1.0, -1.0, -1.0, 1.0], 250)
    assert observed(level * (TIME - 499.5) / TIME.std() + other).trending == trending


def test_center_and_spread_by_hand():
    values = np.array([0.0, 0.0, 1.0, 2.0, 12.0])
    # Mean 3, variance (9 + 9 + 4 + 1 + 81) / 5 = 20.8. Median 1; deviations 1, 1, 0, 1, 11 have the median 1.
    assert center_and_spread(values, "moments", 0.0) == (3.0, pytest.approx(math.sqrt(20.8)))
    assert center_and_spread(values, "robust", 0.0) == (1.0, pytest.approx(1.4826))
    # Mostly one value: no MAD, so a tenth of the deviation, sqrt(0.8 * 0.2) = 0.4; and what is asked for at least.
    steps = np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    assert center_and_spread(steps, "robust", 0.0) == (0.0, pytest.approx(0.04))
    assert center_and_spread(steps, "robust", 0.5) == (0.0, 0.5)
    assert center_and_spread(np.zeros(5), "moments", 0.5) == (0.0, 0.5)


def test_a_long_anomaly_hides_from_mean_and_deviation_only():
    values = wave(25)
    values[500:620] = np.random.default_rng(0).normal(0, 0.5, 120)
    z = (values - values.mean()) / values.std()
    assert standardised_discords(z, 50, "moments").max() < 3.5
    assert standardised_discords(z, 50, "robust").max() > 3.5
    profile = matrix_profile(z, 50)
    expected = (profile - profile.mean()) / profile.std()
    assert standardised_discords(z, 50, "moments") == pytest.approx(expected, abs=0.01)


def test_a_view_is_a_series_of_its_own():
    values = np.random.default_rng(7).normal(size=3000)
    # Nothing outside the view counts, neither extremes nor missing samples nor neighbours to interpolate from.
    values[[999, 2000]] = 1e6
    values[[100, 1000, 1500]] = np.nan
    part = scan(Series("s", values), RULES, View(1000, 2000))
    alone = scan(Series("s", values[1000:2000]), RULES)
    assert observe(part, RULES) == observe(alone, RULES)
    assert part.missing == 2
    assert part.view == View(1000, 2000)
    # Labels are samples of the series, candidates units of the view.
    assert part.view.to_units([(1400, 1410)]) == [(400, 410)] == part.units([(400, 410)])


def test_units_and_samples_of_a_view_of_two_samples_a_unit():
    part = scan(Series("s", wave(20, 5000)), RULES, View(3000, 5000))
    assert (part.unit(1000), part.span((1000, 1010))) == (500, (500, 504))
    assert part.samples([(500, 505)]) == [(1000, 1010)]


def test_noisy_tasks_can_be_smoothed_first():
    values = wave(50) + 0.3 * np.random.default_rng(3).normal(size=1000)
    rules = ProbeThresholds(denoise_window=31)
    smooth = scan(Series("s", values, task="noisy-point"), rules)
    assert smooth.z * smooth.std + smooth.mean == pytest.approx(savgol_filter(values, 31, 2))
    # Other tasks are left alone, and so is every task by default.
    plain = observe(scan(Series("s", values), RULES), RULES)
    assert observe(scan(Series("s", values, task="point"), rules), rules) == plain
    assert observe(scan(Series("s", values, task="noisy-point"), RULES), RULES) == plain


def test_smoothing_first_fits_the_shortest_series():
    rules = ProbeThresholds(denoise_window=31)
    assert scan(Series("s", wave(10, 30), task="noisy-freq"), rules).std > 0


@pytest.mark.parametrize("window", [3, 32])
def test_a_window_to_smooth_with_is_odd_and_not_tiny(window):
    with pytest.raises(ValueError, match="odd window of at least 5"):
        ProbeThresholds(denoise_window=window)


def test_the_season_can_be_left_in_the_gradient():
    values = wave(50)
    kept = scan(Series("s", values), ProbeThresholds(deseason=False))
    assert kept.gradient.smoothing == 21
    assert np.abs(kept.gradient.values).max() > 0.1
    assert np.abs(scan(Series("s", values), RULES).gradient.values).max() < 1e-9


ODD = {
    "noise": np.random.default_rng(1).normal(size=64),
    "walk": np.cumsum(np.random.default_rng(2).normal(size=500)),
    "line": np.arange(100.0),
    "step": np.repeat([0.0, 1.0], 50),
    "constant": np.full(30, -4.0),
    "one known sample": np.where(np.arange(200) == 7, 2.0, np.nan),
    "two values": np.tile([1.0, 2.0], 40),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("rules", [RULES, released_rules()], ids=["paper", "released"])
def test_everything_is_always_measured(name, rules):
    seen = asdict(observe(scan(Series("s", ODD[name]), rules), rules))
    assert all(np.isfinite(value).all() for value in seen.values())
    assert all(0 <= seen[field] < 1000 for field in ("max_z_position", "gradient_position"))


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (np.zeros(29), "series 's': a trace describes 30 to 4000 samples, not 29"),
        (np.zeros(4001), "series 's': a trace describes 30 to 4000 samples, not 4001"),
        (np.zeros((2, 100)), "series 's': a trace describes one channel, not 2"),
        (np.full(50, np.nan), "series 's': every sample is missing"),
    ],
)
def test_what_cannot_be_analysed_is_refused_by_name(values, complaint):
    with pytest.raises(ValueError, match=complaint):
        scan(Series("s", values), RULES)


@pytest.mark.parametrize(
    ("view", "complaint"),
    [
        (None, "describes 30 to 4000 samples, not 5000; cut it into views"),
        (View(0, 4001), "describes 30 to 4000 samples, not 4001"),
        (View(100, 129), "describes 30 to 4000 samples, not 29"),
        (View(4500, 5500), "no view ends at 5500, the series has 5000 samples"),
        (View(1000, 2000), "every sample is missing"),
    ],
)
def test_the_rules_are_about_the_view(view, complaint):
    values = np.random.default_rng(0).normal(size=5000)
    values[900:2100] = np.nan
    with pytest.raises(ValueError, match=f"series 's': .*{complaint}"):
        scan(Series("s", values), RULES, view)
    assert scan(Series("s", values), RULES, View(3000, 5000)).missing == 0


def test_importing_the_package_does_not_import_stumpy():
    program = "import sys, anomseer_core.expcot.corpus; assert not {'stumpy', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
