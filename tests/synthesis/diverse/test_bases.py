"""Base signals: what each kind does, and that it stays within its bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.synthesis.diverse.bases import ALL_KINDS, REPEATING, draw_base

SEEDS = st.integers(0, 10_000)


def base_of(kind, seed=0, length=1000):
    return draw_base(np.random.default_rng(seed), kind, length)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ALL_KINDS), SEEDS, st.integers(100, 2000))
def test_a_base_is_finite_as_long_as_asked_and_of_a_height_of_about_two(kind, seed, length):
    base = base_of(kind, seed, length)
    assert len(base) == len(base.clean) == len(base.noise) == length
    assert np.isfinite(base.clean).all()
    assert 0.3 < base.extent < 8
    assert (base.phase is None) == (base.cycle is None) == (base.period is None) == (kind not in REPEATING)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(REPEATING), SEEDS, st.integers(100, 2000))
def test_a_repeating_base_is_its_cycle_a_line_and_noise(kind, seed, length):
    base = base_of(kind, seed, length)
    line = base.clean - base.noise - base.cycle.at(base.phase)
    assert np.abs(np.diff(line, 2)).max() < 1e-9
    steps = np.diff(base.phase)
    assert steps.max() / steps.min() <= 1.15 / 0.85 + 1e-9
    assert 3.4 <= base.phase[-1] - base.phase[0] <= 46
    assert base.period >= 16 / 1.15
    assert base.noise.std() <= 0.3 * base.cycle.deviation


def test_frequencies_drift_in_sines_and_never_in_loads():
    drifting = {kind: [np.ptp(np.diff(base_of(kind, seed).phase)) > 1e-9 for seed in range(40)] for kind in REPEATING}
    assert all(drifting["sines"])
    assert not any(drifting["load"])
    assert any(drifting["square"])
    assert not all(drifting["square"])


def test_regimes_last_and_differ():
    for seed in range(50):
        base = base_of("regimes", seed)
        level = base.clean - base.noise
        jumps = np.flatnonzero(np.abs(np.diff(level)) > 1e-9) + 1
        assert 1 <= len(jumps) <= 4
        assert np.diff([0, *jumps, 1000]).min() >= 99
        assert np.abs(level[jumps] - level[jumps - 1]).min() >= 0.4


def test_an_autoregression_forgets_and_a_walk_does_not():
    # Deviation 1/2: samples far apart differ by sqrt(2) / 2 = 0.71. A walk's squared way grows with the lag.
    forgetful = [base_of("autoregressive", seed).wander(200) for seed in range(60)]
    assert np.median(forgetful) == pytest.approx(0.71, rel=0.1)
    ratios = [base_of("walk", seed).wander(40) / base_of("walk", seed).wander(10) for seed in range(60)]
    assert np.median(ratios) == pytest.approx(2, rel=0.15)
