"""Eq. 6 and 7 by hand, the alternatives, and orthogonality for any rewards."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.timerpo import compose
from anomseer_core.timerpo.advantages import REWARD_FLOOR, group_advantages
from anomseer_core.timerpo.integration import project_out

F64 = torch.float64

REWARDS = torch.tensor([[0.0, 0.5, 1.0]], dtype=F64)
REASONING_REWARDS = torch.tensor([[0.2, 0.8, 0.5]], dtype=F64)
ROOT = math.sqrt(1.5)

unit_grid = st.integers(0, 1000).map(lambda n: n / 1000)


@st.composite
def groups(draw):
    size = draw(st.integers(2, 8))
    row = st.lists(unit_grid, min_size=size, max_size=size)
    return torch.tensor([draw(row)], dtype=F64), torch.tensor([draw(row)], dtype=F64)


def test_projection_by_hand():
    # <reasoning, main> = 1, |main|^2 = 2: half of main is taken away.
    main = torch.tensor([[1.0, -1.0, 0.0]], dtype=F64)
    reasoning = torch.tensor([[1.0, 0.0, -1.0]], dtype=F64)
    assert project_out(reasoning, main)[0].tolist() == pytest.approx([0.5, 0.5, -1.0], abs=1e-8)


def test_composition_by_hand():
    # main: deviations -0.5, 0, 0.5 over sqrt(1/6) -> sqrt(1.5) (-1, 0, 1).
    # reasoning: mean 0.5, deviations -0.3, 0.3, 0 over sqrt(0.18 / 3) -> sqrt(1.5) (-1, 1, 0).
    # <reasoning, main> = 1.5, |main|^2 = 3, so half of main goes: sqrt(1.5) (-0.5, 1, -0.5).
    # final: sqrt(1.5) (-1 - 0.15, 0.3, 1 - 0.15).
    result = compose(REWARDS, REASONING_REWARDS, alpha=0.3)
    assert result.main[0].tolist() == pytest.approx([-ROOT, 0.0, ROOT], abs=1e-6)
    assert result.reasoning[0].tolist() == pytest.approx([-ROOT, ROOT, 0.0], abs=1e-6)
    assert result.orthogonal[0].tolist() == pytest.approx([-0.5 * ROOT, ROOT, -0.5 * ROOT], abs=1e-6)
    assert result.final[0].tolist() == pytest.approx([-1.15 * ROOT, 0.3 * ROOT, 0.85 * ROOT], abs=1e-6)
    assert result.kept.tolist() == [True]
    # cosine 1.5 / 3; what remains has length sqrt(3 (1 - 0.25)) of sqrt(3).
    assert result.diagnostics == pytest.approx(
        {
            "reward_std": math.sqrt(1 / 6),
            "frac_reward_zero_std": 0.0,
            "reasoning_reward_std": math.sqrt(0.06),
            "frac_reasoning_zero_std": 0.0,
            "orthogonal_share": math.sqrt(0.75),
            "advantage_cosine": 0.5,
        },
        abs=1e-7,
    )


def test_weighted_sum_does_not_project():
    # sqrt(1.5) ((-1, 0, 1) + 0.3 (-1, 1, 0))
    result = compose(REWARDS, REASONING_REWARDS, alpha=0.3, integration="weighted_sum")
    assert result.final[0].tolist() == pytest.approx([-1.3 * ROOT, 0.3 * ROOT, ROOT], abs=1e-6)


def test_released_advantages_are_centred_only():
    # main (-0.5, 0, 0.5), reasoning (-0.3, 0.3, 0): inner 0.15, |main|^2 0.5, factor 0.3: (-0.15, 0.3, -0.15).
    result = compose(REWARDS, REASONING_REWARDS, alpha=1.0, normalisation="mean_only")
    assert result.final[0].tolist() == pytest.approx([-0.65, 0.3, 0.35], abs=1e-8)


@pytest.mark.parametrize("integration", ["orthogonal", "weighted_sum", "pcgrad", "none"])
def test_alpha_zero_is_exactly_grpo(integration):
    rewards = torch.rand(4, 5, dtype=F64, generator=torch.Generator().manual_seed(1))
    result = compose(rewards, rewards.flip(1).square(), alpha=0.0, integration=integration)
    assert torch.equal(result.final, group_advantages(rewards, normalisation="z_score", floor=REWARD_FLOOR))


def test_pcgrad_leaves_both_advantages_as_they_are():
    result = compose(REWARDS, REASONING_REWARDS, alpha=0.3, integration="pcgrad")
    assert torch.equal(result.final, result.main)
    assert torch.equal(result.reasoning, compose(REWARDS, REASONING_REWARDS, alpha=0.3).reasoning)


def test_a_part_holds_its_groups():
    rewards = torch.rand(4, 3, dtype=F64, generator=torch.Generator().manual_seed(2))
    whole = compose(rewards, rewards.square(), alpha=0.3)
    part = whole.part(1, 3)
    for name in ("final", "main", "reasoning", "orthogonal", "kept"):
        assert torch.equal(getattr(part, name), getattr(whole, name)[1:3])


def test_integration_none_is_exactly_grpo():
    result = compose(REWARDS, REASONING_REWARDS, alpha=0.3, integration="none")
    assert torch.equal(result.final, result.main)


def test_equal_rewards_leave_the_reasoning_alone_in_paper_mode():
    # main is 0, so nothing is projected away: final = 0.3 (-1, 1).
    rewards = torch.tensor([[0.4, 0.4]], dtype=F64)
    result = compose(rewards, torch.tensor([[0.2, 0.6]], dtype=F64), alpha=0.3)
    assert result.main.eq(0).all()
    assert result.final[0].tolist() == pytest.approx([-0.3, 0.3], abs=1e-7)
    assert result.kept.tolist() == [True]
    assert result.diagnostics["frac_reward_zero_std"] == 1.0


def test_equal_rewards_are_dropped_in_skip_mode():
    rewards = torch.tensor([[0.4, 0.4], [0.0, 1.0]], dtype=F64)
    reasoning = torch.tensor([[0.2, 0.6], [0.2, 0.6]], dtype=F64)
    result = compose(rewards, reasoning, alpha=0.3, equal_rewards="skip")
    assert result.kept.tolist() == [False, True]
    assert result.final[0].tolist() == [0.0, 0.0]
    assert torch.equal(result.final[1], compose(rewards, reasoning, alpha=0.3).final[1])
    assert result.diagnostics["frac_reward_zero_std"] == 0.5


def test_reasoning_noise_is_not_amplified():
    noise = 0.5 + 1e-6 * torch.tensor([[-1.0, 1.0, 0.0]], dtype=F64)
    result = compose(REWARDS, noise, alpha=0.3)
    assert torch.equal(result.final, result.main)
    assert result.diagnostics["frac_reasoning_zero_std"] == 1.0
    assert result.diagnostics["orthogonal_share"] == 0.0


@pytest.mark.parametrize(
    ("rewards", "reasoning"),
    [
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.zeros(3), torch.zeros(3)),
        (torch.zeros(2, 3, dtype=torch.int64), torch.zeros(2, 3)),
    ],
)
def test_what_is_not_a_batch_of_groups_is_refused(rewards, reasoning):
    with pytest.raises(ValueError, match="rewards"):
        compose(rewards, reasoning, alpha=0.3)


@settings(deadline=None)
@given(groups())
def test_remainder_is_orthogonal_to_the_task(pair):
    result = compose(*pair, alpha=0.3)
    assert abs((result.orthogonal * result.main).sum().item()) < 1e-6


@settings(deadline=None)
@given(groups())
def test_task_direction_of_the_update_is_kept(pair):
    # <final, main> = |main|^2: "keeping the primary detection update direction unchanged".
    result = compose(*pair, alpha=0.3)
    assert (result.final * result.main).sum().item() == pytest.approx(result.main.square().sum().item(), abs=1e-6)


@settings(deadline=None)
@given(groups(), st.randoms(use_true_random=False))
def test_final_advantages_follow_their_responses(pair, random):
    order = list(range(pair[0].shape[1]))
    random.shuffle(order)
    shuffled = compose(pair[0][:, order], pair[1][:, order], alpha=0.3).final
    torch.testing.assert_close(shuffled, compose(*pair, alpha=0.3).final[:, order], rtol=1e-9, atol=1e-9)
