"""The UCR anomaly archive (KDD 2021): `.txt` of plain values, and a name that tells where the one anomaly is.

`[index]_UCR_Anomaly_[name]_[train]_[first]_[last].txt`: the first `train` samples are free of anomalies, and both
ends of the anomaly are inside it. Values stand one on a line; a few files of the archive have them all on one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anomseer_core.archives.source import Collection, Format, Source, files_below, labelled
from anomseer_core.archives.tables import read_text
from anomseer_core.series import Series

NAME = re.compile(r"(?P<index>\d+)_UCR_Anomaly_(?P<name>.+)_(?P<train>\d+)_(?P<first>\d+)_(?P<last>\d+)\.txt")
COLLECTION = Collection("UCR", 250)


def find(place: Path) -> Iterator[Source]:
    for name, path in files_below(place, ".txt"):
        if NAME.fullmatch(path.name):
            yield Source(name, path, FORMAT.name)


def read(source: Source) -> Iterator[Series]:
    """Raises ValueError naming the file, and the row of a value that is no number."""
    path = source.path
    named = NAME.fullmatch(path.name)
    values = read_values(path)
    train, first, last = (int(named[part]) for part in ("train", "first", "last"))
    if not train <= first <= last < len(values):
        raise ValueError(
            f"{path}: its name says {train} training samples and an anomaly at [{first}, {last}], and the file has "
            f"{len(values)} samples; mend the name or the file"
        )
    yield labelled(
        source,
        values,
        [(first, last + 1)],
        COLLECTION,
        task=COLLECTION.name,
        about={"train_samples": train, "first_anomaly": first},
    )


def read_values(path: Path) -> np.ndarray:
    """Numbers parted by any white space, float64 `[T]`."""
    values: list[float] = []
    for row, line in enumerate(read_text(path).splitlines(), start=1):
        for word in line.split():
            try:
                values.append(float(word))
            except ValueError as error:
                raise ValueError(
                    f"{path}, row {row}: {word[:40]!r} is not a number; mend or remove the file"
                ) from error
            if not np.isfinite(values[-1]):
                raise ValueError(f"{path}, row {row}: {word!r} is not a finite number; mend or remove the file")
    if not values:
        raise ValueError(f"{path} is empty; expected one value on each line")
    return np.array(values)


FORMAT = Format("ucr", "UCR .txt files named INDEX_UCR_Anomaly_NAME_TRAIN_FIRST_LAST.txt", find, read)
