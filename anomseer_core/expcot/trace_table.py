"""The table of traces, wherever they come from: one row per view of a series, as a Parquet file.

`start` and `stop` are the samples the view shows, which is the whole series up to 4,000 samples. `source` is
`analysis`, or names where a foreign trace came from. `claims`, `verified` and `unread` count what `verify_trace` found
in the text; `evidence` holds the typed fields of `Evidence` as JSON, and is null for foreign traces.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anomseer_core.view import View

TRACES_FILE = "traces.parquet"
ROWS_PER_GROUP = 256

TRACE_SCHEMA = pa.schema(
    [
        ("series_id", pa.string()),
        ("start", pa.int64()),
        ("stop", pa.int64()),
        ("text", pa.string()),
        ("words", pa.int32()),
        ("evidence", pa.string()),
        ("source", pa.string()),
        ("claims", pa.int32()),
        ("verified", pa.int32()),
        ("unread", pa.int32()),
    ]
)


@dataclass(frozen=True)
class TraceRow:
    """One stored trace. evidence: the fields of `Evidence` as JSON values, None for a foreign trace.

    claims, verified, unread: the statements about the series in the text, those that hold, and the numbers among the
    words that could not be read.
    """

    series_id: str
    view: View
    text: str
    evidence: Mapping[str, Any] | None
    source: str
    claims: int
    verified: int
    unread: int

    @property
    def words(self) -> int:
        return len(self.text.split())


def write_trace_rows(rows: Iterable[TraceRow], path: Path) -> int:
    """Stream rows into one Parquet file; returns their number. The bytes depend on the rows alone."""
    count, waiting = 0, iter(rows)
    with pq.ParquetWriter(path, TRACE_SCHEMA) as writer:
        while group := [_to_record(row) for row in islice(waiting, ROWS_PER_GROUP)]:
            writer.write_table(pa.Table.from_pylist(group, schema=TRACE_SCHEMA))
            count += len(group)
    return count


def read_traces(path: Path) -> Iterator[TraceRow]:
    """Stream the traces of one Parquet file written by `write_trace_rows`, in order."""
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(TRACE_SCHEMA):
            raise ValueError(f"{path}: not a traces file (its columns are {file.schema_arrow.names})")
        for batch in file.iter_batches(batch_size=ROWS_PER_GROUP):
            yield from map(_from_record, batch.to_pylist())


def _to_record(row: TraceRow) -> dict[str, Any]:
    return {
        "series_id": row.series_id,
        "start": row.view.start,
        "stop": row.view.stop,
        "text": row.text,
        "words": row.words,
        "evidence": None if row.evidence is None else json.dumps(dict(row.evidence), sort_keys=True),
        "source": row.source,
        "claims": row.claims,
        "verified": row.verified,
        "unread": row.unread,
    }


def _from_record(record: dict[str, Any]) -> TraceRow:
    return TraceRow(
        series_id=record["series_id"],
        view=View(record["start"], record["stop"]),
        text=record["text"],
        evidence=None if record["evidence"] is None else json.loads(record["evidence"]),
        source=record["source"],
        claims=record["claims"],
        verified=record["verified"],
        unread=record["unread"],
    )
