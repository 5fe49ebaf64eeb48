"""The Mackey-Glass anomaly benchmark: `.csv` with `,value,is_anomaly,is_ignored`, an index before the values.

The samples that the benchmark ignores, the 257 its generator starts from, are cut off, so that nobody is judged by
them; the metadata says how many they are and, as `offset`, where in the file the series begins.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anomseer_core.archives.source import Collection, Format, Source, files_below, first_line, labelled
from anomseer_core.archives.tables import read_flags, read_numbers, read_table
from anomseer_core.series import Interval, Series, intervals_from_mask

COLUMNS = ("", "value", "is_anomaly", "is_ignored")
COLLECTION = Collection("MGAB", 10)


def find(place: Path) -> Iterator[Source]:
    for name, path in files_below(place, ".csv"):
        if first_line(path) == ",".join(COLUMNS):
            yield Source(name, path, FORMAT.name)


def read(source: Source) -> Iterator[Series]:
    """Raises ValueError naming file and row."""
    table = read_table(source.path, COLUMNS, header=True)
    values, mask = read_numbers(table, "value", source.path), read_flags(table, "is_anomaly", source.path)
    start, stop = _judged(read_flags(table, "is_ignored", source.path), source.path)
    about = {"offset": start, "original_length": len(mask), "ignored_samples": len(mask) - (stop - start)}
    yield labelled(source, values[start:stop], mask[start:stop], COLLECTION, task=COLLECTION.name, about=about)


def _judged(ignored: np.ndarray, path: Path) -> Interval:
    """The samples that are not ignored. Raises ValueError unless they are one stretch."""
    stretches = intervals_from_mask(~ignored)
    if len(stretches) != 1:
        wrong = f"row {stretches[0][1] + 2} is, and a later one is not" if stretches else "every row is"
        raise ValueError(f"{path}: is_ignored: {wrong}; only rows at the beginning and the end can be left out")
    return stretches[0]


FORMAT = Format("mgab", f"MGAB .csv files with the header {','.join(COLUMNS)}", find, read)
