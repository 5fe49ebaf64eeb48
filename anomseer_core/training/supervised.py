"""Supervised training on expert traces (the paper's SFT rows, and the birth of the nano policy).

The loss is the negative log-likelihood of the expert's response, averaged over all response tokens of the step, on
whichever rank they lie; and, where a policy is born, that of the borders (`borders.py`), averaged over its pictures.
"""

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from anomseer_core.policy.model import Policy
from anomseer_core.policy.prompts import PolicyProcessor
from anomseer_core.policy.scoring import ResponseScorer, Scores
from anomseer_core.training.borders import BorderScorer
from anomseer_core.training.checkpoint import save_checkpoint
from anomseer_core.training.config import ColdStartConfig, RewardWeights
from anomseer_core.training.engine import (
    build_engine,
    forget_moments,
    forward_arithmetic,
    mean_over_ranks,
    sum_over_ranks,
)
from anomseer_core.training.examples import Example, hold_out, load_answered_examples, rank_examples, step_indices
from anomseer_core.training.failures import must_be_written
from anomseer_core.training.finiteness import FiniteSteps
from anomseer_core.training.job import METRICS, TrainingJob, append_line
from anomseer_core.training.learning_curve import LearningCurve
from anomseer_core.training.lesson import Batch, Lesson, build_batch, lesson_of
from anomseer_core.training.metrics import TokenCount
from anomseer_core.training.resume import ResumeState
from anomseer_core.training.trainee import load_trainee, training_mode


def train_supervised(job: TrainingJob, rank: int, device: torch.device) -> None:
    """Run a cold-start job on this rank; rank 0 writes metrics and the checkpoint."""
    config: ColdStartConfig = job.config
    examples, asked = hold_out(load_answered_examples(job.series, job.traces), config.evaluation_prompts)
    policy = load_trainee(job, device)
    share = config.batch_size // job.launch.ranks
    accumulation = math.ceil(share / job.launch.micro_responses)
    schedule = cosine_schedule(config.steps, config.warmup_share, again=config.borders.alone_steps)
    engine = build_engine(
        _build_module(policy, config), config, job.launch, accumulation=accumulation, schedule=schedule
    )
    guard = FiniteSteps(engine, "cold_start.learning_rate")
    tokens = TokenCount(job.folder / METRICS)
    limits = {"max_tokens": config.evaluation_tokens, "weights": RewardWeights()}
    curve = LearningCurve(engine, policy, asked, job, rank, **limits)
    curve.record_start()
    for step in ResumeState(engine, job, rank).remaining_steps():
        started = time.monotonic()
        guard.begin(step + 1)
        lesson = lesson_of(config, step)
        if step and step == config.borders.alone_steps:
            # The part that reads text learns from here on.
            forget_moments(engine)
        indices = step_indices(config.seed, step, config.batch_size, len(examples))
        batches = list(_build_batches(policy.processor, examples, indices, lesson, job, rank, device))
        with training_mode(engine.module, config.seed, step, rank):
            metrics = _train_step(engine, guard, batches, job, device, answers=lesson.answers)
        metrics["step_time"] = time.monotonic() - started
        metrics["samples_per_second"] = config.batch_size / metrics["step_time"]
        metrics["num_tokens"] = tokens.add(metrics["num_tokens"])
        metrics |= curve.measure(step + 1)
        if rank == 0:
            append_line(job.folder / METRICS, {"step": step + 1, "metrics": metrics, "time": time.time()})
    with must_be_written("the trained policy", job.folder):
        save_checkpoint(policy, job, rank)


def _build_module(policy: Policy, config: ColdStartConfig) -> nn.Module:
    """What the engine wraps: everything that is trained."""
    scorer = ResponseScorer(policy)
    if not config.borders.weight:
        return scorer
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return BorderScorer(scorer).to(policy.device)


def _build_batches(
    processor: PolicyProcessor,
    examples: Sequence[Example],
    indices: np.ndarray,
    lesson: Lesson,
    job: TrainingJob,
    rank: int,
    device: torch.device,
) -> Iterator[Batch]:
    """This rank's share of a step, as many examples at once as its memory is meant to hold."""
    mine = rank_examples(examples, indices, rank, job.launch.ranks)
    direct = lesson.direct[rank * len(mine) : (rank + 1) * len(mine)]
    size = job.launch.micro_responses
    for start in range(0, len(mine), size):
        part = slice(start, start + size)
        borders = job.config.borders.weight > 0
        yield build_batch(processor, mine[part], direct[part], device, borders=borders)


def cosine_schedule(steps: int, warmup_share: float, again: int = 0):
    """Linear rise over the first share of the steps, then half a cosine down to zero, as a factor by step.

    It rises a second time, to the cosine, from step `again` on, where weights begin to learn that did not before.
    """
    warmup = max(1, round(steps * warmup_share))

    def factor(step: int) -> float:
        cosine = 0.5 * (1 + math.cos(math.pi * max(0, step - warmup) / max(1, steps - warmup)))
        since = step - again if step >= again else step
        return cosine * min(1.0, (since + 1) / warmup)

    return factor


def _train_step(
    engine, guard: FiniteSteps, batches: list[Batch], job: TrainingJob, device: torch.device, *, answers: bool
) -> dict[str, float]:
    """One optimiser step. answers: whether responses are taught, or borders alone."""
    config: ColdStartConfig = job.config
    tokens = sum_over_ranks(sum(int(batch.mask.sum()) for batch in batches), device)
    # DeepSpeed averages over micro-batches and ranks; the means of the step are sums over both.
    summands = len(batches) * job.launch.ranks
    totals = {"loss": 0.0, "entropy": 0.0, "sure_token_share": 0.0, "border_loss": 0.0}
    rate = engine.get_lr()[0]
    for batch in batches:
        with forward_arithmetic(device, job.launch):
            scores, border_loss = _forward(engine, batch, answers)
        loss = torch.zeros((), device=device)
        if scores is not None:
            guard.see(logprobs=scores.logprobs)
            loss_sum = -scores.logprobs.sum()
            loss = loss + loss_sum * (summands / tokens)
            totals["loss"] += float(loss_sum.detach()) / tokens
            totals["entropy"] += float(scores.entropy.detach()[batch.mask].sum()) / tokens
            totals["sure_token_share"] += int((batch.mask & (scores.logprobs > math.log(0.5))).sum()) / tokens
        if border_loss is not None:
            guard.see(border_loss=border_loss)
            share = len(batch) / config.batch_size
            loss = loss + config.borders.weight * border_loss * (summands * share)
            totals["border_loss"] += float(border_loss.detach()) * share
        engine.backward(loss)
        engine.step()
    guard.require_applied()
    totals = {name: sum_over_ranks(total, device) for name, total in totals.items() if _is_told(name, config, answers)}
    prompt_tokens = sum_over_ranks(sum(int(batch.prompts.prompt_mask.sum()) for batch in batches), device)
    totals["num_tokens"] = prompt_tokens + (tokens if answers else 0)
    rates = {"learning_rate": rate, "grad_norm": float(engine.get_global_grad_norm() or 0.0)}
    return totals | mean_over_ranks(rates, device)


def _forward(engine, batch: Batch, answers: bool) -> tuple[Scores | None, torch.Tensor | None]:
    if batch.targets is None:
        return engine(batch.prompts, batch.ids, batch.mask, batch.index), None
    return engine(batch.prompts, batch.ids, batch.mask, batch.index, batch.targets, answers=answers)


def _is_told(name: str, config: ColdStartConfig, answers: bool) -> bool:
    """Whether a step measures it."""
    return config.borders.weight > 0 if name == "border_loss" else answers
