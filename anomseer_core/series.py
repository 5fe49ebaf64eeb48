"""The labelled time series that every stage reads or writes, and its Parquet form.

Intervals are half-open `[start, stop)` and 0-based here and in every file. Prompts and responses speak of closed
pairs instead; `dialogue.py` converts at that border and nowhere else.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Interval = tuple[int, int]

# Float library builds differ in the last bits; what is stored and hashed is rounded to this many decimals.
STORED_DECIMALS = 6
ROWS_PER_GROUP = 256
# [samples] Long series fill a group sooner, so that memory stays flat whatever their length.
SAMPLES_PER_GROUP = 2**21
ROWS_AT_ONCE = 16

SERIES_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("benchmark", pa.string()),
        ("task", pa.string()),
        ("split", pa.string()),
        ("anomaly_class", pa.string()),
        ("values", pa.list_(pa.list_(pa.float64()))),
        ("intervals", pa.list_(pa.struct([("start", pa.int64()), ("stop", pa.int64())]))),
        ("anomalous_channels", pa.list_(pa.int32())),
        ("metadata", pa.string()),
    ]
)


class AnomalyClass(StrEnum):
    """The paper's five anomaly types (section 3) and `normal`, which has no interval."""

    GLOBAL_POINT = "global point"
    CONTEXTUAL_POINT = "contextual point"
    TREND = "trend"
    SEASONAL = "seasonal"
    SHAPELET = "shapelet"
    NORMAL = "normal"
    # Real archives label where, not what kind: such series have intervals and no class to score.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Series:
    """One labelled series.

    values: float64 `[T]`, or `[V, T]` with one row per channel; may hold NaN where a sample is missing.
    intervals: the anomalous spans, half-open, sorted, disjoint, inside `[0, T)`.
    Raises ValueError, naming the series, when the parts contradict each other.
    """

    id: str
    values: np.ndarray
    intervals: tuple[Interval, ...] = ()
    anomaly_class: AnomalyClass = AnomalyClass.NORMAL
    benchmark: str = ""
    task: str = ""
    split: str = ""
    anomalous_channels: tuple[int, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = np.array(self.values, dtype=np.float64)
        values.setflags(write=False)
        intervals = tuple((int(start), int(stop)) for start, stop in self.intervals)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "intervals", intervals)
        object.__setattr__(self, "anomaly_class", AnomalyClass(self.anomaly_class))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))
        if values.ndim not in (1, 2) or values.shape[-1] == 0:
            raise ValueError(f"series {self.id!r}: values must be [T] or [V, T] with T > 0, not {values.shape}")
        if np.isinf(values).any():
            raise ValueError(f"series {self.id!r}: values hold an infinity; remove it or mark it missing (NaN)")
        if list(intervals) != merge_intervals(intervals, len(self)):
            raise ValueError(
                f"series {self.id!r}: intervals {list(intervals)} must be sorted, apart and in [0, {len(self)})"
            )
        if bool(intervals) == (self.anomaly_class is AnomalyClass.NORMAL):
            raise ValueError(f"series {self.id!r}: class {self.anomaly_class!r} contradicts {len(intervals)} intervals")

    def __len__(self) -> int:
        return self.values.shape[-1]

    @property
    def is_normal(self) -> bool:
        return not self.intervals


def merge_intervals(intervals: Iterable[Sequence[int]], length: int) -> list[Interval]:
    """Sort, clip to `[0, length)`, drop what is empty and join what touches or overlaps."""
    merged: list[Interval] = []
    for start, stop in sorted((max(0, int(start)), min(length, int(stop))) for start, stop in intervals):
        if start >= stop:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def mask_from_intervals(intervals: Iterable[Interval], length: int) -> np.ndarray:
    """Boolean `[length]`, True inside any interval."""
    mask = np.zeros(length, dtype=bool)
    for start, stop in intervals:
        mask[max(0, start) : max(0, stop)] = True
    return mask


