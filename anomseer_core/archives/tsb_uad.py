"""TSB-UAD files: `.out`, comma separated without a header, one sample a row: value, label (0 or 1).

Its copy of the UCR archive marks `[start, end)` where the UCR's own names mean both ends (`ucr.py`): the labels of
the file count here.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anomseer_core.archives.source import Collection, Format, Source, files_below, labelled
from anomseer_core.archives.tables import read_flags, read_numbers, read_table
from anomseer_core.series import Series

SUFFIX = ".out"
COLLECTION = Collection("TSB-UAD", 1980)


def find(place: Path) -> Iterator[Source]:
    for name, path in files_below(place, SUFFIX):
        yield Source(name, path, FORMAT.name)


def read(source: Source) -> Iterator[Series]:
    yield labelled(source, *read_out(source.path), COLLECTION)


def read_out(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Values float64 `[T]` and the mask of anomalous samples `[T]`; raises ValueError naming file and row."""
    table = read_table(path, ("value", "label"), header=False)
    return read_numbers(table, "value", path), read_flags(table, "label", path)


FORMAT = Format("tsb-uad", "TSB-UAD .out files", find, read)
