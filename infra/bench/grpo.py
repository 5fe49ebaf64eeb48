"""A whole GRPO step, ours beside TRL's: samples a second, CPU seconds and peak memory.

Both sides get the same tiny Qwen2.5-VL weights, prompts, pictures, rewards, group size and micro-batches, and
responses of one fixed length. Each runs in a process of its own, in turns. Ours is the step of a training run
(sampling, rewards, reference, update by DeepSpeed, drawing the pictures); TRL's is that of `GRPOTrainer`.

TRL is an extra of its own and stays out of the environment, because accelerate, which it brings, makes transformers
import DeepSpeed whenever it saves a model. `make bench` installs it into `.venv/trl`; for this benchmark alone, then:

    PYTHONPATH=.venv/trl .venv/bin/python -m infra.bench.grpo
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.bench.grpo_setting import GroupSetting, build_setting
from infra.bench.report import REPOSITORY, Spread, print_report

HEADERS = ["", "ours", "TRL", "ratio"]
MISSING = (
    "grpo: skipped, TRL is not installed; `make bench` installs it beside the environment, as the head of "
    "infra/bench/grpo.py says (or pip install --constraint constraints.txt --editable '.[bench]')"
)


@dataclass(frozen=True)
class Measured:
    """One process of one side: seconds and CPU seconds of each step, and the peak of its resident memory."""

    seconds: list[float]
    cpu_seconds: list[float]
    peak_megabytes: float

    @property
    def seconds_per_step(self) -> float:
        return sum(self.seconds) / len(self.seconds)

    @property
    def cpu_per_step(self) -> float:
        return sum(self.cpu_seconds) / len(self.cpu_seconds)


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    if importlib.util.find_spec("trl") is None:
        print(MISSING)
        return
    with tempfile.TemporaryDirectory(prefix="anomseer-bench-") as folder:
        setting = build_setting(
            Path(folder),
            prompts=options.prompts,
            group=options.group,
            tokens=options.tokens,
            steps=options.steps,
            warm_up=options.warm_up,
            threads=options.threads,
        )
        path = Path(folder) / "setting.json"
        path.write_text(setting.model_dump_json(), encoding="utf-8")
        pairs = [(measure("grpo_ours", path), measure("grpo_trl", path)) for _ in range(options.rounds)]
    print_comparison(setting, pairs)


def measure(side: str, setting: Path) -> Measured:
    """Run one side. Raises RuntimeError with the end of its output when it fails."""
    command = [sys.executable, "-m", f"infra.bench.{side}", str(setting)]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
    if finished.returncode:
        raise RuntimeError(f"{side} failed:\n" + "\n".join(finished.stderr.splitlines()[-20:]))
    return Measured(**json.loads(finished.stdout.splitlines()[-1]))


def print_comparison(setting: GroupSetting, pairs: Sequence[tuple[Measured, Measured]]) -> None:
    samples = setting.prompts * setting.group
    title = (
        f"A GRPO step: {setting.prompts} prompts x {setting.group} responses x {setting.tokens} tokens, nano, "
        f"{setting.precision}, {setting.threads} threads, {len(pairs)} rounds of {setting.steps} steps"
    )
    rows = [
        _row("samples/s", [[samples / side.seconds_per_step for side in pair] for pair in pairs], 2),
        _row("CPU seconds a step", [[side.cpu_per_step for side in pair] for pair in pairs], 1),
        _row("peak memory, MB", [[side.peak_megabytes for side in pair] for pair in pairs], 0),
    ]
    notes = ["median (lowest-highest) of the rounds; ratio: ours / TRL, round by round"]
    print_report(title, HEADERS, rows, notes)


def _row(name: str, pairs: Sequence[Sequence[float]], digits: int) -> list[str]:
    ours, theirs = zip(*pairs, strict=True)
    ratio = Spread.of([mine / other for mine, other in pairs])
    return [name, Spread.of(ours).text(digits), Spread.of(theirs).text(digits), ratio.text(2, "x")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.grpo", description=__doc__.splitlines()[0])
    for name, default, text in (
        ("prompts", 16, "prompts a step"),
        ("group", 5, "responses to a prompt"),
        ("tokens", 96, "tokens of every response"),
        ("rounds", 3, "times that both sides take turns"),
        ("steps", 1, "measured steps of a side in a round"),
        ("warm-up", 1, "steps before them"),
        ("threads", 0, "threads of a side; 0: one per core"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} (default {default})")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
