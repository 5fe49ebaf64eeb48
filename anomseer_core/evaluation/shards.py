"""Predictions made shard by shard: spread over processes where that pays, and kept until all of them are there.

The series of an artifact are cut into shards of consecutive rows. A finished shard is a file of
`HOME/runs/predictions-<recipe>/`, written whole or not at all, by whichever process worked on it. A run that is stopped
and started again computes only what is missing; once the artifact is published the folder goes. The recipe names
inputs, configuration and code, so a shard of other code is never taken for one of this.

The artifact is the same whatever the shards and wherever they ran.
"""

import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from anomseer_core.config import Config
from anomseer_core.evaluation.detector import SERIES_FILE, Detector, timed
from anomseer_core.evaluation.prediction import (
    PREDICTIONS_FILE,
    PREDICTIONS_SCHEMA,
    Prediction,
    from_row,
    to_row,
    write_predictions,
)
from anomseer_core.fan_out import FanOut, in_process
from anomseer_core.observer import Observer
from anomseer_core.recipe import Recipe
from anomseer_core.series import index_series, read_series
from anomseer_core.store import Artifact, ArtifactStore

log = logging.getLogger(__name__)
SHARD_SCHEMA = PREDICTIONS_SCHEMA.append(pa.field("seconds", pa.float64()))
# About a second of work of the slower detectors.
SAMPLES_PER_SHARD = 32_000
# [s] Processor time left to spend in one process; workers take four seconds of a core each before they begin.
WORTH_SPREADING_SECONDS = 20.0


@dataclass(frozen=True)
class Shard:
    """Consecutive rows of a series file, the file that will hold their predictions, and the config of their stage."""

    series: Path
    rows: range
    target: Path
    config: Config


# Works on a shard with `detect_shard` and returns the number of its series; picklable where it is spread.
AnswerShard = Callable[[Shard], int]


def predict_in_shards(
    store: ArtifactStore,
    recipe: Recipe,
    series: Artifact,
    answer: AnswerShard,
    observer: Observer,
    *,
    cut: Callable[[Sequence[int]], list[range]] | None = None,
    fan_out: FanOut = in_process,
) -> Artifact:
    """The predictions artifact of a recipe, whose work `answer` does shard by shard.

    cut: the rows of each shard from the lengths of the series; by samples if not given.
    """
    kept = store.home / "runs" / f"predictions-{recipe.key[:20]}"
    seconds: dict[str, float] = {}

    def write(directory: Path) -> dict[str, int]:
        path = series.file(SERIES_FILE)
        lengths = [length for _, length in index_series(path)]
        shards = [
            Shard(path, rows, kept / f"{rows.start}-{rows.stop}.parquet", recipe.config)
            for rows in (cut or cut_by_samples)(lengths)
        ]
        kept.mkdir(parents=True, exist_ok=True)
        _work(answer, shards, observer, fan_out)
        return {PREDICTIONS_FILE: write_predictions(_join(answer, shards, seconds), directory / PREDICTIONS_FILE)}

    artifact = store.produce(recipe, write, volatile=lambda: {"seconds": seconds})
    shutil.rmtree(kept, ignore_errors=True)
    return artifact


def cut_by_samples(lengths: Sequence[int], most: int = SAMPLES_PER_SHARD) -> list[range]:
    """Consecutive rows of at most so many samples together; a longer series is a shard of its own.

    >>> cut_by_samples([10, 20, 5, 40, 1], most=30)
    [range(0, 2), range(2, 3), range(3, 4), range(4, 5)]
    """
    shards: list[range] = []
    start = held = 0
    for row, length in enumerate(lengths):
        if row > start and held + length > most:
            shards.append(range(start, row))
            start, held = row, 0
        held += length
    return [*shards, range(start, len(lengths))] if start < len(lengths) else shards


def cut_by_count(count: int) -> Callable[[Sequence[int]], list[range]]:
    """Cuts into shards of `count` series, the last of fewer."""
    return lambda lengths: [range(row, min(row + count, len(lengths))) for row in range(0, len(lengths), count)]


def detect_shard(detector: Detector, shard: Shard) -> int:
    """Run a detector over a shard and write its file; returns the number of series."""
    rows = [
        to_row(prediction) | {"seconds": seconds}
        for prediction, seconds in timed(detector.detect(read_series(shard.series, shard.rows)))
    ]
    # Another process may work on the same shard: both write the same, and either may be the last.
    partial = shard.target.with_suffix(f".{os.getpid()}-{uuid.uuid4().hex[:8]}")
    shard.target.parent.mkdir(parents=True, exist_ok=True)
    try:
        pq.write_table(pa.Table.from_pylist(rows, schema=SHARD_SCHEMA), partial)
        os.replace(partial, shard.target)
    finally:
        partial.unlink(missing_ok=True)
    return len(rows)


def _work(answer: AnswerShard, shards: Sequence[Shard], observer: Observer, fan_out: FanOut) -> None:
    total = sum(len(shard.rows) for shard in shards)
    missing = [shard for shard in shards if not _is_finished(shard)]
    done = total - sum(len(shard.rows) for shard in missing)
    if done:
        log.info("%d of %d series were answered before this run was started again", done, total)
    observer.progress(done, total, "series")
    with closing(_spread(answer, missing, fan_out)) as counts:
        for count in counts:
            done += count
            observer.progress(done, total, "series")


def _spread(answer: AnswerShard, shards: Sequence[Shard], fan_out: FanOut) -> Generator[int, None, None]:
    """In this process as long as that is the quicker way: what was done tells what the rest will take.

    The first shard is not counted: it imports and compiles. Processor time counts, whoever else uses the machine.
    """
    started = 0.0
    for done, shard in enumerate(shards):
        spent = time.process_time() - started
        if done > 1 and spent / (done - 1) * (len(shards) - done) > WORTH_SPREADING_SECONDS:
            with closing(fan_out(answer, shards[done:])) as counts:
                yield from counts
            return
        yield answer(shard)
        started = started or time.process_time()


def _is_finished(shard: Shard) -> bool:
    """Whether its file is there and whole; one that cannot be read is computed again."""
    try:
        with pq.ParquetFile(shard.target) as file:
            return file.schema_arrow.equals(SHARD_SCHEMA) and file.metadata.num_rows == len(shard.rows)
    except (OSError, pa.ArrowException):
        return False


def _join(answer: AnswerShard, shards: Iterable[Shard], seconds: dict[str, float]) -> Iterator[Prediction]:
    for shard in shards:
        if not _is_finished(shard):
            # A process that made the same artifact at the same time has tidied up.
            answer(shard)
        for row in pq.read_table(shard.target).to_pylist():
            seconds[row["series_id"]] = row.pop("seconds")
            yield from_row(row)
