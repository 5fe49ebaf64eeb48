"""TimerPO (paper, section 4.2, Algorithm 1) as one rank runs it.

A step samples a group of responses per prompt, grades them (Eq. 1), measures how near each reasoning lies to the
expert trace (Eq. 3-5), joins both advantages (Eq. 2, 6, 7), and updates the policy by the clipped objective (Eq. 8).

Deviations: with one update per batch of rollouts the old log-probabilities are the detached new ones, so that the
ratio is exactly 1 whatever the arithmetic of sampling. With `alpha` 0 the expert is not embedded at all.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from anomseer_core.policy.model import load_policy
from anomseer_core.policy.scoring import ResponseScorer, Scores
from anomseer_core.policy.trained_weights import adapters_switched_off
from anomseer_core.timerpo import compose
from anomseer_core.timerpo.integration import TASK_DIAGNOSTICS, Composition
from anomseer_core.timerpo.transport import reasoning_rewards
from anomseer_core.training.checkpoint import save_checkpoint
from anomseer_core.training.config import TimerPOConfig
from anomseer_core.training.engine import build_engine, forward_arithmetic, mean_over_ranks
from anomseer_core.training.examples import Example, hold_out, load_examples, rank_examples, step_indices
from anomseer_core.training.failures import must_be_written
from anomseer_core.training.finiteness import FiniteSteps
from anomseer_core.training.job import COMPLETIONS, METRICS, TrainingJob, append_line
from anomseer_core.training.learning_curve import LearningCurve
from anomseer_core.training.metrics import (
    TokenCount,
    completion_rows,
    gather_rows,
    guidance_metrics,
    response_columns,
    response_metrics,
)
from anomseer_core.training.resume import ResumeState
from anomseer_core.training.rollout import Rollout, collect_rollout, reasoning_distances, score_responses
from anomseer_core.training.trainee import load_trainee, training_mode
from anomseer_core.training.update import Experience, PolicyUpdate
from anomseer_core.training.zero import gathered_weights


def train_timerpo(job: TrainingJob, rank: int, device: torch.device) -> None:
    """Run a TimerPO job on this rank; rank 0 writes metrics, completions and the checkpoint."""
    config: TimerPOConfig = job.config
    examples, asked = hold_out(load_examples(job.series, job.traces), config.evaluation_prompts)
    trainer = TimerPOTrainer(job, device)
    limits = {"max_tokens": config.max_response_tokens, "weights": config.rewards}
    curve = LearningCurve(trainer.engine, trainer.policy, asked, job, rank, **limits)
    curve.record_start()
    for step in ResumeState(trainer.engine, job, rank).remaining_steps():
        indices = step_indices(config.seed, step, config.prompts_per_step, len(examples))
        metrics, rows = trainer.step(rank_examples(examples, indices, rank, job.launch.ranks), step)
        metrics |= curve.measure(step + 1)
        if rank == 0:
            if (step + 1) % config.completions_every == 0:
                append_line(job.folder / COMPLETIONS, {"step": step + 1, "rows": rows})
            append_line(job.folder / METRICS, {"step": step + 1, "metrics": metrics, "time": time.time()})
    with must_be_written("the trained policy", job.folder):
        save_checkpoint(trainer.policy, job, rank)


class TimerPOTrainer:
    """The policy being trained, the frozen reference it started from, and the engine between them."""

    def __init__(self, job: TrainingJob, device: torch.device) -> None:
        self.config: TimerPOConfig = job.config
        self.launch = job.launch
        self.device = device
        self.policy = load_trainee(job, device)
        self.scorer = ResponseScorer(self.policy, temperature=self.config.temperature)
        self.reference = self._build_reference(job.policy)
        self.engine = build_engine(self.scorer, self.config, self.launch, accumulation=self._accumulation())
        self.guard = FiniteSteps(self.engine, "training.learning_rate")
        self.update = PolicyUpdate(self.engine, self.guard, self.config, self.launch, device)
        self.tokens = TokenCount(job.folder / METRICS)
        self.seconds: dict[str, float] = {}

    def _build_reference(self, folder: Path) -> ResponseScorer:
        """The policy itself with its adapters switched off, or a frozen copy, whole on every rank."""
        if self.config.weights.lora_rank:
            return self.scorer
        policy = load_policy(folder, device=self.device)
        return ResponseScorer(policy, temperature=self.config.temperature).requires_grad_(False)

    def _accumulation(self) -> int:
        """Backward passes before DeepSpeed steps: the chunks of a mini-batch; `pcgrad` gathers gradients itself."""
        if self.config.integration == "pcgrad":
            return 1
        prompts = self.config.prompts_per_step // self.launch.ranks // self.config.mini_batches
        return -(-prompts // max(1, self.launch.micro_responses // self.config.group_size))

    def step(self, examples: list[Example], step: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
        """One rollout batch and its updates; returns metrics of all ranks, and this rank's completions."""
        started = time.perf_counter()
        self.seconds = {}
        self.guard.begin(step + 1)
        with forward_arithmetic(self.device, self.launch), gathered_weights(self.engine):
            with self._timed("sampling"):
                rollout = collect_rollout(self.policy, examples, self.config, step)
            old, distances = self._consult_expert(rollout)
            with self._timed("reference"), adapters_switched_off(self.policy.model):
                reference = score_responses(self.reference, rollout, self.launch.micro_responses)
        composition = self._compose(rollout, distances)
        self.guard.see(advantages=composition.final, reference_logprobs=reference.logprobs)
        with self._timed("update"), training_mode(self.scorer, self.config.seed, step, distributed.get_rank()):
            old_logprobs = old.logprobs if self.config.updates > 1 else None
            losses = self.update.run(Experience(rollout, composition, old_logprobs, reference.logprobs))
        self.seconds["step"] = time.perf_counter() - started
        return self._metrics(rollout, composition, distances, losses), completion_rows(rollout, composition, distances)

    def _consult_expert(self, rollout: Rollout) -> tuple[Scores | None, torch.Tensor]:
        """Scores under the sampling policy where something needs them, and W [B] (zeros without guidance)."""
        old, distances = None, torch.zeros(len(rollout.texts), dtype=torch.float64)
        if self.config.is_guided or self.config.updates > 1:
            with self._timed("scoring"):
                old = score_responses(
                    self.scorer, rollout, self.launch.micro_responses, keep_states=self.config.is_guided
                )
        if self.config.is_guided:
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

    def _metrics(
        self, rollout: Rollout, composition: Composition, distances: torch.Tensor, losses: dict[str, float]
    ) -> dict[str, float]:
        """Everything the step reports, equal on every rank; nothing about reasoning where no expert was asked."""
        rewards = reasoning_rewards(distances, self.config.transport.tau)
        columns = response_columns(rollout) | {"distance": distances, "reasoning_reward": rewards}
        columns = gather_rows(columns, self.device)
        metrics = response_metrics(columns)
        diagnostics = dict(composition.diagnostics)
        if self.config.is_guided:
            metrics |= guidance_metrics(columns, rollout.group_size)
        else:
            diagnostics = {name: diagnostics[name] for name in TASK_DIAGNOSTICS}
        seconds = {f"seconds/{name}": value for name, value in self.seconds.items() if name != "step"}
        metrics |= mean_over_ranks(losses | diagnostics | seconds | {"step_time": self.seconds["step"]}, self.device)
        return metrics | {"num_tokens": self.tokens.add(metrics["num_tokens"])}

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started
