"""TSB-AD files: `.csv` with one column for each channel and a last column `Label`, and a name that tells the rest.

`[index]_[Dataset]_id_[id]_[Domain]_tr_[train]_1st_[first anomaly].csv`: the first `train` samples are free of
anomalies; the archive scores whole series, and so do we. TSB-AD-U has one channel (`Data`), TSB-AD-M several. The
archive's lists (`File_List/*.csv`) split it into evaluation and tuning; a series carries the names of its lists.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anomseer_core.archives.source import Collection, Format, Source, files_below, first_line, labelled
from anomseer_core.archives.tables import read_flags, read_numbers, read_table, read_text
from anomseer_core.series import Series

NAME = re.compile(
    r"(?P<index>\d+)_(?P<dataset>.+)_id_(?P<id>\d+)_(?P<domain>[^_]+)_tr_(?P<train>\d+)_1st_(?P<first>\d+)\.csv"
)
LABEL = "Label"
LISTS = "File_List"
LIST_HEADER = "file_name"
UNIVARIATE, MULTIVARIATE = Collection("TSB-AD-U", 870), Collection("TSB-AD-M", 200)


def find(place: Path) -> Iterator[Source]:
    lists = tuple(path for _, path in files_below(place, ".csv") if path.parent.name == LISTS)
    for name, path in files_below(place, ".csv"):
        if NAME.fullmatch(path.name) and path.parent.name != LISTS:
            yield Source(name, path, FORMAT.name, lists)


def read(source: Source) -> Iterator[Series]:
    """Raises ValueError naming file and row, and where the name and the labels contradict each other."""
    path = source.path
    named = NAME.fullmatch(path.name)
    columns = tuple(first_line(path).split(","))
    if len(columns) < 2 or columns[-1] != LABEL:
        raise ValueError(f"{path}, row 1: the last column is {columns[-1]!r}; expected channels, then {LABEL}")
    if len(set(columns)) < len(columns):
        raise ValueError(f"{path}, row 1: two columns have one name; name each once")
    table = read_table(path, columns, header=True)
    mask = read_flags(table, LABEL, path)
    values = np.stack([read_numbers(table, column, path) for column in columns[:-1]])
    train, first = int(named["train"]), int(named["first"])
    if max(train, first) >= len(mask):
        raise ValueError(
            f"{path}: its name says {train} training samples and a first anomaly at {first}, and the file has "
            f"{len(mask)} samples; it is cut, or the name is wrong"
        )
    lists = [item.stem for item in source.beside if path.name in read_list(item)]
    yield labelled(
        source,
        values[0] if len(values) == 1 else values,
        mask,
        UNIVARIATE if len(values) == 1 else MULTIVARIATE,
        task=named["dataset"],
        about={
            "domain": named["domain"],
            "train_samples": train,
            "first_anomaly": first,
            "lists": lists,
            **({"channels": list(columns[:-1])} if len(values) > 1 else {}),
        },
    )


def read_list(path: Path) -> frozenset[str]:
    """The file names of one list. Raises ValueError for a file without the list's header."""
    lines = read_text(path).split()
    if not lines or lines[0] != LIST_HEADER:
        raise ValueError(f"{path}, row 1: expected the header {LIST_HEADER}; mend or remove the list")
    return frozenset(lines[1:])


FORMAT = Format("tsb-ad", "TSB-AD .csv files named INDEX_DATASET_id_ID_DOMAIN_tr_TRAIN_1st_FIRST.csv", find, read)
