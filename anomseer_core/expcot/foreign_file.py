"""A file of traces: Parquet or JSONL with the columns `series_id` and `text`.

Where a trace is about a part of a series, `start` and `stop` name its samples `[start, stop)`, at most 4,000 of them.
Further columns are ignored. Positions in a text are view units, as in every trace. A text is what goes inside
`<think>`: it holds no tag.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anomseer_core.dialogue import format_response
from anomseer_core.series import AnomalyClass
from anomseer_core.view import View

REQUIRED, OPTIONAL = ("series_id", "text"), ("start", "stop")


@dataclass(frozen=True)
class ForeignTrace:
    """One row of the file; place says where it stands, for error messages. view: None for a whole series."""

    place: str
    series_id: str
    text: str
    view: View | None


def require_trace_file(path: str) -> Path:
    """The path of a file that may hold traces; raises FileNotFoundError or ValueError otherwise."""
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"traces {file} is not a file; name a Parquet or JSONL file in expcot.source.path")
    if file.suffix not in (".parquet", ".jsonl"):
        raise ValueError(f"traces {file}: its name must end in .parquet or .jsonl, to tell what it is")
    return file


def read_trace_file(path: Path) -> list[ForeignTrace]:
    """All traces of a file, each row checked by itself; raises ValueError naming file and row."""
    records = _read_parquet(path) if path.suffix == ".parquet" else _read_jsonl(path)
    return [_to_trace(place, record) for place, record in records]


def _read_parquet(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with pq.ParquetFile(path) as file:
            _require_columns(path.name, file.schema_arrow.names)
            columns = [name for name in (*REQUIRED, *OPTIONAL) if name in file.schema_arrow.names]
            row = 0
            for batch in file.iter_batches(columns=columns):
                for record in batch.to_pylist():
                    yield f"{path.name} row {row}", record
                    row += 1
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{path.name} is damaged or no Parquet file ({reason}); write it again") from error


def _read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            place = f"{path.name} line {number}"
            try:
                record = json.loads(line)
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                cut_off = "" if line.endswith(b"\n") else "; the file ends in the middle of it"
                raise ValueError(f"{place} is not JSON{cut_off}; write it again") from error
            if not isinstance(record, dict):
                raise ValueError(f"{place} is not an object with series_id and text")
            _require_columns(place, list(record))
            yield place, record


def _require_columns(place: str, names: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise ValueError(f"{place} lacks {' and '.join(missing)}; it has {', '.join(names) or 'nothing'}")
    if ("start" in names) != ("stop" in names):
        raise ValueError(f"{place} has one of start and stop; a trace of part of a series needs both")


def _to_trace(place: str, record: dict[str, Any]) -> ForeignTrace:
    series_id, text = record["series_id"], record["text"]
    if not isinstance(series_id, str) or not isinstance(text, str) or not text.strip():
        raise ValueError(f"{place}: series_id and text must be text that is not empty")
    try:
        format_response(text, [], AnomalyClass.NORMAL)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    return ForeignTrace(place, series_id, text.strip(), _read_view(place, record.get("start"), record.get("stop")))


def _read_view(place: str, start: Any, stop: Any) -> View | None:
    if start is None and stop is None:
        return None
    if any(not isinstance(edge, int) or isinstance(edge, bool) for edge in (start, stop)) or not 0 <= start < stop:
        raise ValueError(f"{place}: start and stop must be whole numbers with 0 <= start < stop, not {start}, {stop}")
    return View(start, stop)
