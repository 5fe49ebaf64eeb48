"""Where the time of a TimerPO step goes, and how far each part is from the machine's matrix products.

The parts of a step run one after another on a nano policy with responses of one fixed length, with the optimizer of
torch in place of DeepSpeed's around it. The work of a part is counted by torch (matrix products and attention, as if
attention were not causal); its rate is set beside that of one large matrix product, measured in the same run in the
same type. Rates are per CPU second, so that a busy machine distorts them little.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from anomseer_core.policy.model import load_policy
from anomseer_core.policy.precision import autocast
from anomseer_core.policy.sampling import sample_responses, sampling_uniforms
from anomseer_core.policy.scoring import ResponseScorer, Scores
from anomseer_core.timerpo import compose
from anomseer_core.timerpo.alignment import TokenStates, alignment_distance
from anomseer_core.timerpo.objective import clipped_objective, loss_shares
from anomseer_core.timerpo.transport import reasoning_rewards
from anomseer_core.training.rollout import Rollout, chunks, embed_experts, grade, score_responses
from infra.bench.grpo_ours import without_stopping
from infra.bench.grpo_setting import GroupSetting, build_setting
from infra.bench.report import Spread, print_report

HEADERS = ["", "seconds", "CPU seconds", "share", "GFLOP", "GFLOP/CPU s", "of a product"]
MATRIX = 2048
MATRIX_REPEATS = 5
Shape = tuple[int, ...]


def attention_flops(query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    return sdpa_flop_count(query, key, value)


def attention_backward_flops(gradient: Shape, query: Shape, key: Shape, value: Shape, *_: object, **__: object) -> int:
    return sdpa_backward_flop_count(gradient, query, key, value)


# torch by itself counts attention on a GPU only.
ATTENTION_ON_CPU = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention_flops,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: attention_backward_flops,
}


class Meter(Protocol):
    """Measures what runs inside `part(name)`; the same name adds up."""

    def part(self, name: str) -> AbstractContextManager[None]: ...


class Stopwatch:
    """Seconds by a clock; by default those that processors worked."""

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self.clock = clock
        self.totals: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        started = self.clock()
        yield
        self.totals[name] = self.totals.get(name, 0.0) + self.clock() - started


class Stopwatches:
    """Seconds on the wall and CPU seconds of the same parts."""

    def __init__(self) -> None:
        self.wall, self.cpu = Stopwatch(time.perf_counter), Stopwatch()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        with self.wall.part(name), self.cpu.part(name):
            yield


class FlopCount:
    """Floating-point operations of matrix products and attention."""

    def __init__(self) -> None:
        self.totals: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        with FlopCounterMode(display=False, custom_mapping=ATTENTION_ON_CPU) as counter:
            yield
        self.totals[name] = self.totals.get(name, 0.0) + counter.get_total_flops()


class ProfiledStep:
    """A TimerPO step of one rank, taken apart."""

    def __init__(self, setting: GroupSetting) -> None:
        self.setting = setting
        self.config = setting.job(alpha=0.3).config
        self.policy = without_stopping(load_policy(setting.policy))
        self.scorer = ResponseScorer(self.policy)
        self.reference = ResponseScorer(load_policy(setting.policy))
        self.reference.requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.scorer.parameters(), lr=self.config.learning_rate)
        self.examples = setting.examples()

    def run(self, meter: Meter) -> None:
        limit = self.setting.micro_responses
        with torch.no_grad(), self._arithmetic():
            rollout = self._roll_out(meter)
            with meter.part("scoring"):
                old = score_responses(self.scorer, rollout, limit, keep_states=True)
            with meter.part("expert"):
                expert = embed_experts(self.policy, self.scorer, rollout, self.config, limit)
            with meter.part("transport"):
                advantages = self._advantages(rollout, old, expert)
            with meter.part("reference"):
                reference = score_responses(self.reference, rollout, limit)
        self._update(meter, rollout, advantages, reference)

    def _roll_out(self, meter: Meter) -> Rollout:
        """As `collect_rollout`."""
        config, policy = self.config, self.policy
        with meter.part("rendering"):
            prompts = policy.processor.prompts([example.picture() for example in self.examples])
        names = [example.name for example in self.examples]
        uniforms = sampling_uniforms(config.seed, 0, names, config.group_size, config.max_response_tokens)
        with meter.part("sampling"):
            responses = sample_responses(policy, prompts, max_tokens=config.max_response_tokens, uniforms=uniforms)
        with meter.part("rewards"):
            texts = policy.processor.decode_responses(responses.ids, responses.mask)
            asked = [example for example in self.examples for _ in range(config.group_size)]
            rewards = [grade(text, example, config.rewards) for text, example in zip(texts, asked, strict=True)]
        return Rollout(self.examples, prompts, responses, texts, rewards)

    def _advantages(self, rollout: Rollout, old: Scores, expert: TokenStates) -> torch.Tensor:
        """Eq. 3-7. A policy that has learned nothing writes no reasoning tags, so every token counts as reasoning."""
        response = TokenStates(old.states, old.logprobs.exp(), rollout.responses.mask)
        index = torch.arange(len(rollout.examples)).repeat_interleave(rollout.group_size)
        distances = alignment_distance(self.config.transport, response, expert, index)
        rewards = rollout.reward_matrix()
        reasoning = reasoning_rewards(distances, self.config.transport.tau).view_as(rewards)
        return compose(rewards, reasoning, alpha=self.config.alpha, integration="orthogonal").final.flatten().float()

    def _update(self, meter: Meter, rollout: Rollout, advantages: torch.Tensor, reference: Scores) -> None:
        ids, mask = rollout.responses.ids, rollout.responses.mask
        shares = loss_shares(mask, self.config.loss_mean, responses=len(mask), tokens=int(mask.sum()))
        for chunk in chunks(rollout.prompts, rollout.group_size, self.setting.micro_responses):
            rows = chunk.rows
            with meter.part("forward"), self._arithmetic():
                scores = self.scorer(chunk.prompts, ids[rows], mask[rows], chunk.prompt_index)
            with meter.part("backward"):
                loss, _ = clipped_objective(
                    scores.logprobs,
                    scores.logprobs.detach(),
                    reference.logprobs[rows],
                    scores.entropy,
                    advantages[rows],
                    shares[rows],
                    clip=self.config.clip,
                    kl_weight=self.config.kl_weight,
                )
                loss.backward()
        with meter.part("optimizer"):
            self.optimizer.step()
            self.optimizer.zero_grad()

    def _arithmetic(self) -> AbstractContextManager:
        return autocast(self.policy.device, self.setting.precision)


def product_rate(precision: str) -> float:
    """GFLOP per CPU second of one large matrix product; the best of several."""
    left, right = torch.randn(2, MATRIX, MATRIX, dtype=getattr(torch, precision))
    seconds = []
    for _ in range(MATRIX_REPEATS + 1):
        started = time.process_time()
        left @ right
        seconds.append(time.process_time() - started)
    return 2 * MATRIX**3 / min(seconds[1:]) / 1e9


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory(prefix="anomseer-bench-") as folder:
        setting = build_setting(
            Path(folder),
            prompts=options.prompts,
            group=options.group,
            tokens=options.tokens,
            threads=options.threads,
        )
        torch.set_num_threads(setting.threads)
        try:
            print_profile(setting, profile(setting, options.rounds))
        finally:
            torch.set_num_threads(threads)


@dataclass(frozen=True)
class Profile:
    """By part: seconds on the wall, CPU seconds, floating-point operations; and the GFLOP/CPU s of a large product."""

    seconds: dict[str, Spread]
    cpu_seconds: dict[str, Spread]
    operations: dict[str, float]
    product: float


def profile(setting: GroupSetting, rounds: int) -> Profile:
    step, count = ProfiledStep(setting), FlopCount()
    # Counting slows a step down: it takes the place of the warm-up.
    step.run(count)
    watches = [Stopwatches() for _ in range(rounds)]
    for watch in watches:
        step.run(watch)
    seconds, cpu_seconds = (
        {name: Spread.of([getattr(watch, clock).totals[name] for watch in watches]) for name in count.totals}
        for clock in ("wall", "cpu")
    )
    return Profile(seconds, cpu_seconds, count.totals, product_rate(setting.precision))


def print_profile(setting: GroupSetting, measured: Profile) -> None:
    rows = [
        _row(name, measured, measured.seconds[name], measured.cpu_seconds[name], operations)
        for name, operations in measured.operations.items()
    ]
    totals = [sum(part.median for part in parts.values()) for parts in (measured.seconds, measured.cpu_seconds)]
    step = [Spread(total, total, total) for total in totals]
    rows.append(_row("step", measured, *step, sum(measured.operations.values())))
    title = (
        f"A TimerPO step: {setting.prompts} prompts x {setting.group} responses x {setting.tokens} tokens, nano, "
        f"{setting.threads} threads"
    )
    notes = [
        "median (lowest-highest) of the rounds; rendering includes the prompts' tensors",
        f"a {MATRIX}^3 product in {setting.precision}: {measured.product:.0f} GFLOP per CPU second",
    ]
    print_report(title, HEADERS, rows, notes)


def _row(name: str, measured: Profile, seconds: Spread, cpu_seconds: Spread, operations: float) -> list[str]:
    """A part that multiplies no matrices has no rate."""
    total = sum(part.median for part in measured.cpu_seconds.values())
    gflop = operations / 1e9
    rate = gflop / cpu_seconds.median if cpu_seconds.median else 0.0
    rates = [f"{gflop:.1f}", f"{rate:.0f}", f"{rate / measured.product:.1%}"] if gflop else ["-", "-", "-"]
    return [name, seconds.text(2), cpu_seconds.text(2), f"{cpu_seconds.median / total:.0%}", *rates]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.profile", description=__doc__.splitlines()[0])
    for name, default, text in (
        ("prompts", 16, "prompts a step"),
        ("group", 5, "responses to a prompt"),
        ("tokens", 96, "tokens of every response"),
        ("rounds", 3, "measured steps"),
        ("threads", 0, "threads; 0: one per core"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} (default {default})")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
