"""KPI files (AIOPS challenge, donut): `.csv` with `timestamp,value,label` and, where one file holds several, `KPI ID`.

Timestamps are seconds. Rows are put in order of time; where rows are missing the series simply goes on, as the
challenge scores it, and the metadata counts the gaps. A repeated timestamp is refused.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from anomseer_core.archives.source import Collection, Format, Source, files_below, first_line, labelled
from anomseer_core.archives.tables import one_line, read_flags, read_numbers, read_table, refuse
from anomseer_core.series import Series

COLUMNS = ("timestamp", "value", "label")
IDENTIFIER = "KPI ID"
HEADERS = (COLUMNS, (*COLUMNS, IDENTIFIER))
COLLECTION = Collection("KPI")


def find(place: Path) -> Iterator[Source]:
    for name, path in files_below(place, ".csv"):
        if header_of(path) in HEADERS:
            yield Source(name, path, FORMAT.name)


def read(source: Source) -> Iterator[Series]:
    """One series for each `KPI ID`, in their order in the file. Raises ValueError naming file and row."""
    header = header_of(source.path)
    if header not in HEADERS:
        raise ValueError(
            f"{source.path}, row 1: the header is {one_line(','.join(header))}; expected {','.join(HEADERS[-1])}"
        )
    table = read_table(source.path, header, header=True)
    if IDENTIFIER not in table:
        yield _read_one(source, table, "")
        return
    for identifier, rows in table.groupby(IDENTIFIER, sort=False):
        yield _read_one(source, rows, str(identifier))


def header_of(path: Path) -> tuple[str, ...]:
    return tuple(first_line(path).split(","))


def _read_one(source: Source, table: pd.DataFrame, identifier: str) -> Series:
    times = read_numbers(table, "timestamp", source.path)
    values, mask = read_numbers(table, "value", source.path), read_flags(table, "label", source.path)
    order = np.argsort(times, kind="stable")
    steps = np.diff(times[order])
    repeated = np.zeros(len(times), dtype=bool)
    repeated[order[1:]] = steps == 0
    refuse(repeated, table, "timestamp", source.path, "later than all others: it is there twice")
    gaps = int(np.sum(steps > 1.5 * np.median(steps))) if len(steps) else 0
    return labelled(
        source, values[order], mask[order], COLLECTION, part=identifier, task=COLLECTION.name, about={"gaps": gaps}
    )


FORMAT = Format("kpi", f"KPI .csv files with the header {','.join(COLUMNS)}", find, read)
