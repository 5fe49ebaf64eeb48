"""Slopes that stand out."""

import numpy as np

from anomseer_core.baselines.config import GradientConfig
from anomseer_core.baselines.gradient import slope_intervals


def ramp(length=500, start=300, stop=350):
    """A slope of 0.01 a sample that is 0.08 for a while, with a little noise."""
    slopes = np.full(length, 0.01)
    slopes[start:stop] = 0.08
    return np.cumsum(slopes) + np.random.default_rng(0).normal(scale=0.01, size=length)


def test_a_steeper_stretch_is_found_to_within_the_smoothing():
    (found,) = slope_intervals(ramp())
    assert abs(found[0] - 300) <= 11
    assert abs(found[1] - 350) <= 11


def test_a_straight_line_has_no_steeper_stretch():
    assert slope_intervals(np.arange(300.0)) == []


def test_the_slope_of_the_season_hides_a_shift_unless_it_is_averaged_away():
    season = 0.5 * np.sin(2 * np.pi * np.arange(500) / 25)
    assert slope_intervals(ramp() + season, GradientConfig(deseason=False)) == []
    # A drift holds most of the spectrum's power below three cycles, and the season is dominant above.
    found = slope_intervals(ramp(stop=330) - 0.01 * np.arange(500) + 4 * season)
    assert any(start < 330 and stop > 300 for start, stop in found)
