"""Traces written from the series' own measurements, each checked like a stranger's."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from anomseer_core.config import Config
from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds
from anomseer_core.expcot.scan import scan
from anomseer_core.expcot.shards import SERIES_FILE, ShardTraces, count_views, cut, reason_to_leave_out, write_shards
from anomseer_core.expcot.trace import write_scanned
from anomseer_core.expcot.trace_table import TraceRow
from anomseer_core.expcot.verification import verify_scanned
from anomseer_core.fan_out import FanOut
from anomseer_core.observer import Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.series import Series, index_series, read_series
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.view import View, views

SOURCE = "analysis"
STAGE = Stage(
    name="expcot",
    kind="traces",
    modules=("anomseer_core.expcot.analysis",),
    libraries=("numpy", "scipy", "stumpy", "numba", "pyarrow"),
    version=3,
)


class AnalysedTraces(Config):
    """What shapes the traces besides the series."""

    style: Literal["full", "brief"]
    seed: int
    blind: bool
    rules: ProbeThresholds


@dataclass(frozen=True)
class AnalysisShard:
    """Some rows of a series file."""

    series: Path
    rows: range
    config: AnalysedTraces


def write_analysed(
    store: ArtifactStore, series: Artifact, config: ExpCoTConfig, observer: Observer, fan_out: FanOut
) -> Artifact:
    """The trace of every view of every series, in their order."""
    shaping = AnalysedTraces(**config.model_dump(exclude={"source"}))

    def write(folder: Path) -> dict[str, int]:
        path = series.file(SERIES_FILE)
        sizes = count_views(index_series(path))
        shards = [AnalysisShard(path, rows, shaping) for rows in cut(sizes)]
        return write_shards(write_shard, shards, folder, observer, fan_out, total=sum(sizes))

    return store.produce(Recipe(STAGE, {"series": series.reference}, shaping), write)


def write_shard(shard: AnalysisShard) -> ShardTraces:
    """The traces of a shard; raises ValueError naming a series that has several channels."""
    rows: list[TraceRow] = []
    left_out: Counter[str] = Counter()
    for series in read_series(shard.series, shard.rows):
        for view in views(len(series)):
            if reason := reason_to_leave_out(series, view, needs_label=not shard.config.blind):
                left_out[reason] += 1
            else:
                rows.append(_write_row(series, view, shard.config))
    return ShardTraces(tuple(rows), left_out, views=len(rows) + left_out.total())


def _write_row(series: Series, view: View, config: AnalysedTraces) -> TraceRow:
    scanned = scan(series, config.rules, view)
    trace = write_scanned(scanned, series, style=config.style, blind=config.blind, seed=config.seed, rules=config.rules)
    checked = verify_scanned(trace.text, scanned, view.to_units(series.intervals), config.rules)
    return TraceRow(
        series_id=series.id,
        view=view,
        text=trace.text,
        evidence=trace.evidence.to_dict(),
        source=SOURCE,
        claims=len(checked.claims),
        verified=checked.verified,
        unread=checked.unread,
    )
