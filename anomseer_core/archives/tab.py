"""TAB (Qiu et al. 2025): `DETECT_META.csv` beside `data/*.csv` in long form, with the labels as one more column.

A long table has the columns `date` (may be missing), `data` and `cols`: first all rows of one channel, then all of
the next; the series named `label` holds 0 and 1. The meta file names the files and the length of each training part
(`train_lens`); a file that it does not name is no part of the archive.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anomseer_core.archives.source import Collection, Format, Source, labelled
from anomseer_core.archives.tables import one_line, parse_numbers, read_cells, refuse
from anomseer_core.series import Series

META = "DETECT_META.csv"
DATA = "data"
LABEL = "label"
COLLECTION = Collection("TAB")


def find(place: Path) -> Iterator[Source]:
    if not place.is_dir():
        return
    for meta in sorted(place.rglob(META)):
        named = read_meta(meta)
        for path in sorted((meta.parent / DATA).rglob("*.csv")):
            if path.name in named:
                yield Source(path.relative_to(place).as_posix(), path, FORMAT.name, (meta,))


def read(source: Source) -> Iterator[Series]:
    """Raises ValueError naming file and row."""
    path = source.path
    table = read_cells(path)
    expected = "expected the columns data and cols, and date before them or not"
    if not {"data", "cols"} <= set(table.columns) <= {"date", "data", "cols"}:
        raise ValueError(f"{path}, row 1: the header is {one_line(','.join(table.columns))}; {expected}")
    numbers = parse_numbers(table, "data")
    refuse(~np.isfinite(numbers), table, "data", path, "a finite number")
    channels = {str(name): numbers[rows] for name, rows in table.groupby("cols", sort=False).indices.items()}
    labels = channels.pop(LABEL, None)
    if labels is None or not channels:
        raise ValueError(f"{path}: cols must name at least one channel and {LABEL!r}; mend or remove the file")
    for name, values in channels.items():
        if len(values) != len(labels):
            raise ValueError(
                f"{path}: channel {name!r} has {len(values)} rows and {LABEL} {len(labels)}; mend or remove the file"
            )
    rows = table["cols"] == LABEL
    refuse(~np.isin(labels, (0, 1)), table[rows], "data", path, "0 or 1, as the series label wants")
    train = read_meta(source.beside[0])[path.name]
    if train > len(labels):
        raise ValueError(f"{source.beside[0]}: train_lens of {path.name} is {train}, and it has {len(labels)} rows")
    yield labelled(
        source,
        np.stack(list(channels.values())) if len(channels) > 1 else next(iter(channels.values())),
        labels == 1,
        COLLECTION,
        task=COLLECTION.name,
        about={"train_samples": train, **({"channels": list(channels)} if len(channels) > 1 else {})},
    )


def read_meta(path: Path) -> dict[str, int]:
    """File name -> length of its training part [samples]."""
    table = read_cells(path)
    for column in ("file_name", "train_lens"):
        if column not in table:
            raise ValueError(f"{path}, row 1: there is no column {column}; expected file_name and train_lens")
    lengths = parse_numbers(table, "train_lens")
    refuse(~(np.isfinite(lengths) & (lengths >= 0)), table, "train_lens", path, "a number of samples")
    return dict(zip(table["file_name"].str.strip(), lengths.astype(int).tolist(), strict=True))


FORMAT = Format("tab", f"a TAB folder ({META} beside {DATA}/)", find, read)
