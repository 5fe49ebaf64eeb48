"""TimerPO (paper, section 4.2, Algorithm 1) as one rank runs it.

A step samples a group of responses per prompt, grades them (Eq. 1), measures how near each reasoning lies to the
expert trace (Eq. 3-5), joins both advantages (Eq. 2, 6, 7), and updates the policy by the clipped objective (Eq. 8).

Deviations: with one update per batch of rollouts the old log-probabilities are the detached new ones, so that the
ratio is exactly 1 whatever the arithmetic of sampling. With `alpha` 0 the expert is not embedded at all.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from anomseer_core.policy.model import load_policy
from anomseer_core.policy.scoring import ResponseScorer, Scores
from anomseer_core.timerpo import compose
from anomseer_core.timerpo.integration import Composition
from anomseer_core.timerpo.objective import clipped_objective
from anomseer_core.timerpo.transport import reasoning_rewards
from anomseer_core.training.checkpoint import save_checkpoint
from anomseer_core.training.config import TimerPOConfig
from anomseer_core.training.engine import build_engine, forward_arithmetic, mean_over_ranks
from anomseer_core.training.examples import Example, load_examples, rank_examples, step_indices
from anomseer_core.training.job import COMPLETIONS, METRICS, TrainingJob, append_line
from anomseer_core.training.rollout import Rollout, chunks, collect_rollout, reasoning_distances, score_responses


def train_timerpo(job: TrainingJob, rank: int, device: torch.device) -> None:
    """Run a TimerPO job on this rank; rank 0 writes metrics, completions and the checkpoint."""
    config: TimerPOConfig = job.config
    examples = load_examples(job.series, job.traces)
    trainer = TimerPOTrainer(job, device)
    for step in range(config.steps):
        indices = step_indices(config.seed, step, config.prompts_per_step, len(examples))
        metrics, rows = trainer.step(rank_examples(examples, indices, rank, job.launch.ranks), step)
        if rank == 0:
            if (step + 1) % config.completions_every == 0:
                append_line(job.folder / COMPLETIONS, {"step": step + 1, "rows": rows})
            append_line(job.folder / METRICS, {"step": step + 1, "metrics": metrics, "time": time.time()})
    save_checkpoint(trainer.policy, job, rank)


class TimerPOTrainer:
    """The policy being trained, the frozen reference it started from, and the engine between them."""

    def __init__(self, job: TrainingJob, device: torch.device) -> None:
        self.config: TimerPOConfig = job.config
        self.launch = job.launch
        self.device = device
        self.policy = load_policy(job.policy, device=device)
        self.scorer = ResponseScorer(self.policy, temperature=self.config.temperature)
        self.reference = ResponseScorer(load_policy(job.policy, device=device), temperature=self.config.temperature)
        self.reference.requires_grad_(False)
        prompts = self.config.prompts_per_step // self.launch.ranks
        per_chunk = max(1, self.launch.micro_responses // self.config.group_size)
        accumulation = -(-prompts // per_chunk)
        self.engine = build_engine(self.scorer, self.config, self.launch, accumulation=accumulation)
        self.seconds: dict[str, float] = {}

    def step(self, examples: list[Example], step: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
        """One rollout batch and its updates; returns metrics averaged over ranks, and this rank's completions."""
        self.seconds = {}
        with forward_arithmetic(self.device, self.launch):
            with self._timed("sampling"):
                rollout = collect_rollout(self.policy, examples, self.config, step)
            old, distances = self._consult_expert(rollout)
            with self._timed("reference"):
                reference = score_responses(self.reference, rollout, self.launch.micro_responses)
        composition = self._compose(rollout, distances)
        with self._timed("update"):
            for _ in range(self.config.updates_per_batch):
                update = self._update(rollout, composition, old, reference)
        metrics = update | rollout_metrics(rollout) | self._guidance_metrics(composition, distances)
        metrics |= {f"seconds/{name}": value for name, value in self.seconds.items()}
        return mean_over_ranks(metrics, self.device), completion_rows(rollout, composition, distances)

    @property
    def _is_guided(self) -> bool:
        return self.config.alpha > 0 and self.config.integration != "none"

    def _consult_expert(self, rollout: Rollout) -> tuple[Scores | None, torch.Tensor]:
        """Scores under the sampling policy where something needs them, and W [B] (zeros without guidance)."""
        old, distances = None, torch.zeros(len(rollout.texts), dtype=torch.float64)
        if self._is_guided or self.config.updates_per_batch > 1:
            with self._timed("scoring"):
                old = score_responses(self.scorer, rollout, self.launch.micro_responses, keep_states=self._is_guided)
        if self._is_guided:
            with self._timed("transport"):
                distances = reasoning_distances(
                    self.policy, self.scorer, rollout, old, self.config, self.launch.micro_responses
                )
        return old, distances.cpu()

    def _compose(self, rollout: Rollout, distances: torch.Tensor) -> Composition:
        rewards = rollout.reward_matrix()
        reasoning = reasoning_rewards(distances, self.config.transport.tau).view_as(rewards)
        return compose(
            rewards,
            reasoning,
            alpha=self.config.alpha,
            integration=self.config.integration,
            normalisation=self.config.normalisation,
            equal_rewards=self.config.equal_rewards,
        )

    def _update(
        self, rollout: Rollout, composition: Composition, old: Scores | None, reference: Scores
    ) -> dict[str, float]:
        """One optimiser step over all chunks; returns the loss terms, averaged over this rank's responses."""
        config, totals = self.config, dict[str, float]()
        advantages = composition.final.flatten().float().to(self.device)
        kept = composition.kept.repeat_interleave(rollout.group_size).to(self.device)
        parts = list(chunks(rollout.prompts, rollout.group_size, self.launch.micro_responses))
        for chunk in parts:
            ids, mask = rollout.responses.ids[chunk.rows], rollout.responses.mask[chunk.rows]
            with forward_arithmetic(self.device, self.launch):
                scores = self.engine(chunk.prompts, ids, mask, chunk.prompt_index)
            old_logprobs = scores.logprobs if config.updates_per_batch == 1 else old.logprobs[chunk.rows]
            loss, terms = clipped_objective(
                scores.logprobs,
                old_logprobs.detach(),
                reference.logprobs[chunk.rows],
                advantages[chunk.rows],
                mask & kept[chunk.rows].unsqueeze(1),
                clip=config.clip,
                kl_weight=config.kl_weight,
            )
            share = len(ids) / len(rollout.texts)
            # DeepSpeed divides by the number of chunks; a short last chunk must count for its responses only.
            self.engine.backward(loss * share * len(parts))
            self.engine.step()
            terms |= {"loss": float(loss.detach()), "entropy": float(scores.entropy.detach()[mask].mean())}
            totals = {name: totals.get(name, 0.0) + share * value for name, value in terms.items()}
        return totals | {
            "grad_norm": float(self.engine.get_global_grad_norm() or 0.0),
            "learning_rate": self.engine.get_lr()[0],
        }

    def _guidance_metrics(self, composition: Composition, distances: torch.Tensor) -> dict[str, float]:
        groups = distances.view_as(composition.main)
        rewards = reasoning_rewards(distances, self.config.transport.tau)
        return {
            **composition.diagnostics,
            "transport/cost": float(distances.mean()),
            "transport/cost_spread": float(groups.std(dim=1, correction=0).mean()),
            "reasoning_reward": float(rewards.mean()),
        }

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def rollout_metrics(rollout: Rollout) -> dict[str, float]:
    """Rewards and lengths under TRL's names where it has one."""
    rewards, lengths = rollout.rewards, rollout.responses.lengths.double()
    return {
        "reward": sum(reward.total for reward in rewards) / len(rewards),
        "reward/format": sum(reward.format for reward in rewards) / len(rewards),
        "reward/classification": sum(reward.classification for reward in rewards) / len(rewards),
        "reward/location": sum(reward.location for reward in rewards) / len(rewards),
        "completions/mean_length": float(lengths.mean()),
        "completions/clipped_ratio": float((~rollout.responses.finished).double().mean()),
    }


def completion_rows(rollout: Rollout, composition: Composition, distances: torch.Tensor) -> list[dict[str, Any]]:
    """One row per sampled response: its text, its rewards and both of its advantages."""
    return [
        {
            "series_id": rollout.examples[row // rollout.group_size].name,
            "response": text,
            "reward": reward.total,
            "format": reward.format,
            "classification": reward.classification,
            "location": reward.location,
            "transport_cost": float(distances[row]),
            "advantage_main": float(composition.main.flatten()[row]),
            "advantage_reasoning": float(composition.reasoning.flatten()[row]),
            "advantage": float(composition.final.flatten()[row]),
        }
        for row, (text, reward) in enumerate(zip(rollout.texts, rollout.rewards, strict=True))
    ]
