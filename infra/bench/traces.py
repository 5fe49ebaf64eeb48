"""Expert traces: how many a second on one core, beside a straightforward use of stumpy and scipy.

Series of 1,000 samples in the class mix of AnomLLM, after warm-up (kernels compiled, caches filled). Ours measures,
writes the text and, where it says so, checks every number of it; the peer (`plain_analysis.py`) takes the same
measurements and writes nothing. Both take turns on the same series, on one core with one thread.
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numba
from threadpoolctl import threadpool_limits

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.scan import scan
from anomseer_core.expcot.trace import write_scanned, write_trace
from anomseer_core.expcot.verification import verify_scanned
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS
from infra.bench import plain_analysis
from infra.bench.report import Spread, print_report

HEADERS = ["traces/s, one core", "ours", "stumpy and scipy", "ours / peer"]
RULES = ProbeThresholds()
Work = Callable[[Series], object]


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    mix = [item for task in ANOMLLM_TASKS for item in generate("anomllm", task, count=options.count)]
    normal = [item for item in mix if item.anomaly_class is AnomalyClass.NORMAL]
    # stumpy's advice for profiles near zero, which repeating series rightly have; printing it would cost the peer time.
    warnings.filterwarnings("ignore", message="A large number of values in `P` are smaller")
    with one_core():
        rows = [
            compare(name, series, ours, peer, options.rounds)
            for name, series, ours, peer in (
                ("full", mix, write_trace, measure_class),
                ("full, every number checked", mix, write_checked, measure_class),
                ("brief", mix, lambda item: write_trace(item, style="brief"), measure_class),
                ("full, normal series", normal, write_trace, measure_class),
                ("full, blind", mix, lambda item: write_trace(item, blind=True), measure_everything),
            )
        ]
    title = f"Expert traces: {len(mix)} AnomLLM series of 1,000 samples, {len(normal)} normal, {options.rounds} rounds"
    print_report(title, HEADERS, rows, ["median (lowest-highest) of the rounds; the peer writes and checks no text"])


def write_checked(series: Series) -> None:
    """As the stage does it: one scan for the trace and for its check."""
    scanned = scan(series, RULES)
    trace = write_scanned(scanned, series, style="full", blind=False, seed=0, rules=RULES)
    verify_scanned(trace.text, scanned, scanned.view.to_units(series.intervals), RULES)


def measure_class(series: Series) -> None:
    plain_analysis.measure(series, series.anomaly_class)


def measure_everything(series: Series) -> None:
    plain_analysis.measure(series, AnomalyClass.NORMAL)


def compare(name: str, series: Sequence[Series], ours: Work, peer: Work, rounds: int) -> list[str]:
    """One row: rates of both, and their ratio round by round, which the machine's state cancels out of."""
    for item in series:
        ours(item)
        peer(item)
    rates = [(rate(ours, series), rate(peer, series)) for _ in range(rounds)]
    mine, other = zip(*rates, strict=True)
    ratio = Spread.of([a / b for a, b in rates])
    return [name, Spread.of(mine).text(0), Spread.of(other).text(0), ratio.text(2, "x")]


def rate(work: Work, series: Sequence[Series]) -> float:
    """Series a second."""
    started = time.perf_counter()
    for item in series:
        work(item)
    return len(series) / (time.perf_counter() - started)


@contextmanager
def one_core() -> Iterator[None]:
    """Hold this process to one core, and its libraries to one thread."""
    cores = os.sched_getaffinity(0)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, cores)
        numba.set_num_threads(threads)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.traces", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10, help="series of each AnomLLM task (default 10)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each row (default 5)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
