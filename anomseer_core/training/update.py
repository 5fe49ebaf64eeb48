"""The policy update: Eq. 8 on a batch of rollouts (Algorithm 1, line 20), in chunks that fit into memory.

The loss of a step is a sum in which every token has its share of the whole (`loss_shares`), so ranks and chunks add up
whatever their sizes. DeepSpeed averages over both instead, hence the factor `ranks x chunks` in front of `backward`.

Under `pcgrad` the two objectives have a gradient each, and DeepSpeed's `backward` knows only one. The chunks then go
through the module inside the engine, autograd returns both gradients of a chunk, they are summed over chunks and ranks
(before they are projected: the projection of a part is not the part of the projection), and their joined gradient is
laid where the engine's step, with its clipping, optimiser and schedule, finds it. That place exists at ZeRO stage 0
alone, where each rank holds whole gradients in float32 and no hook has moved them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, distributed

from anomseer_core.policy.scoring import Scores
from anomseer_core.timerpo.gradient_projection import inner_product, project_conflicting
from anomseer_core.timerpo.integration import Composition
from anomseer_core.timerpo.objective import clipped_objective, loss_shares
from anomseer_core.training.config import LaunchConfig, TimerPOConfig
from anomseer_core.training.engine import forward_arithmetic, sum_over_ranks
from anomseer_core.training.finiteness import FiniteSteps
from anomseer_core.training.rollout import Chunk, Rollout, chunks

if TYPE_CHECKING:
    import deepspeed


@dataclass(frozen=True)
class Experience:
    """What an update learns from.

    old_logprobs, reference_logprobs: [B, N] under the policy that sampled, and under the reference; the first is None
        where a single update makes them the detached new ones.
    """

    rollout: Rollout
    composition: Composition
    old_logprobs: Tensor | None
    reference_logprobs: Tensor

    def parts(self, count: int) -> Iterator["Experience"]:
        """Mini-batches: `count` runs of consecutive prompts with their groups, equal in size."""
        size, group = len(self.rollout.examples) // count, self.rollout.group_size
        for start in range(0, size * count, size):
            rows = slice(start * group, (start + size) * group)
            yield Experience(
                self.rollout.part(start, start + size),
                self.composition.part(start, start + size),
                None if self.old_logprobs is None else self.old_logprobs[rows],
                self.reference_logprobs[rows],
            )


class PolicyUpdate:
    """Turns experience into optimiser steps of an engine."""

    def __init__(
        self,
        engine: "deepspeed.DeepSpeedEngine",
        guard: FiniteSteps,
        config: TimerPOConfig,
        launch: LaunchConfig,
        device: torch.device,
    ) -> None:
        self.engine = engine
        self.guard = guard
        self.config = config
        self.launch = launch
        self.device = device
        self.take_step = self._project_and_step if config.integration == "pcgrad" else self._accumulate_and_step

    def run(self, experience: Experience) -> dict[str, float]:
        """All updates of a batch; returns this rank's loss terms, averaged over the updates."""
        updates = [
            self._update(part)
            for _ in range(self.config.updates_per_batch)
            for part in experience.parts(self.config.mini_batches)
        ]
        return {name: sum(update[name] for update in updates) / len(updates) for name in updates[0]}

    def _update(self, experience: Experience) -> dict[str, float]:
        rollout = experience.rollout
        batch = _Batch(
            list(chunks(rollout.prompts, rollout.group_size, self.launch.micro_responses)),
            experience,
            self._shares(experience),
        )
        rate = self.engine.get_lr()[0]
        terms = self.take_step(batch)
        self.guard.require_applied()
        # Shares are of the whole step: these add up over ranks, where the caller takes the mean.
        sums = {name: self.launch.ranks * value for name, value in batch.totals.items()}
        return sums | terms | {"learning_rate": rate}

    def _shares(self, experience: Experience) -> Tensor:
        """What each token counts for; nothing in a group that was dropped."""
        rollout = experience.rollout
        mask = rollout.responses.mask
        tokens = int(sum_over_ranks(float(mask.sum()), self.device))
        responses = len(rollout.texts) * self.launch.ranks
        shares = loss_shares(mask, self.config.loss_mean, responses=responses, tokens=tokens)
        kept = experience.composition.kept.to(shares.device).repeat_interleave(rollout.group_size)
        return shares * kept.unsqueeze(1)

    def _accumulate_and_step(self, batch: "_Batch") -> dict[str, float]:
        """One objective: DeepSpeed accumulates, reduces and steps."""
        composition = batch.experience.composition
        for chunk in batch.chunks:
            scores = self._forward(self.engine, batch, chunk)
            loss = self._task_loss(scores, batch, chunk, composition.final)
            self.engine.backward(loss * (self.launch.ranks * len(batch.chunks)))
            self.engine.step()
        return {"grad_norm": float(self.engine.get_global_grad_norm() or 0.0)}

    def _project_and_step(self, batch: "_Batch") -> dict[str, float]:
        """Two objectives (PCGrad): one gradient each, projected, joined and handed to the engine's step."""
        composition = batch.experience.composition
        parameters = [parameter for parameter in self.engine.module.parameters() if parameter.requires_grad]
        size = sum(parameter.numel() for parameter in parameters)
        task, reasoning = (torch.zeros(size, device=self.device) for _ in range(2))
        for chunk in batch.chunks:
            scores = self._forward(self.engine.module, batch, chunk)
            loss = self._task_loss(scores, batch, chunk, composition.main)
            task += flat_gradient(loss, parameters, retain_graph=True)
            loss = self._reasoning_loss(scores, batch, chunk, self.config.alpha * composition.reasoning)
            reasoning += flat_gradient(loss, parameters)
        for gradient in (task, reasoning):
            distributed.all_reduce(gradient)
        lengths = inner_product(task, task).sqrt() * inner_product(reasoning, reasoning).sqrt()
        cosine = float(inner_product(task, reasoning) / lengths) if lengths else 0.0
        joined = sum(project_conflicting(task, reasoning))
        lay_gradient(joined, parameters)
        self.engine.step()
        return {
            "grad_norm": float(inner_product(joined, joined).sqrt()),
            "gradient_cosine": cosine,
            "gradient_conflict": float(cosine < 0),
        }

    def _forward(self, module: torch.nn.Module, batch: "_Batch", chunk: Chunk) -> Scores:
        drawn = batch.experience.rollout.responses
        with forward_arithmetic(self.device, self.launch):
            return module(chunk.prompts, drawn.ids[chunk.rows], drawn.mask[chunk.rows], chunk.prompt_index)

    def _task_loss(self, scores: Scores, batch: "_Batch", chunk: Chunk, advantages: Tensor) -> Tensor:
        """Eq. 8 with these advantages [P, G], and its metrics."""
        config = self.config
        weights = {"kl_weight": config.kl_weight, "kl_cap": config.kl_cap, "entropy_weight": config.entropy_weight}
        loss, terms = self._objective(scores, batch, chunk, advantages, **weights)
        self.guard.see(logprobs=scores.logprobs, loss=loss)
        batch.add(terms | {"loss": float(loss.detach())})
        return loss

    def _reasoning_loss(self, scores: Scores, batch: "_Batch", chunk: Chunk, advantages: Tensor) -> Tensor:
        """The clipped term of Eq. 8 alone."""
        loss, _ = self._objective(scores, batch, chunk, advantages, kl_weight=0.0)
        batch.add({"loss": float(loss.detach())})
        return loss

    def _objective(
        self, scores: Scores, batch: "_Batch", chunk: Chunk, advantages: Tensor, **weights: float
    ) -> tuple[Tensor, dict[str, float]]:
        old, rows = batch.experience.old_logprobs, chunk.rows
        return clipped_objective(
            scores.logprobs,
            scores.logprobs.detach() if old is None else old[rows],
            batch.experience.reference_logprobs[rows],
            scores.entropy,
            advantages.flatten().float().to(self.device)[rows],
            batch.shares[rows],
            clip=self.config.clip,
            **weights,
        )


class _Batch:
    """What one optimiser step runs over: its chunks, and the loss terms that gather along the way."""

    def __init__(self, chunks: list[Chunk], experience: Experience, shares: Tensor) -> None:
        self.chunks = chunks
        self.experience = experience
        self.shares = shares
        self.totals: dict[str, float] = {}

    def add(self, terms: dict[str, float]) -> None:
        for name, value in terms.items():
            self.totals[name] = self.totals.get(name, 0.0) + value


def flat_gradient(loss: Tensor, parameters: list[torch.nn.Parameter], *, retain_graph: bool = False) -> Tensor:
    """The gradient of a loss as one vector [D], zero where a parameter takes no part."""
    gradients = torch.autograd.grad(loss, parameters, retain_graph=retain_graph, allow_unused=True)
    return torch.cat(
        [
            torch.zeros_like(parameter).flatten() if gradient is None else gradient.flatten()
            for parameter, gradient in zip(parameters, gradients, strict=True)
        ]
    )


def lay_gradient(gradient: Tensor, parameters: list[torch.nn.Parameter]) -> None:
    """Give every parameter its part of a vector [D] as its gradient."""
    parts = gradient.split([parameter.numel() for parameter in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = part.view_as(parameter)
