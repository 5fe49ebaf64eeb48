"""Discords of the matrix profile."""

import numpy as np
import pytest

from anomseer_core.baselines.catalogue import create_baseline
from anomseer_core.baselines.matrix_profile import discord_intervals, is_discord
from anomseer_core.series import AnomalyClass, Series
from tests import naive_matrix_profile

TIME = np.arange(400)


def periodic(seed=0):
    """A sine of period 20 with a little noise."""
    return np.sin(2 * np.pi * TIME / 20) + 0.02 * np.random.default_rng(seed).normal(size=len(TIME))


def with_burst(start, stop):
    """The sine runs at three times its frequency for a while."""
    values = periodic()
    values[start:stop] = np.sin(2 * np.pi * 3 * TIME[start:stop] / 20)
    return values


def test_a_window_counts_from_three_and_a_half_robust_deviations_on():
    # Median 3, absolute deviations 2 1 0 1 2 (median 1): the limit is 3 + 3.5 * 1.4826 = 8.189.
    assert is_discord(np.array([1.0, 2, 3, 4, 5]), 8).tolist() == [False] * 5
    # Median 3.5, deviations 2.5 1.5 .5 .5 1.5 and 4.6 (median 1.5): limit 3.5 + 3.5 * 1.4826 * 1.5 = 11.284.
    assert not is_discord(np.array([1.0, 2, 3, 4, 5, 11.2]), 8).any()
    assert is_discord(np.array([1.0, 2, 3, 4, 5, 11.3]), 8).tolist() == [False] * 5 + [True]


def test_the_spread_has_a_floor():
    # All but one equal, so MAD is 0; the floor for m = 50 is 0.003 * sqrt(100) = 0.03, the limit 1 + 3.5 * 0.03.
    assert not is_discord(np.array([1.0, 1, 1, 1, 1.104]), 50).any()
    assert is_discord(np.array([1.0, 1, 1, 1, 1.106]), 50).tolist() == [False] * 4 + [True]


def test_windows_without_a_neighbour_are_left_out():
    assert is_discord(np.array([np.inf, 1.0, 1, 1, 9]), 8).tolist() == [False, False, False, False, True]
    assert not is_discord(np.array([np.inf, np.inf]), 8).any()


def test_intervals_mark_the_middle_of_discordant_windows():
    values = with_burst(200, 230)
    profile = naive_matrix_profile.profile(values, 20)
    middles = np.flatnonzero(is_discord(profile, 20)) + 10
    assert len(middles)
    found = discord_intervals(values)
    assert sorted(index for start, stop in found for index in range(start, stop)) == middles.tolist()


def test_an_anomaly_is_found_and_the_rest_left_alone():
    found = discord_intervals(with_burst(200, 220))
    # A window of 20 samples that touches the burst has its middle at most 10 samples outside.
    assert found
    assert all(190 <= start < stop <= 230 for start, stop in found)
    assert sum(stop - start for start, stop in found) >= 20
    assert discord_intervals(np.sin(2 * np.pi * TIME / 20)) == []


def test_gaps_are_bridged():
    values = with_burst(200, 230)
    values[[50, 51, 300, 399]] = np.nan
    assert any(start < 230 and stop > 200 for start, stop in discord_intervals(values))


@pytest.mark.parametrize("values", [np.full(400, 3.0), np.full(400, np.nan), np.arange(31.0), np.zeros(1)])
def test_constant_missing_and_short_series_have_no_discord(values):
    assert discord_intervals(values) == []


def test_channels_are_joined():
    first, second = with_burst(100, 130), with_burst(300, 330)
    joined = Series("s", np.stack([first, second]), ((100, 130),), AnomalyClass.UNKNOWN)
    (prediction,) = create_baseline("matrix-profile").detect([joined])
    assert list(prediction.intervals) == discord_intervals(first) + discord_intervals(second)
    assert (prediction.detector, prediction.anomaly_class) == ("matrix-profile", None)
