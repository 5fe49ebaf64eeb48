"""Any CSV or Parquet table with a column of values, and columns of times and labels where there are any.

Columns are found by the names that `TableConfig` states, or named there. Without named value columns, every column
that is left and mostly numbers is a channel: texts and row numbers are left out and told. `read_frame` is the reader
of users' own files, too.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from anomseer_core.archives.config import TableConfig
from anomseer_core.archives.delimited import SEPARATORS, read_delimited
from anomseer_core.archives.source import Collection, Source, files_below, first_line, labelled
from anomseer_core.archives.tables import one_line
from anomseer_core.archives.timeline import Samples, parse_times, regular
from anomseer_core.series import Series

log = logging.getLogger(__name__)
NAME = "table"
TEXT_SUFFIXES, PARQUET_SUFFIX = (".csv", ".tsv", ".txt"), ".parquet"
HOLDS = "a .csv or .parquet table"
COLLECTION = Collection("")
TIME_NAMES = ("timestamp", "time", "date", "datetime", "ds")
LABEL_NAMES = ("label", "labels", "is_anomaly", "anomaly", "anomalous", "outlier", "is_outlier", "ground_truth")
TRUTHS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}
# The share of numbers above which a column is one of numbers with a mistake in it.
MOSTLY = 0.5


@dataclass(frozen=True)
class Table:
    """What was read of one table. values: `[T]`, or `[V, T]` in the order of `columns`; labels: mask `[T]` or None;
    times: float64 or datetime64[ns] (UTC) `[T]`, or None; rows: the row of the file nearest to each sample."""

    columns: tuple[str, ...]
    values: np.ndarray
    labels: np.ndarray | None
    times: np.ndarray | None
    rows: np.ndarray


def find_labelled(place: Path) -> Iterator[Source]:
    """Tables whose header names a label column."""
    for source in find_any(place):
        if any(name.strip().lower() in LABEL_NAMES for name in _header(source.path)):
            yield source


def find_any(place: Path) -> Iterator[Source]:
    """Every table that is there. A `.txt` counts only when it is named itself: folders are full of notes."""
    suffixes = (*TEXT_SUFFIXES, PARQUET_SUFFIX) if place.is_file() else (*TEXT_SUFFIXES[:2], PARQUET_SUFFIX)
    for name, path in files_below(place, *suffixes):
        yield Source(name, path, NAME)


def read(source: Source, config: TableConfig) -> Iterator[Series]:
    """One series, with a channel for each column of values. Raises ValueError naming file and row."""
    table = read_frame(source.path, config)
    yield labelled(
        source,
        table.values,
        np.zeros(table.values.shape[-1], dtype=bool) if table.labels is None else table.labels,
        COLLECTION,
        about={"channels": list(table.columns), "labelled": table.labels is not None},
    )


def read_frame(frame: pd.DataFrame | Path | str, config: TableConfig | None = None) -> Table:
    """Values, labels and times of a table or of the file that holds one.

    Raises FileNotFoundError or ValueError in one line that names the file, the row and the mend.
    """
    config = config or TableConfig()
    where, cells = _load(frame, config)
    time = _find(cells, config.time_column, TIME_NAMES, where)
    label = _find(cells, config.label_column, LABEL_NAMES, where)
    columns = _value_columns(cells, config, {time, label}, where)
    samples = regular(
        Samples(
            where,
            rows=cells.index.to_numpy(),
            values=np.stack([_numbers(cells[column], column, where) for column in columns]),
            labels=None if label is None else _labels(cells[label], label, where),
            times=None if time is None else parse_times(cells[time], where, config.time_format),
        ),
        config,
    )
    values = samples.values[0] if len(columns) == 1 else samples.values
    if np.nanmin(values, initial=np.inf) == np.nanmax(values, initial=-np.inf):
        log.warning("%s: every value is %g; no detector can find anything in a constant", where, np.nanmax(values))
    return Table(tuple(map(str, columns)), values, samples.labels, samples.times, samples.rows)


def _load(frame: pd.DataFrame | Path | str, config: TableConfig) -> tuple[str, pd.DataFrame]:
    """What errors call it, and the cells, indexed by the row number in the file."""
    if isinstance(frame, pd.DataFrame):
        where, cells = "the frame", _from_frame(frame)
    else:
        path = Path(frame)
        where = str(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path} does not exist; give a .csv or .parquet file")
        cells = _from_frame(_read_parquet(path)) if path.suffix.lower() == PARQUET_SUFFIX else None
        if cells is None:
            return where, read_delimited(path, config)
    if not len(cells):
        raise ValueError(f"{where} has no rows")
    if not cells.columns.is_unique:
        raise ValueError(f"{where}: two columns have one name; rename one")
    return where, cells


def _from_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with its times, if its index holds them, as a column; rows are numbered from 1."""
    cells = frame.reset_index(names=TIME_NAMES[0]) if isinstance(frame.index, pd.DatetimeIndex) else frame
    return cells.set_axis(pd.RangeIndex(1, len(cells) + 1), axis=0).set_axis(list(map(str, cells.columns)), axis=1)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pq.read_table(path).to_pandas()
    except Exception as error:
        # Damaged files make Arrow fail in several ways, none of which names the file.
        raise ValueError(f"{path} is not a readable Parquet file ({' '.join(str(error).split())[:120]})") from error