def intervals_from_mask(mask: np.ndarray) -> list[Interval]:
    """The maximal runs of True in a boolean `[T]` vector, as half-open intervals."""
    padded = np.zeros(len(mask) + 2, dtype=bool)
    padded[1:-1] = mask
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def write_series(series: Iterable[Series], path: Path) -> int:
    """Stream series into one Parquet file; returns the number of rows. Values are rounded to `STORED_DECIMALS`."""
    count = samples = 0
    with pq.ParquetWriter(path, SERIES_SCHEMA) as writer:
        group: list[Series] = []
        for item in series:
            if group and (len(group) == ROWS_PER_GROUP or samples + item.values.size > SAMPLES_PER_GROUP):
                writer.write_table(_to_table(group))
                group, samples = [], 0
            group.append(item)
            count += 1
            samples += item.values.size
        if group:
            writer.write_table(_to_table(group))
    return count


def read_series(path: Path, rows: range | None = None) -> Iterator[Series]:
    """Stream the series of one Parquet file written by `write_series`, in order.

    rows: consecutive row numbers, counted from 0; what lies outside them is hardly touched.
    """
    with _series_file(path) as file:
        first = 0
        for group in range(file.num_row_groups):
            stop = first + file.metadata.row_group(group).num_rows
            wanted = range(first, stop) if rows is None else range(max(first, rows.start), min(stop, rows.stop))
            if wanted:
                table = file.read_row_group(group).slice(wanted.start - first, len(wanted))
                for batch in table.to_batches(max_chunksize=ROWS_AT_ONCE):
                    values = batch.column("values")
                    for place, row in enumerate(batch.drop_columns(["values"]).to_pylist()):
                        yield _from_row(row, _to_array(values[place]))
            first = stop


def index_series(path: Path) -> list[tuple[str, int]]:
    """Id and number of samples of each series of a file, in order; the samples themselves stay outside Python."""
    index: list[tuple[str, int]] = []
    with _series_file(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=["id", "values"])
            lengths = pc.list_value_length(pc.list_element(table["values"], 0))
            index += zip(table["id"].to_pylist(), lengths.to_pylist(), strict=True)
    return index


@contextmanager
def _series_file(path: Path) -> Iterator[pq.ParquetFile]:
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(SERIES_SCHEMA):
            raise ValueError(f"{path}: not a series file (its columns are {file.schema_arrow.names})")
        yield file


def _to_table(group: Sequence[Series]) -> pa.Table:
    """The rows of one group; the samples go from array to array, never through Python's numbers."""
    values = [np.round(np.atleast_2d(item.values), STORED_DECIMALS) for item in group]
    widths = [channels.shape[1] for channels in values for _ in channels]
    samples = pa.array(np.concatenate([channels.reshape(-1) for channels in values]))
    channels = pa.ListArray.from_arrays(_offsets(widths), samples)
    rows = [_to_row(item) for item in group]
    columns = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in SERIES_SCHEMA}
    columns["values"] = pa.ListArray.from_arrays(_offsets([len(item) for item in values]), channels)
    return pa.table(columns, schema=SERIES_SCHEMA)


def _offsets(lengths: Sequence[int]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())


def _to_row(series: Series) -> dict[str, Any]:
    """Everything but the values."""
    return {
        "id": series.id,
        "benchmark": series.benchmark,
        "task": series.task,
        "split": series.split,
        "anomaly_class": str(series.anomaly_class),
        "intervals": [{"start": start, "stop": stop} for start, stop in series.intervals],
        "anomalous_channels": list(series.anomalous_channels),
        "metadata": json.dumps(dict(series.metadata), sort_keys=True),
    }


def _to_array(channels: pa.ListScalar) -> np.ndarray:
    """`[V, T]`, copied out of the table."""
    flat = channels.values.flatten().to_numpy(zero_copy_only=False)
    return flat.astype(np.float64).reshape(len(channels.values), -1)


def _from_row(row: dict[str, Any], values: np.ndarray) -> Series:
    return Series(
        id=row["id"],
        values=values[0] if len(values) == 1 else values,
        intervals=tuple((item["start"], item["stop"]) for item in row["intervals"]),
        anomaly_class=AnomalyClass(row["anomaly_class"]),
        benchmark=row["benchmark"],
        task=row["task"],
        split=row["split"],
        anomalous_channels=tuple(row["anomalous_channels"]),
        metadata=json.loads(row["metadata"]),
    )
