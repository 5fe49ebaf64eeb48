"""What a training step reports, under TRL's names where its GRPOTrainer has them.

Every mean, extreme and share is taken over the responses of all ranks, gathered first: the mean of the ranks' means
would be another number wherever they count differently, as terminated responses do.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed

from anomseer_core.timerpo.integration import Composition
from anomseer_core.training.rollout import Rollout


def gather_rows(columns: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Columns [B] of every rank, one after another, float64 [ranks * B]; every rank passes equally many rows."""
    table = torch.stack([column.double().to(device) for column in columns.values()])
    parts = [torch.empty_like(table) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, table)
    return dict(zip(columns, torch.cat(parts, dim=1).cpu(), strict=True))


def response_columns(rollout: Rollout) -> dict[str, Tensor]:
    """One column per fact of a response, [B]."""
    parts = ("total", "format", "classification", "location")
    columns = {part: torch.tensor([getattr(reward, part) for reward in rollout.rewards]) for part in parts}
    prompt_tokens = rollout.prompts.prompt_mask.sum(dim=1).repeat_interleave(rollout.group_size)
    drawn = rollout.responses
    return columns | {"prompt": prompt_tokens, "length": drawn.lengths, "terminated": drawn.finished}


def response_metrics(columns: Mapping[str, Tensor]) -> dict[str, float]:
    """Rewards, lengths and tokens of a step, from the columns of all ranks.

    `num_tokens` counts a prompt once for each of its responses, as TRL does. Lengths of terminated responses are 0
    where there is none.
    """
    lengths, terminated = columns["length"], columns["terminated"] > 0
    ended = lengths[terminated] if terminated.any() else torch.zeros(1, dtype=torch.float64)
    return {
        "reward": float(columns["total"].mean()),
        "reward/format": float(columns["format"].mean()),
        "reward/classification": float(columns["classification"].mean()),
        "reward/location": float(columns["location"].mean()),
        **_summary("completions/{}_length", lengths),
        **_summary("completions/{}_terminated_length", ended),
        "completions/clipped_ratio": float((~terminated).double().mean()),
        "num_tokens": float((lengths + columns["prompt"]).sum()),
    }


def guidance_metrics(columns: Mapping[str, Tensor], group_size: int) -> dict[str, float]:
    """Distances and reasoning rewards of a step, with the spread of distances inside groups."""
    groups = columns["distance"].view(-1, group_size)
    return {
        "transport/cost": float(groups.mean()),
        "transport/cost_spread": float(groups.std(dim=1, correction=0).mean()),
        "reasoning_reward": float(columns["reasoning_reward"].mean()),
    }


def completion_rows(rollout: Rollout, composition: Composition, distances: Tensor) -> list[dict[str, Any]]:
    """One row per sampled response: its text, its rewards, and its advantages of Eq. 2, 5, 6 and 7."""
    advantages = {
        "advantage_main": composition.main,
        "advantage_reasoning": composition.reasoning,
        "advantage_orthogonal": composition.orthogonal,
        "advantage": composition.final,
    }
    return [
        {
            "series_id": rollout.examples[row // rollout.group_size].name,
            "response": text,
            "reward": reward.total,
            "format": reward.format,
            "classification": reward.classification,
            "location": reward.location,
            "transport_cost": float(distances[row]),
            **{name: float(values.flatten()[row]) for name, values in advantages.items()},
        }
        for row, (text, reward) in enumerate(zip(rollout.texts, rollout.rewards, strict=True))
    ]


class TokenCount:
    """Tokens trained on so far; a run that goes on continues the count of its metrics file."""

    def __init__(self, metrics: Path) -> None:
        self.total = 0.0
        if metrics.exists():
            lines = metrics.read_text(encoding="utf-8").splitlines()
            counts = [json.loads(line)["metrics"].get("num_tokens", 0.0) for line in lines]
            self.total = max(counts, default=0.0)

    def add(self, tokens: float) -> float:
        self.total += tokens
        return self.total


def _summary(name: str, values: Tensor) -> dict[str, float]:
    return {
        name.format("mean"): float(values.mean()),
        name.format("min"): float(values.min()),
        name.format("max"): float(values.max()),
    }
