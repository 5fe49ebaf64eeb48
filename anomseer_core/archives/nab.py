"""The Numenta Anomaly Benchmark: `data/**/*.csv` (timestamp, value) and windows in `labels/combined_windows.json`.

A window is a pair of timestamps, both inside it. Rows keep the order of the file, none is dropped or moved, and a
sample is anomalous when its timestamp lies in a window: some files repeat timestamps or step back an hour when clocks
change, and there the order of the file is the order of recording, as NAB itself takes it.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from anomseer_core.archives.source import Collection, Format, Source, labelled
from anomseer_core.archives.tables import read_numbers, read_table, refuse
from anomseer_core.series import Series

SUFFIX = ".csv"
DATA = "data"
WINDOWS = "labels/combined_windows.json"
COLLECTION = Collection("NAB", 58)


def find(place: Path) -> Iterator[Source]:
    if not place.is_dir():
        return
    for windows in sorted(place.rglob(WINDOWS)):
        for path in sorted((windows.parents[1] / DATA).rglob(f"*{SUFFIX}")):
            yield Source(path.relative_to(place).as_posix(), path, FORMAT.name, (windows,))


def read(source: Source) -> Iterator[Series]:
    yield labelled(source, *read_csv(source.path, *source.beside), COLLECTION)


def read_csv(path: Path, windows_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Values float64 `[T]` and the mask of anomalous samples `[T]`.

    Raises ValueError for a malformed row, a file without an entry in the windows, and a window that holds no sample or
    reaches beyond the rows: NAB's begin and end at rows, so that one of the two files is cut.
    """
    table = read_table(path, ("timestamp", "value"), header=True)
    times = _timestamps(table["timestamp"])
    refuse(times.isna().to_numpy(), table, "timestamp", path, "a timestamp")
    mask = np.zeros(len(table), dtype=bool)
    for first, last in _windows_of(path, windows_path):
        inside = ((times >= first) & (times <= last)).to_numpy()
        if not inside.any():
            raise ValueError(
                f"{windows_path}: the window {first} - {last} holds no sample of {path}; mend the window or remove it"
            )
        if first < times.min() or last > times.max():
            raise ValueError(
                f"{windows_path}: the window {first} - {last} reaches beyond the rows of {path}, {times.min()} - "
                f"{times.max()}; one of the files is cut"
            )
        mask |= inside
    return read_numbers(table, "value", path), mask


def _windows_of(path: Path, windows_path: Path) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    name = path.relative_to(windows_path.parents[1] / DATA).as_posix()
    try:
        windows = json.loads(windows_path.read_text(encoding="utf-8"))[name]
        limits = [_timestamps(pd.Series([first, last])) for first, last in windows]
    except KeyError as error:
        raise ValueError(f"{windows_path} has no entry {name!r}; add one, an empty list if it is normal") from error
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise ValueError(f"{windows_path}: the windows of {name!r} are not pairs of timestamps ({error})") from error
    if any(limit.isna().any() for limit in limits):
        raise ValueError(f"{windows_path}: the windows of {name!r} are not pairs of timestamps")
    return [(limit.iloc[0], limit.iloc[1]) for limit in limits]


def _timestamps(texts: pd.Series) -> pd.Series:
    return pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")


FORMAT = Format("nab", f"a NAB checkout ({DATA}/ beside {WINDOWS})", find, read)
