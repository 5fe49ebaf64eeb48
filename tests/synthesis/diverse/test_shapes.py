"""Shapes of a cycle, and the distance between two of them."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.synthesis.diverse import shapes

DRAWN = (
    shapes.draw_sines,
    shapes.draw_wiggle,
    shapes.draw_square,
    shapes.draw_sawtooth,
    shapes.draw_pulse,
    shapes.draw_day,
)
PHASES = np.linspace(0, 1, 500, endpoint=False)


def sine(phase):
    return np.sin(2 * np.pi * phase)


@given(st.sampled_from(DRAWN), st.integers(0, 10_000))
def test_a_shape_repeats_and_lies_between_minus_one_and_one(draw, seed):
    shape = draw(np.random.default_rng(seed))
    values = shape(PHASES)
    np.testing.assert_allclose(shape(PHASES + 3), values, atol=1e-6)
    # The peak of a sum of sines is taken from a grid of 128 phases.
    assert np.abs(values).max() <= 1.01
    assert values.std() > 0.2


def test_shapes_by_hand():
    at = np.array([0.0, 0.25, 0.5, 0.75])
    assert shapes.square(at).tolist() == [1, 1, -1, -1]
    assert shapes.ramp(at, 1.0).tolist() == [-1, -0.5, 0, 0.5]
    assert shapes.ramp(at, 0.0).tolist() == [1, 0.5, 0, -0.5]
    assert shapes.ramp(at, 0.5).tolist() == [-1, 0, 1, 0]
    # One deviation from its centre a bell curve is at exp(-1/2) = 0.606531 of its height of 2.
    assert shapes.bumps(np.array([0.5, 0.6]), (0.5,), (0.1,)) == pytest.approx([1, 2 * 0.606531 - 1], abs=1e-5)


def test_distances_by_hand():
    assert shapes.distance(sine, lambda phase: sine(phase + 0.25))[0] == pytest.approx(0, abs=1e-7)
    assert shapes.distance(sine, shapes.flat)[0] == pytest.approx(1)
    # Variances 1/2 and 1, overlap mean(abs(sin)) = 2 / pi: sqrt(1.5 - 4 / pi) / sqrt(0.5) = 0.6735.
    distance, fitted = shapes.distance(sine, partial(shapes.square, duty=0.5))
    assert distance == pytest.approx(0.6735, abs=1e-3)
    assert np.mean(fitted(PHASES) * sine(PHASES)) == pytest.approx(2 / np.pi, abs=1e-2)


@given(st.sampled_from(DRAWN), st.sampled_from(DRAWN), st.integers(0, 10_000))
def test_no_shift_fits_better_than_the_one_taken(draw, other, seed):
    rng = np.random.default_rng(seed)
    mine, theirs = draw(rng), other(rng)
    distance, _ = shapes.distance(mine, theirs)
    grid = shapes.GRID
    level = mine(grid).mean() - theirs(grid).mean()
    best = min(np.sqrt(np.mean((theirs(grid + shift) + level - mine(grid)) ** 2)) for shift in grid)
    assert distance == pytest.approx(best / mine(grid).std(), abs=1e-6)


def test_weekends_are_weaker():
    cycle = shapes.Cycle(partial(shapes.ramp, peak=0.5), weekend=0.5)
    # The peak of each of seven days: 1 on five of them, 0.5 * (1 + 1) - 1 = 0 on two.
    assert cycle.at(np.arange(7) + 0.5).tolist() == [1, 1, 1, 1, 1, 0, 0]
    assert cycle.at(np.array([5.0])).tolist() == [-1]
