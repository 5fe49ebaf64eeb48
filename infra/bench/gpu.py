"""The real Qwen2.5-VL-3B architecture on GPUs: seconds, tokens a second and peak memory of each part of a TimerPO step.

    python -m infra.bench.gpu --output docs/results/gpu.md

needs torch, transformers and deepspeed alone (peft too for LoRA). One process per GPU is started for each case: full
fine-tuning at ZeRO stages 2 and 3, with and without offload of the optimiser, and LoRA; at fixed response lengths. What
is timed stands in `gpu_step.py`. A case that does not fit says so, and the next one starts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil
import torch

from anomseer_core.policy.config import WeightsConfig
from anomseer_core.training.config import LaunchConfig
from infra.bench.gpu_step import PRESETS, Case, Measured, write_case
from infra.bench.report import commit, installed_version, machine

LIBRARIES = ("torch", "transformers", "deepspeed", "peft")
LORA_RANK = 64
KINDS: dict[str, tuple[int, str, int]] = {
    "full, ZeRO-2": (2, "none", 0),
    "full, ZeRO-2, offload": (2, "optimizer", 0),
    "full, ZeRO-3": (3, "none", 0),
    "full, ZeRO-3, offload": (3, "optimizer", 0),
    f"LoRA {LORA_RANK}, ZeRO-2": (2, "none", LORA_RANK),
}
PARTS = ("sampling", "scoring", "reference", "forward and backward", "optimiser")
PRESET_NAMES = {"3b": "Qwen2.5-VL-3B architecture", "tiny": "A tiny Qwen2.5-VL, to see that the benchmark runs"}
HEADERS = ["case", "response tokens", *PARTS, "whole step", "tokens/s", "peak GiB", "card-seconds a response"]
# 250 steps of 128 prompts x 5 responses in 12.4 hours on four 48 GB cards (step counts by the released settings).
PAPER_CARD_SECONDS = 12.4 * 3600 * 4 / (250 * 128 * 5)
TIMEOUT_SECONDS = 1800


@dataclass(frozen=True)
class Outcome:
    """A case with what was measured, or with why it was not."""

    case: Case
    measured: Measured | None = None
    reason: str = ""


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    if not torch.cuda.is_available() and options.preset != "tiny":
        print("\ngpu: no GPU is at hand; `python -m infra.bench.gpu --preset tiny` shows that the benchmark runs")
        return
    outcomes = []
    for case in build_cases(options):
        outcomes.append(measure(case, options.timeout))
        print(f"{case.name}, {case.tokens} tokens: {outcomes[-1].reason or 'measured'}", file=sys.stderr, flush=True)
    page = format_page(outcomes)
    print(page)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(page, encoding="utf-8")


def build_cases(options: argparse.Namespace) -> list[Case]:
    shared = {"precision": "bfloat16", "gradient_checkpointing": True, "micro_responses": options.group}
    cases = []
    for tokens in options.tokens:
        for name in options.cases:
            stage, offload, rank = KINDS[name]
            launch = LaunchConfig(ranks=options.ranks, zero_stage=stage, offload=offload, **shared)
            weights = WeightsConfig(lora_rank=rank, lora_alpha=2 * rank) if rank else WeightsConfig()
            sizes = {"prompts": options.prompts, "group": options.group, "prompt_tokens": options.prompt_tokens}
            cases.append(Case(name, launch, weights, options.preset, tokens, rounds=options.rounds, **sizes))
    return cases


def measure(case: Case, timeout: float) -> Outcome:
    """Run a case in processes of its own: memory that one case leaves behind must not count for the next."""
    if case.weights.lora_rank and find_spec("peft") is None:
        return Outcome(case, reason="peft is not installed")
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "measured.json"
        ranks = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(case.launch.ranks)]
        step = ["-m", "infra.bench.gpu_step", write_case(case), str(result)]
        environment = os.environ | ({} if torch.cuda.is_available() else {"DS_ACCELERATOR": "cpu"})
        try:
            output = run_family([sys.executable, *ranks, *step], environment, timeout)
        except subprocess.TimeoutExpired:
            return Outcome(case, reason=f"stopped after {timeout:.0f} s")
        if not result.exists():
            return Outcome(case, reason=failure_reason(output))
        return Outcome(case, Measured(**json.loads(result.read_text())))


def run_family(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> str:
    """What a command and its children say; however this is left, none of them stays."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment, text=True, errors="replace", **streams)
    try:
        return process.communicate(timeout=timeout)[0]
    finally:
        end_family(process)


