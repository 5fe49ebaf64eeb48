"""The shipped policy as a detector: series a second on these cores, beside `generate` of transformers.

Both draw the same pictures, decode the same prompts greedily in batches of one size, and read the responses: with
reasoning, and directly (`policy/direct.py`). Each arithmetic has a process of its own, since what a processor may do is
decided when libraries are loaded: `AVX2` holds torch, oneDNN and MKL to what processors without AVX-512 have, the
others take what there is. bfloat16 is left out where the processor does not multiply it.

It is wall time, as the goal is (5 series a second with reasoning and 20 directly, on two cores): what other programs of
the machine take lowers it, and the load stands in the heading.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from transformers import AutoModelForImageTextToText

from anomseer_core.configurations import NANO_DECODING
from anomseer_core.evaluation.answers import read_answer
from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.policy.detector import PolicyDetector
from anomseer_core.policy.direct import begin_responses, direct_beginning
from anomseer_core.policy.folder import require_shipped
from anomseer_core.policy.model import Policy, load_policy
from anomseer_core.policy.precision import autocast, has_bfloat16_cpu
from anomseer_core.rendering import render
from anomseer_core.series import Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS
from anomseer_core.view import views
from infra.bench.report import Spread, print_report

HEADERS = ["series a second", "with", "ours", "transformers", "ours / transformers"]
NOTE = "wall time, median (lowest-highest) of the rounds, after one batch of both that is not counted"
HELD_TO_AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
CPU = torch.device("cpu")
Answer = Callable[[Sequence[Series]], list[str]]


@dataclass(frozen=True)
class Arithmetic:
    """A precision, and what holds the processor to an older one's instructions."""

    name: str
    precision: str
    environment: dict[str, str]


@dataclass(frozen=True)
class Rates:
    """Series a second, round by round, of both."""

    ours: list[float]
    peer: list[float]


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    if options.precision:
        print(json.dumps({way: asdict(measure(options, direct=way == "direct")) for way in ("reasoning", "direct")}))
        return
    rows = [row for arithmetic in arithmetics() for row in run_apart(arithmetic, options)]
    count = options.count * len(ANOMLLM_TASKS)
    title = f"Answers of the shipped policy: {count} AnomLLM series, batches of {NANO_DECODING.batch_size}, "
    print_report(title + f"{len(os.sched_getaffinity(0))} cores, {options.rounds} rounds", HEADERS, rows, [NOTE])


def arithmetics() -> list[Arithmetic]:
    """Those of this processor, the slowest first."""
    plain = [Arithmetic("float32, AVX2", "float32", HELD_TO_AVX2), Arithmetic("float32", "float32", {})]
    return [*plain, Arithmetic("bfloat16", "bfloat16", {})] if has_bfloat16_cpu() else plain


def run_apart(arithmetic: Arithmetic, options: argparse.Namespace) -> list[list[str]]:
    """The two rows of an arithmetic, measured in a process of their own."""
    command = [sys.executable, "-m", "infra.bench.answers", "--precision", arithmetic.precision]
    command += ["--count", str(options.count), "--rounds", str(options.rounds)]
    environment = os.environ | arithmetic.environment
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    ways = {way: Rates(**rates) for way, rates in json.loads(done.stdout).items()}
    return [row(way, arithmetic.name, rates) for way, rates in ways.items()]


def row(way: str, arithmetic: str, rates: Rates) -> list[str]:
    ratios = Spread.of([ours / peer for ours, peer in zip(rates.ours, rates.peer, strict=True)])
    return [way, arithmetic, Spread.of(rates.ours).text(1), Spread.of(rates.peer).text(1), ratios.text(2, "x")]


def measure(options: argparse.Namespace, *, direct: bool) -> Rates:
    """Both in turns, on series of every task, whose responses are of different lengths."""
    config = NANO_DECODING.model_copy(update={"reasoning": "skipped"}) if direct else NANO_DECODING
    policy = load_policy(require_shipped(), device=CPU)
    ways = (our_answers(policy, config, options.precision), peer_answers(policy, config, options.precision))
    tasks = [list(generate("anomllm", task, count=options.count)) for task in ANOMLLM_TASKS]
    series = [item for place in zip(*tasks, strict=True) for item in place]
    for answer in ways:
        answer(series[: config.batch_size])
    pairs = [[rate(answer, series) for answer in ways] for _ in range(options.rounds)]
    return Rates(*(list(rates) for rates in zip(*pairs, strict=True)))


def rate(answer: Answer, series: Sequence[Series]) -> float:
    """Series in a second of wall time."""
    started = time.perf_counter()
    answer(series)
    return len(series) / (time.perf_counter() - started)


def our_answers(policy: Policy, config: DecodingConfig, precision: str) -> Answer:
    """The detector of an evaluation."""
    detector = PolicyDetector(policy, config, precision=precision)
    return lambda series: [prediction.response for prediction in detector.detect(series)]


def peer_answers(policy: Policy, config: DecodingConfig, precision: str) -> Answer:
    """The same with the model as transformers loads it, and its `generate`."""
    model = AutoModelForImageTextToText.from_pretrained(require_shipped(), dtype=torch.float32)
    processor = policy.processor
    beginning = direct_beginning(processor, config.max_response_tokens) if config.reasoning == "skipped" else []

    def answer(batch: Sequence[Series]) -> list[str]:
        prompts = begin_responses(processor.prompts([render(item, *views(len(item))) for item in batch]), beginning)
        before = prompts.input_ids.shape[1]
        with torch.inference_mode(), autocast(CPU, precision):
            ids = model.generate(
                input_ids=prompts.input_ids,
                attention_mask=prompts.prompt_mask.long(),
                pixel_values=prompts.pixel_values,
                image_grid_thw=prompts.image_grid,
                mm_token_type_ids=(prompts.input_ids == processor.image_token_id).int(),
                max_new_tokens=config.max_response_tokens - len(beginning),
                do_sample=False,
                suppress_tokens=policy.forbidden.tolist(),
                eos_token_id=processor.stop_token_id,
                pad_token_id=processor.tokenizer.pad_token_id,
            )[:, before - len(beginning) :]
        texts: list[str] = processor.tokenizer.batch_decode(ids, skip_special_tokens=True)
        for item, text in zip(batch, texts, strict=True):
            read_answer(text, *views(len(item)))
        return texts

    size = config.batch_size
    return lambda series: [
        text for first in range(0, len(series), size) for text in answer(series[first : first + size])
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.answers", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10, help="series of each AnomLLM task (default 10)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of each row (default 2)")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], help="measure this one here, and print JSON")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
