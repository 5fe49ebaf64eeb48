"""The stage that writes the traces of a series artifact, and their reader."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.trace import write_trace
from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.series import read_series
from anomseer_core.store import Artifact, ArtifactStore

STAGE = Stage(
    name="expcot",
    kind="traces",
    modules=("anomseer_core.expcot.corpus",),
    libraries=("numpy", "scipy", "stumpy", "numba", "pyarrow"),
)
FILE = "traces.parquet"
SERIES_FILE = "series.parquet"
ROWS_PER_GROUP = 256

TRACE_SCHEMA = pa.schema(
    [
        ("series_id", pa.string()),
        ("text", pa.string()),
        ("words", pa.int32()),
        ("evidence", pa.string()),
    ]
)


@dataclass(frozen=True)
class TraceRow:
    """One stored trace; evidence holds the typed fields of `Evidence` as JSON values."""

    series_id: str
    text: str
    evidence: Mapping[str, Any]


def write_traces(store: ArtifactStore, series: Artifact, config: ExpCoTConfig, observer: Observer = SILENT) -> Artifact:
    """Write the trace of every series of an artifact, in its order; raises ValueError naming a series it cannot."""
    series.verify()

    def write(directory: Path) -> dict[str, int]:
        return {FILE: _write_rows(series, config, directory / FILE, observer)}

    return store.produce(Recipe(STAGE, {"series": series.reference}, config), write)


def read_traces(path: Path) -> Iterator[TraceRow]:
    """Stream the traces of one Parquet file written by `write_traces`, in order."""
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(TRACE_SCHEMA):
            raise ValueError(f"{path}: not a traces file (its columns are {file.schema_arrow.names})")
        for batch in file.iter_batches(batch_size=ROWS_PER_GROUP):
            for row in batch.to_pylist():
                yield TraceRow(row["series_id"], row["text"], json.loads(row["evidence"]))


def _write_rows(series: Artifact, config: ExpCoTConfig, path: Path, observer: Observer) -> int:
    total = series.rows[SERIES_FILE]
    rows: list[dict[str, Any]] = []
    done = 0
    with pq.ParquetWriter(path, TRACE_SCHEMA) as writer:
        for done, item in enumerate(read_series(series.file(SERIES_FILE)), start=1):
            trace = write_trace(item, style=config.style, seed=config.seed, thresholds=config.thresholds)
            rows.append(
                {
                    "series_id": item.id,
                    "text": trace.text,
                    "words": len(trace.text.split()),
                    "evidence": json.dumps(trace.evidence.to_dict(), sort_keys=True),
                }
            )
            observer.progress(done, total, "traces")
            if len(rows) == ROWS_PER_GROUP or done == total:
                writer.write_table(pa.Table.from_pylist(rows, schema=TRACE_SCHEMA))
                rows.clear()
    return done
