"""The Mackey-Glass anomaly benchmark: `.csv` with `,value,is_anomaly,is_ignored`, an index before the values.

The samples that the benchmark ignores (the first 257) stay in the series; the metadata says how many they are.
"""

from collections.abc import Iterator
from pathlib import Path

from anomseer_core.archives.source import Collection, Format, Source, files_below, first_line, labelled
from anomseer_core.archives.tables import read_flags, read_numbers, read_table
from anomseer_core.series import Series

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
    ignored = int(read_flags(table, "is_ignored", source.path).sum())
    yield labelled(source, values, mask, COLLECTION, task=COLLECTION.name, about={"ignored_samples": ignored})


FORMAT = Format("mgab", f"MGAB .csv files with the header {','.join(COLUMNS)}", find, read)
