"""Synthesis: AnomLLM beside a straightforward program, Diverse, and how much memory a long stream takes.

The program (`tests/naive_anomllm.py`) draws one series at a time with scipy's distributions and loops over samples;
both give the same numbers, which is checked first. The stream is drawn, written to Parquet and read back in a process
of its own, whose largest resident memory is told. Rates are of CPU time on one core.
"""

import argparse
import itertools
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from anomseer_core.series import Series, read_series, write_series
from anomseer_core.synthesis import Benchmark, generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS, DIVERSE_TASKS, UNIVARIATE_DIVERSE_TASKS
from infra.bench.report import Spread, print_report
from infra.bench.rounds import compare, rate
from tests import naive_anomllm

SEED = 42
GROUPS = {
    "AnomLLM range": ("range",),
    "AnomLLM point": ("point", "noisy-point"),
    "AnomLLM frequency": ("freq", "noisy-freq"),
    "AnomLLM trend": ("trend", "flat-trend", "noisy-trend"),
    "AnomLLM, all eight tasks": ANOMLLM_TASKS,
}
HEADERS = ["series/s, one core", "ours", "straightforward", "ours / peer"]
STREAM_HEADERS = ["series", "drawn and written/s", "read/s", "file [MB]", "largest memory [MB]"]
PROCESS_FACTS = Path("/proc/self/status")


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    check_equal()
    rows = [
        compare(name, drawn("anomllm", tasks, options.count), peer(tasks, options.count), options.rounds)
        for name, tasks in GROUPS.items()
    ]
    for task in DIVERSE_TASKS:
        rates = [rate(drawn("diverse", (task,), options.count)) for _ in range(options.rounds)]
        rows.append([f"Diverse {task}", Spread.of(rates).text(0), "-", "-"])
    title = f"Synthesis: {options.count} series of each task, {options.rounds} rounds"
    print_report(title, HEADERS, rows, ["CPU time, median (lowest-highest); Diverse has 100 to 2,000 samples a series"])
    # A fresh process: what the rows above took is not its memory.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        row = process.submit(stream, options.stream).result()
    print_report("A stream of univariate Diverse series to Parquet and back", STREAM_HEADERS, [row])


def check_equal() -> None:
    """Raises AssertionError when the program and ours differ."""
    for task in ANOMLLM_TASKS:
        for series, (values, intervals) in zip(
            generate("anomllm", task, count=3), naive_anomllm.split(task, SEED, 3), strict=True
        ):
            np.testing.assert_allclose(series.values, values, rtol=0, atol=1e-9)
            assert list(series.intervals) == intervals


def drawn(benchmark: Benchmark, tasks: Sequence[str], count: int) -> Callable[[], int]:
    return lambda: sum(1 for task in tasks for _ in generate(benchmark, task, count=count))


def peer(tasks: Sequence[str], count: int) -> Callable[[], int]:
    return lambda: sum(len(naive_anomllm.split(task, SEED, count)) for task in tasks)


def stream(count: int) -> list[str]:
    """One row: draw, write and read back so many series."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "series.parquet"
        started = time.process_time()
        written = write_series(_mixed(count), path)
        written_at = time.process_time()
        read = sum(len(series) > 0 for series in read_series(path))
        read_at = time.process_time()
        assert written == read == count
        megabytes = path.stat().st_size / 1e6
    rates = [f"{count / seconds:,.0f}" for seconds in (written_at - started, read_at - written_at)]
    return [f"{count:,}", *rates, f"{megabytes:,.0f}", f"{largest_memory():,.0f}"]


def _mixed(count: int) -> Iterator[Series]:
    """The univariate tasks in turn."""
    tasks = [generate("diverse", task, count=count) for task in UNIVARIATE_DIVERSE_TASKS]
    return itertools.islice(itertools.chain.from_iterable(zip(*tasks, strict=True)), count)


def largest_memory() -> float:
    """The most memory [MB] this process has had resident; not a number where the system does not tell."""
    lines = PROCESS_FACTS.read_text().splitlines() if PROCESS_FACTS.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), float("nan"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.synthesis", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=50, help="series of each task (default 50)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default 5)")
    parser.add_argument("--stream", type=int, default=3000, help="series of the stream (default 3000)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
