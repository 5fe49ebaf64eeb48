"""Eq. 2 and 5 by hand, and what no shift, scale or order of the rewards may change."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.timerpo.advantages import EPSILON, REWARD_FLOOR, group_advantages, group_spread

F64 = torch.float64

# Rewards on a grid of 0.001, so that a group is either equal or spread far above the floor.
grid_rewards = st.lists(st.integers(0, 1000).map(lambda n: n / 1000), min_size=2, max_size=8)


def advantages(rows, normalisation="z_score", floor=REWARD_FLOOR):
    return group_advantages(torch.tensor(rows, dtype=F64), normalisation=normalisation, floor=floor)


def test_z_score_by_hand():
    # mean 0.5; deviations -0.5, 0, 0.5; population variance (0.25 + 0 + 0.25) / 3 = 1 / 6.
    largest = 0.5 / (math.sqrt(1 / 6) + 1e-8)
    assert advantages([[0.0, 0.5, 1.0]])[0].tolist() == pytest.approx([-largest, 0.0, largest], abs=1e-14)
    assert largest == pytest.approx(1.2247448, abs=1e-6)
    assert EPSILON == 1e-8


def test_sample_z_score_by_hand():
    # Deviations -0.5, 0, 0.5; sample deviation sqrt(0.5 / 2) = 0.5. A group of one has none.
    assert advantages([[0.0, 0.5, 1.0]], "z_score_sample")[0].tolist() == pytest.approx([-1.0, 0.0, 1.0], abs=1e-7)
    assert advantages([[0.3]], "z_score_sample").tolist() == [[0.0]]


def test_mean_only_by_hand():
    # mean (0.1 + 0.1 + 0.7) / 3 = 0.3.
    assert advantages([[0.1, 0.1, 0.7]], "mean_only")[0].tolist() == pytest.approx([-0.2, -0.2, 0.4], abs=1e-15)


def test_groups_do_not_meet():
    both = advantages([[0.0, 0.5, 1.0], [0.2, 0.2, 0.8]])
    assert torch.equal(both[0], advantages([[0.0, 0.5, 1.0]])[0])
    assert torch.equal(both[1], advantages([[0.2, 0.2, 0.8]])[0])


@pytest.mark.parametrize("normalisation", ["z_score", "mean_only"])
def test_group_without_spread_gets_zeros(normalisation):
    # Rounding alone: the mean of five times 0.1 differs from 0.1 in the last bits.
    assert advantages([[0.1] * 5, [0.3] * 5], normalisation).eq(0).all()
    # Spread 0.05 under a floor of 0.06, and not under one of 0.04.
    assert advantages([[0.1, 0.2]], normalisation, floor=0.06).eq(0).all()
    assert advantages([[0.1, 0.2]], normalisation, floor=0.04).ne(0).all()


@pytest.mark.parametrize("normalisation", ["z_score", "mean_only"])
def test_group_of_one_gets_zero(normalisation):
    assert advantages([[0.7], [0.2]], normalisation).tolist() == [[0.0], [0.0]]


def test_nan_reward_is_not_taken_for_an_equal_group():
    result = advantages([[0.1, math.nan], [0.0, 1.0]])
    assert result[0].isnan().all()
    assert result[1].isfinite().all()


def test_keeps_float32():
    assert group_advantages(torch.rand(2, 3), normalisation="z_score", floor=0.0).dtype == torch.float32


@settings(deadline=None)
@given(grid_rewards, st.floats(-10, 10), st.floats(0.1, 10))
def test_z_score_ignores_shift_and_scale(rewards, shift, scale):
    moved = advantages([[shift + scale * reward for reward in rewards]])
    # A spread of at least 3e-4 times a scale of at least 0.1 leaves EPSILON a relative weight under 4e-4.
    torch.testing.assert_close(moved, advantages([rewards]), rtol=4e-4, atol=1e-12)


@settings(deadline=None)
@given(grid_rewards, st.randoms(use_true_random=False), st.sampled_from(["z_score", "mean_only"]))
def test_advantages_follow_their_responses(rewards, random, normalisation):
    order = list(range(len(rewards)))
    random.shuffle(order)
    shuffled = advantages([[rewards[i] for i in order]], normalisation)
    torch.testing.assert_close(shuffled, advantages([rewards], normalisation)[:, order], rtol=1e-12, atol=1e-12)


@settings(deadline=None)
@given(grid_rewards)
def test_z_scores_have_mean_zero_and_deviation_one(rewards):
    result = advantages([rewards])
    spread = group_spread(torch.tensor([rewards], dtype=F64)).item()
    assert result.mean().item() == pytest.approx(0.0, abs=1e-9)
    assert group_spread(result).item() == pytest.approx(1.0 if spread > REWARD_FLOOR else 0.0, abs=1e-4)
