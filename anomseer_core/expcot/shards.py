"""A series artifact cut into shards of about equal work, what becomes of each view, and the shards put together.

Rules for what gets a trace: every view of a series (`view.views`), except views without a single sample, views of
fewer than 30 samples, and views that show an interval whose class is unknown, where the label is needed. What is left
out is counted by reason in the manifest.

The artifact is the same whatever the shards and wherever they ran.
"""

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from anomseer_core.expcot.scan import SHORTEST
from anomseer_core.expcot.trace_table import TRACES_FILE, TraceRow, write_trace_rows
from anomseer_core.fan_out import FanOut, in_process
from anomseer_core.observer import Observer
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.view import View, views

# One to three seconds of work on one core: often enough to show progress, and more than a shard costs Prefect.
VIEWS_PER_SHARD = 128
# A worker process imports for four seconds of one core before it writes its first trace.
FEWEST_VIEWS_TO_FAN_OUT = 1_000
SERIES_FILE = "series.parquet"


@dataclass(frozen=True)
class ShardTraces:
    """The traces of one shard; left_out: its views without one, by reason; views: how many it had."""

    rows: tuple[TraceRow, ...]
    left_out: Mapping[str, int]
    views: int


Shard = TypeVar("Shard")
WriteShard = Callable[[Shard], ShardTraces]


def cut(sizes: Sequence[int]) -> list[range]:
    """Consecutive rows of at most `VIEWS_PER_SHARD` views together; a series of more is a shard of its own.

    sizes: views of each row.
    """
    shards: list[range] = []
    start = held = 0
    for row, size in enumerate(sizes):
        if row > start and held + size > VIEWS_PER_SHARD:
            shards.append(range(start, row))
            start, held = row, 0
        held += size
    if start < len(sizes):
        shards.append(range(start, len(sizes)))
    return shards


def count_views(index: Sequence[tuple[str, int]]) -> list[int]:
    """Views of each series. index: id and length."""
    return [len(views(length)) for _, length in index]


def reason_to_leave_out(series: Series, view: View, *, needs_label: bool) -> str:
    """Why this view gets no trace; empty when it gets one."""
    if len(view) < SHORTEST:
        return f"under {SHORTEST} samples"
    if np.isnan(series.values[..., view.start : view.stop]).all():
        return "no sample"
    if needs_label and series.anomaly_class is AnomalyClass.UNKNOWN and view.clip(series.intervals):
        return "class unknown"
    return ""


def write_shards(
    write_shard: WriteShard[Shard],
    shards: Sequence[Shard],
    folder: Path,
    observer: Observer,
    fan_out: FanOut,
    *,
    total: int,
    left_out: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Write the traces of all shards, in order, into one file; returns the rows of a manifest.

    total: views of all shards. left_out: what was left out before, by reason. Raises ValueError when nothing is left.
    """
    reasons = Counter(left_out or {})
    with closing(_rows(write_shard, shards, observer, fan_out, total, reasons)) as rows:
        count = write_trace_rows(rows, folder / TRACES_FILE)
    for reason, views_without in sorted(reasons.items()):
        observer.line(f"{views_without} of {count + reasons.total()} views get no trace: {reason}")
    if not count:
        told = ", ".join(f"{number} x {reason}" for reason, number in sorted(reasons.items()))
        raise ValueError(f"not one of these series can have a trace ({told or 'there are none'}); give others")
    return {TRACES_FILE: count} | {f"left out ({reason})": number for reason, number in sorted(reasons.items())}


def _rows(
    write_shard: WriteShard[Shard],
    shards: Sequence[Shard],
    observer: Observer,
    fan_out: FanOut,
    total: int,
    reasons: Counter[str],
) -> Generator[TraceRow, None, None]:
    done = 0
    with closing(_spread(write_shard, shards, fan_out, total)) as results:
        for result in results:
            done += result.views
            reasons.update(result.left_out)
            observer.progress(done, total, "traces")
            yield from result.rows


def _spread(
    write_shard: WriteShard[Shard], shards: Sequence[Shard], fan_out: FanOut, total: int
) -> Generator[ShardTraces, None, None]:
    """Small work stays here. So does the first shard of large work: it compiles what all workers then load."""
    if total < FEWEST_VIEWS_TO_FAN_OUT:
        yield from in_process(write_shard, shards)
        return
    yield from in_process(write_shard, shards[:1])
    with closing(fan_out(write_shard, shards[1:])) as results:
        yield from results
