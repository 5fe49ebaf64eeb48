"""Detectors of an evaluation: wall time on one process and on two, over the same shards of the same series.

Two processes are those of `tasks/fan_out.py`, with a Prefect task for each shard, as an evaluation spreads them; their
start, some four seconds of a core each, is part of the time. It is wall time: where other work shares the cores, as
the load in the heading tells, the ratio is lower than on a machine of its own.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anomseer_core.baselines.config import Classical
from anomseer_core.evaluation.baseline_predictions import run_baseline
from anomseer_core.evaluation.config import BaselineConfig
from anomseer_core.evaluation.detector import SERIES_FILE
from anomseer_core.evaluation.shards import Shard, cut_by_samples
from anomseer_core.fan_out import FanOut, in_process
from anomseer_core.series import index_series
from anomseer_core.settings import Settings
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from flows.embedded_api import embedded_api
from flows.environment import prepare
from infra.bench.report import Spread, print_report
from infra.bench.traces import one_core

PROCESSES = 2
DETECTORS: tuple[Classical, ...] = ("ensemble", "isolation-forest")
HEADERS = ["seconds of an evaluation", "series", "one process", "two processes", "one / two"]
NOTE = "wall time, median (lowest-highest) of the rounds, the start of the processes included"


def main(arguments: Sequence[str] = ()) -> None:
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        series = synthesize(ArtifactStore(Path(folder)), AnomLLMConfig(count=options.count))
        with over_processes(Path(folder)) as fan_out:
            rows = [compare(series, name, options, fan_out) for name in options.detector or DETECTORS]
    title = f"Detectors over {PROCESSES} processes of {len(os.sched_getaffinity(0))} cores, {options.rounds} rounds"
    print_report(title, HEADERS, rows, [NOTE])


@contextmanager
def over_processes(home: Path) -> Iterator[FanOut]:
    """The fan-out of `anomseer evaluate`, with two processes and a Prefect API of its own below `home`."""
    prepare(Settings(home=home))
    with embedded_api(home / "prefect") as api:
        os.environ.update(
            PREFECT_API_URL=api.url,
            PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS=str(PROCESSES),
            PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW="ignore",
        )
        # Prefect reads its settings when it is imported, and its threads see those alone.
        from tasks.fan_out import fan_out

        api.wait()
        yield fan_out


def compare(series: Artifact, name: Classical, options: argparse.Namespace, fan_out: FanOut) -> list[str]:
    """One row: both times, and their ratio round by round, after one shard has compiled what is compiled."""
    count = sum(len(shard.rows) for shard in cut(series, name, "count"))
    list(in_process(run_baseline, cut(series, name, "warm-up")[:1]))
    pairs = []
    for number in range(options.rounds):
        with one_core():
            one = seconds(in_process, cut(series, name, f"{number}-one"))
        pairs.append((one, seconds(fan_out, cut(series, name, f"{number}-two"))))
    ones, twos = zip(*pairs, strict=True)
    ratio = Spread.of([one / two for one, two in pairs])
    return [name, f"{count:,}", Spread.of(ones).text(1), Spread.of(twos).text(1), ratio.text(2, "x")]


def cut(series: Artifact, name: Classical, part: str) -> list[Shard]:
    """The shards of an evaluation, whose files go into a folder of their own."""
    path = series.file(SERIES_FILE)
    lengths = [length for _, length in index_series(path)]
    folder = series.path.parent / name / part
    config = BaselineConfig(name=name)
    return [Shard(path, rows, folder / f"{rows.start}-{rows.stop}.parquet", config) for rows in cut_by_samples(lengths)]


def seconds(spread: FanOut, shards: Sequence[Shard]) -> float:
    """Wall time until the last shard is written."""
    started = time.perf_counter()
    answered = sum(spread(run_baseline, shards))
    assert answered == sum(len(shard.rows) for shard in shards)
    return time.perf_counter() - started


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.bench.evaluation", description=__doc__.splitlines()[0])
    parser.add_argument("--detector", action="append", help=f"may be repeated; {' and '.join(DETECTORS)} by default")
    parser.add_argument("--count", type=int, default=100, help="series of each AnomLLM task (default 100)")
    parser.add_argument("--rounds", type=int, default=1, help="rounds of each row (default 1)")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
