"""Orthogonal integration of task and reasoning advantages (paper, section 4.2, Eq. 6-7).

Idea: of the reasoning advantage keep only what the task advantage does not already say, so that expert guidance cannot
pull a group's update along or against the task's direction.

Deviations: `weighted_sum` is the paper's ablation without projection (Table 6), `none` is plain GRPO. `pcgrad`, the
third row of that table, works on gradients (`gradient_projection.py`) and cannot be written on advantages: both are
computed here, `final` is the task's alone, and the update joins them. Where all rewards of a group are equal, `paper`
follows the equations (the task advantage is zero, alpha times the reasoning advantage remains) and `skip` drops the
group.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from anomseer_core.timerpo.advantages import (
    EPSILON,
    REASONING_FLOOR,
    REWARD_FLOOR,
    Normalisation,
    group_advantages,
    group_spread,
)

Integration = Literal["orthogonal", "weighted_sum", "pcgrad", "none"]
EqualRewards = Literal["paper", "skip"]
# The diagnostics that say something without an expert.
TASK_DIAGNOSTICS = ("reward_std", "frac_reward_zero_std")


@dataclass(frozen=True, eq=False)
class Composition:
    """final, main, reasoning, orthogonal: advantages `[B, G]` of Eq. 7, 2, 5 and 6; under `pcgrad` final is main.

    kept: bool `[B]`, False where `skip` dropped the group; its `final` is zero and it belongs out of the loss.
    diagnostics: means over all groups, so that averages over equal ranks are averages over the step.
    """

    final: Tensor
    main: Tensor
    reasoning: Tensor
    orthogonal: Tensor
    kept: Tensor
    diagnostics: Mapping[str, float]

    def part(self, start: int, stop: int) -> "Composition":
        """The groups `[start, stop)`; the diagnostics stay those of all."""
        rows = slice(start, stop)
        return Composition(
            self.final[rows],
            self.main[rows],
            self.reasoning[rows],
            self.orthogonal[rows],
            self.kept[rows],
            self.diagnostics,
        )


def project_out(reasoning: Tensor, main: Tensor) -> Tensor:
    """Eq. 6: the part of each row of `reasoning` `[P, G]` orthogonal to that row of `main` `[P, G]`.

    A zero row of `main` leaves `reasoning` as it is. EPSILON leaves a share EPSILON / |main|^2 of the overlap behind.
    """
    shared = (reasoning * main).sum(dim=1, keepdim=True)
    return reasoning - shared / (main.square().sum(dim=1, keepdim=True) + EPSILON) * main


def compose(
    rewards: Tensor,
    reasoning_rewards: Tensor,
    *,
    alpha: float,
    integration: Integration = "orthogonal",
    normalisation: Normalisation = "z_score",
    equal_rewards: EqualRewards = "paper",
) -> Composition:
    """Eq. 2, 5, 6 and 7: the advantage that drives each response's update.

    rewards: `[B, G]` task rewards (Eq. 1), G responses to each of B prompts.
    reasoning_rewards: `[B, G]`, exp(-W / tau).
    alpha: weight of the reasoning part; 0 gives exactly plain GRPO, as does integration `none`.
    Raises ValueError when the two are not floating-point tensors of one shape `[B, G]`.
    """
    _require_groups(rewards, reasoning_rewards)
    main = group_advantages(rewards, normalisation=normalisation, floor=REWARD_FLOOR)
    reasoning = group_advantages(reasoning_rewards, normalisation=normalisation, floor=REASONING_FLOOR)
    orthogonal = project_out(reasoning, main)
    joined = {"orthogonal": orthogonal, "weighted_sum": reasoning}.get(integration, torch.zeros_like(main))
    final = main + alpha * joined
    kept = torch.ones(len(rewards), dtype=torch.bool, device=rewards.device)
    if equal_rewards == "skip":
        kept = group_spread(rewards) > REWARD_FLOOR
        final = final.masked_fill(~kept.unsqueeze(1), 0.0)
    diagnostics = _diagnostics(rewards, reasoning_rewards, main, reasoning, orthogonal)
    return Composition(final, main, reasoning, orthogonal, kept, diagnostics)


def _require_groups(rewards: Tensor, reasoning_rewards: Tensor) -> None:
    if rewards.ndim != 2 or rewards.shape != reasoning_rewards.shape:
        raise ValueError(
            f"rewards {tuple(rewards.shape)} and reasoning_rewards {tuple(reasoning_rewards.shape)} must both be "
            "[prompts, responses per prompt]"
        )
    if not (rewards.is_floating_point() and reasoning_rewards.is_floating_point()):
        raise ValueError(f"rewards ({rewards.dtype}, {reasoning_rewards.dtype}) must be floating point; use .double()")


def _diagnostics(
    rewards: Tensor, reasoning_rewards: Tensor, main: Tensor, reasoning: Tensor, orthogonal: Tensor
) -> dict[str, float]:
    """What the advantages can still teach. A group without reasoning spread has share and cosine 0."""
    reward_spread, reasoning_spread = group_spread(rewards), group_spread(reasoning_rewards)
    share = orthogonal.norm(dim=1) / reasoning.norm(dim=1).clamp_min(EPSILON)
    values = {
        "reward_std": reward_spread,
        "frac_reward_zero_std": (reward_spread <= REWARD_FLOOR).double(),
        "reasoning_reward_std": reasoning_spread,
        "frac_reasoning_zero_std": (reasoning_spread <= REASONING_FLOOR).double(),
        # |A_perp| / |A_TSR|: 1 when the reasoning says something new, 0 when it repeats the task reward.
        "orthogonal_share": share,
        "advantage_cosine": torch.cosine_similarity(reasoning, main, dim=1),
    }
    return {name: value.mean().item() for name, value in values.items()}
