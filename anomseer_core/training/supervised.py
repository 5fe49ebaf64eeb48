"""Supervised training on expert traces (the paper's SFT rows, and the birth of the nano policy).

The loss is the negative log-likelihood of the expert's response, averaged over all response tokens of the step, on
whichever rank they lie.
"""

import math
import time

import torch

from anomseer_core.policy.scoring import ResponseScorer
from anomseer_core.training.checkpoint import save_checkpoint
from anomseer_core.training.config import ColdStartConfig, RewardWeights
from anomseer_core.training.engine import build_engine, forward_arithmetic, mean_over_ranks, sum_over_ranks
from anomseer_core.training.examples import Example, hold_out, load_answered_examples, rank_examples, step_indices
from anomseer_core.training.failures import must_be_written
from anomseer_core.training.finiteness import FiniteSteps
from anomseer_core.training.job import METRICS, TrainingJob, append_line
from anomseer_core.training.learning_curve import LearningCurve
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
    schedule = cosine_schedule(config.steps, config.warmup_share)
    engine = build_engine(ResponseScorer(policy), config, job.launch, accumulation=accumulation, schedule=schedule)
    guard = FiniteSteps(engine, "cold_start.learning_rate")
    tokens = TokenCount(job.folder / METRICS)
    limits = {"max_tokens": config.evaluation_tokens, "weights": RewardWeights()}
    curve = LearningCurve(engine, policy, asked, job, rank, **limits)
    curve.record_start()
    for step in ResumeState(engine, job, rank).remaining_steps():
        started = time.monotonic()
        guard.begin(step + 1)
        indices = step_indices(config.seed, step, config.batch_size, len(examples))
        mine = rank_examples(examples, indices, rank, job.launch.ranks)
        with training_mode(engine.module, config.seed, step, rank):
            metrics = _train_step(engine, guard, policy.processor, mine, job, device)
        metrics["step_time"] = time.monotonic() - started
        metrics["samples_per_second"] = config.batch_size / metrics["step_time"]
        metrics["num_tokens"] = tokens.add(metrics["num_tokens"])
        metrics |= curve.measure(step + 1)
        if rank == 0:
            append_line(job.folder / METRICS, {"step": step + 1, "metrics": metrics, "time": time.time()})
    with must_be_written("the trained policy", job.folder):
        save_checkpoint(policy, job, rank)


def cosine_schedule(steps: int, warmup_share: float):
    """Linear rise over the first share of the steps, then half a cosine down to zero, as a factor by step."""
    warmup = max(1, round(steps * warmup_share))

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

    return factor


def _train_step(
    engine, guard: FiniteSteps, processor, examples: list[Example], job: TrainingJob, device: torch.device
) -> dict[str, float]:
    size = job.launch.micro_responses
    chunks = [examples[start : start + size] for start in range(0, len(examples), size)]
    batches = [_build_batch(processor, chunk, device) for chunk in chunks]
    tokens = sum_over_ranks(sum(int(batch[2].sum()) for batch in batches), device)
    total_loss, total_entropy, correct = 0.0, 0.0, 0
    rate = engine.get_lr()[0]
    for prompts, ids, mask, index in batches:
        with forward_arithmetic(device, job.launch):
            scores = engine(prompts, ids, mask, index)
        loss_sum = -scores.logprobs.sum()
        guard.see(logprobs=scores.logprobs)
        # DeepSpeed averages over micro-batches and ranks; the token mean of the step is a sum over both.
        engine.backward(loss_sum * (len(batches) * job.launch.ranks / tokens))
        engine.step()
        total_loss += float(loss_sum.detach())
        total_entropy += float(scores.entropy.detach()[mask].sum())
        correct += int((mask & (scores.logprobs > math.log(0.5))).sum())
    guard.require_applied()
    loss = sum_over_ranks(total_loss, device) / tokens
    entropy = sum_over_ranks(total_entropy, device) / tokens
    sure = sum_over_ranks(correct, device) / tokens
    prompt_tokens = sum_over_ranks(sum(int(batch[0].prompt_mask.sum()) for batch in batches), device)
    rates = {"learning_rate": rate, "grad_norm": float(engine.get_global_grad_norm() or 0.0)}
    totals = {"loss": loss, "entropy": entropy, "sure_token_share": sure, "num_tokens": tokens + prompt_tokens}
    return totals | mean_over_ranks(rates, device)


def _build_batch(processor, examples: list[Example], device: torch.device):
    prompts = processor.prompts([example.picture() for example in examples]).to(device)
    ids, mask = processor.encode_responses([example.target for example in examples])
    return prompts, ids.to(device), mask.to(device), torch.arange(len(examples), device=device)