def _header(path: Path) -> Sequence[str]:
    """The names of the columns as far as they can be told without reading the table."""
    if path.suffix.lower() != PARQUET_SUFFIX:
        line = first_line(path)
        separator = max(SEPARATORS.values(), key=line.count)
        return [name.strip('"') for name in line.split(separator)]
    try:
        return pq.read_schema(path).names
    except Exception:
        return ()


def _find(cells: pd.DataFrame, named: str, usual: Sequence[str], where: str) -> Any | None:
    """The column that is named, or the one with a usual name. Raises ValueError where there are two of them."""
    if named:
        return _require(cells, named, where)
    found = [column for column in cells if str(column).strip().lower() in usual]
    if len(found) > 1:
        field = "time_column" if usual is TIME_NAMES else "label_column"
        raise ValueError(f"{where}: {' and '.join(map(repr, found))} could both be meant; set table.{field}")
    return found[0] if found else None


def _require(cells: pd.DataFrame, column: str, where: str) -> str:
    if column not in cells:
        raise ValueError(f"{where}: there is no column {column!r}; it has {', '.join(map(repr, cells.columns))}")
    return column


def _value_columns(cells: pd.DataFrame, config: TableConfig, other: set[Any], where: str) -> list[str]:
    if config.value_columns:
        return [_require(cells, column, where) for column in config.value_columns]
    left = [column for column in cells if column not in other]
    texts = [column for column in left if not _is_mostly_numbers(cells[column])]
    rows = [column for column in left if column == "" and _counts_rows(cells[column])]
    for column in (*texts, *rows):
        log.info("%s: column %r is left out: %s", where, column, "text" if column in texts else "row numbers")
    values = [column for column in left if column not in texts and column not in rows]
    if not values:
        raise ValueError(f"{where} has no column of numbers to read; name one in table.value_columns")
    return values


def _is_mostly_numbers(cells: pd.Series) -> bool:
    """Of the cells that are not empty."""
    filled = cells.notna().to_numpy() & (cells.astype(str).str.strip() != "").to_numpy()
    return bool(np.isfinite(_parsed(cells)[filled]).sum() > MOSTLY * filled.sum())


def _counts_rows(cells: pd.Series) -> bool:
    numbers = _parsed(cells)
    return bool(np.array_equal(np.diff(numbers), np.ones(len(numbers) - 1)))


def _parsed(cells: pd.Series) -> np.ndarray:
    """Numbers, NaN where a cell is none."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return np.full(len(cells), np.nan)
    return pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _numbers(cells: pd.Series, column: str, where: str) -> np.ndarray:
    """A column of values, NaN where one is missing. Raises ValueError for texts and infinities."""
    numbers = _parsed(cells)
    texts = cells.astype(str).str.strip().str.lower()
    wrong = np.isinf(numbers) | (np.isnan(numbers) & ~(cells.isna() | texts.isin(["", "nan", "na", "null"])).to_numpy())
    if wrong.any():
        raise ValueError(f"{_place(wrong, texts, column, where)} is not a finite number; mend it")
    return numbers


def _labels(cells: pd.Series, column: str, where: str) -> np.ndarray:
    labels = _parsed(cells)
    texts = cells.astype(str).str.strip().str.lower()
    labels = np.where(np.isnan(labels), texts.map(TRUTHS).to_numpy(dtype=np.float64, na_value=np.nan), labels)
    wrong = ~np.isin(labels, (0, 1))
    if wrong.any():
        raise ValueError(
            f"{_place(wrong, texts, column, where)} is not 0 or 1; mend the row, or set table.label_column"
        )
    return labels == 1


def _place(wrong: np.ndarray, texts: pd.Series, column: str, where: str) -> str:
    """The first cell that is wrong, as errors speak of it."""
    first = int(np.argmax(wrong))
    return f"{where}, row {texts.index[first]}: {one_line(column)} {texts.iloc[first][:40]!r}"
