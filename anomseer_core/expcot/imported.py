"""Traces somebody else wrote, checked against the series and stored like our own.

Every series that can have a trace must have one, and every trace its series: what is wrong is refused by name, before
any work is done. What a file of traces looks like is told in `foreign_file.py`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from anomseer_core.config import Config
from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds
from anomseer_core.expcot.foreign_file import ForeignTrace, read_trace_file, require_trace_file
from anomseer_core.expcot.shards import SERIES_FILE, ShardTraces, cut, reason_to_leave_out, write_shards
from anomseer_core.expcot.trace_table import TraceRow
from anomseer_core.expcot.verification import verify_trace
from anomseer_core.fan_out import FanOut
from anomseer_core.observer import Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.series import index_series, read_series
from anomseer_core.store import Artifact, ArtifactStore, file_digest
from anomseer_core.view import LONGEST_VIEW, View, views

STAGE = Stage(
    name="import-traces",
    kind="traces",
    modules=("anomseer_core.expcot.imported",),
    libraries=("numpy", "scipy", "stumpy", "numba", "pyarrow"),
)
Told = tuple[View, str]


class ImportedTraces(Config):
    """What shapes the traces besides the series: the file by its name and content, not by where it lies."""

    name: str = Field(description="Name of the file, which the traces give as their source.")
    digest: str = Field(description="SHA-256 of the file.")
    rules: ProbeThresholds


@dataclass(frozen=True)
class ForeignShard:
    """Some rows of a series file, and for each of them the views and texts of its traces."""

    series: Path
    rows: range
    traces: tuple[tuple[Told, ...], ...]
    source: str
    rules: ProbeThresholds


def import_traces(
    store: ArtifactStore, series: Artifact, config: ExpCoTConfig, observer: Observer, fan_out: FanOut
) -> Artifact:
    """File the traces of `config.source.path`. Raises FileNotFoundError or ValueError, naming what to mend."""
    path = require_trace_file(config.source.path)
    shaping = ImportedTraces(name=path.name, digest=file_digest(path), rules=config.rules)

    def write(folder: Path) -> dict[str, int]:
        observer.line(f"{path.name}: its traces keep their style and wording; expcot.style and expcot.seed do nothing")
        told = assign(read_trace_file(path), series.file(SERIES_FILE), path.name)
        return check_traces(
            series.file(SERIES_FILE), told, folder, observer, fan_out, source=f"file {path.name}", rules=config.rules
        )

    return store.produce(Recipe(STAGE, {"series": series.reference}, shaping), write)


def assign(traces: Sequence[ForeignTrace], series: Path, name: str) -> list[tuple[Told, ...]]:
    """The traces of each row of a series file, in the order of their views; raises ValueError for any mismatch."""
    index = index_series(series)
    lengths = dict(index)
    told: dict[str, dict[View, str]] = {}
    for trace in traces:
        if trace.series_id not in lengths:
            raise ValueError(
                f"{trace.place}: the series have no {trace.series_id!r}; their ids are like {index[0][0]!r}"
                if index
                else f"{trace.place}: there are no series"
            )
        view = _shown(trace, lengths[trace.series_id])
        if view in told.setdefault(trace.series_id, {}):
            raise ValueError(
                f"{trace.place}: a second trace of series {trace.series_id!r}, samples {view.start} to {view.stop}; "
                "keep one of them"
            )
        told[trace.series_id][view] = trace.text
    _require_all(series, {identity for identity in lengths if identity not in told}, name)
    return [tuple(sorted(told.get(identity, {}).items(), key=lambda item: item[0].start)) for identity, _ in index]


def check_traces(
    series: Path,
    told: Sequence[tuple[Told, ...]],
    folder: Path,
    observer: Observer,
    fan_out: FanOut,
    *,
    source: str,
    rules: ProbeThresholds,
    left_out: Counter[str] | None = None,
) -> dict[str, int]:
    """Verify foreign traces, given for each row of a series file, and write them; returns the rows of a manifest."""
    sizes = [len(texts) for texts in told]
    shards = [ForeignShard(series, rows, tuple(told[row] for row in rows), source, rules) for rows in cut(sizes)]
    return write_shards(check_shard, shards, folder, observer, fan_out, total=sum(sizes), left_out=left_out)


def check_shard(shard: ForeignShard) -> ShardTraces:
    """The rows of a shard, each trace checked against its series."""
    rows: list[TraceRow] = []
    left_out: Counter[str] = Counter()
    for series, texts in zip(read_series(shard.series, shard.rows), shard.traces, strict=True):
        for view, text in texts:
            if reason := reason_to_leave_out(series, view, needs_label=False):
                left_out[reason] += 1
                continue
            checked = verify_trace(text, series, rules=shard.rules, view=view)
            counts = len(checked.claims), checked.verified, checked.unread
            rows.append(TraceRow(series.id, view, text, None, shard.source, *counts))
    return ShardTraces(tuple(rows), left_out, views=len(rows) + left_out.total())


def _shown(trace: ForeignTrace, length: int) -> View:
    """The view of a trace of a series of `length` samples."""
    view = trace.view or View(0, length)
    if view.stop > length:
        raise ValueError(f"{trace.place}: stop {view.stop} is beyond the {length} samples of {trace.series_id!r}")
    if len(view) > LONGEST_VIEW:
        raise ValueError(
            f"{trace.place}: {len(view)} samples of {trace.series_id!r} are more than the {LONGEST_VIEW} that "
            "one picture shows; give start and stop"
        )
    return view


def _require_all(path: Path, missing: set[str], name: str) -> None:
    """Series without a trace are refused, unless they could not have one."""
    traceable = [
        series.id
        for series in (read_series(path) if missing else ())
        if series.id in missing
        and not all(reason_to_leave_out(series, view, needs_label=False) for view in views(len(series)))
    ]
    if traceable:
        raise ValueError(
            f"{name} has no trace of {len(traceable)} series, the first of them {traceable[0]!r}; add the traces, or "
            "give series that all have one"
        )