def end_family(process: subprocess.Popen[str]) -> None:
    """torch's launcher gives every rank a session of its own, where no signal to a group would reach it."""
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.wait()


def failure_reason(output: str) -> str:
    if "OutOfMemoryError" in output or "out of memory" in output:
        return "out of memory"
    errors = [line for line in output.splitlines() if "Error: " in line]
    return errors[0].partition("]:")[2].strip() or errors[0] if errors else "failed without a message"


def format_page(outcomes: Sequence[Outcome]) -> str:
    """The Markdown page of one run: where it ran, the table, and what its columns mean."""
    case = outcomes[0].case
    rows = [HEADERS, ["---"] + ["---:"] * (len(HEADERS) - 1), *(format_row(outcome) for outcome in outcomes)]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"""# Speed and memory on GPUs

{PRESET_NAMES[case.preset]}, random weights, {case.launch.precision}, gradient checkpointing. \
{case.launch.ranks} x {device_name()}; {machine()}; {versions()}; commit {commit()}.

Each rank: {case.prompts} prompts of {case.prompt_tokens} tokens with one 805x124 picture, {case.group} responses \
each, one group at a time through scoring and update. Seconds of a step, median of {case.rounds} after one to warm up; \
tokens/s are response tokens of all ranks over the whole step.

{table}

The paper's run took 12.4 hours on four 48 GB cards. By the released settings that is 250 steps of 128 x 5 responses: \
{PAPER_CARD_SECONDS:.2f} card-seconds a response, at lengths it does not state, with vLLM for sampling. Rendering, \
rewards and transport run beside the GPU and are not in this table.
"""


def format_row(outcome: Outcome) -> list[str]:
    case, measured = outcome.case, outcome.measured
    if measured is None:
        return [case.name, str(case.tokens), outcome.reason, *[""] * (len(HEADERS) - 3)]
    seconds = measured.medians()
    whole = sum(seconds.values())
    responses = case.prompts * case.group
    figures = [f"{seconds[part]:.2f}" for part in PARTS]
    rate = responses * case.tokens * case.launch.ranks / whole
    return [
        case.name,
        str(case.tokens),
        *figures,
        f"{whole:.2f}",
        f"{rate:.0f}",
        f"{measured.peak_gib:.1f}",
        f"{whole / responses:.2f}",
    ]


def device_name() -> str:
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU process"


def versions() -> str:
    return ", ".join(f"{name} {version}" for name in LIBRARIES if (version := installed_version(name)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--preset", choices=PRESETS, default="3b", help="the architecture (default 3b)")
    parser.add_argument("--cases", nargs="+", choices=KINDS, default=list(KINDS), metavar="CASE", help=", ".join(KINDS))
    parser.add_argument("--tokens", nargs="+", type=int, default=[256, 1024], help="response lengths [tokens]")
    parser.add_argument("--ranks", type=int, default=torch.cuda.device_count() or 1, help="processes (one per GPU)")
    parser.add_argument("--prompts", type=int, default=4, help="prompts a rank and step (default 4)")
    parser.add_argument("--group", type=int, default=5, help="responses a prompt (default 5)")
    parser.add_argument("--prompt-tokens", type=int, default=400, help="length of a prompt, picture included [tokens]")
    parser.add_argument("--rounds", type=int, default=3, help="measured steps (default 3)")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_SECONDS, help="longest run of a case [s]")
    parser.add_argument("--output", type=Path, help="file for the page")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
