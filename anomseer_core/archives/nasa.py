"""NASA's SMAP and MSL channels (telemanom): `labeled_anomalies.csv`, and an array `test/CHANNEL.npy` for each row.

Channel 0 of an array is the telemetry; the others are one-hot commands and are left out. Intervals count samples of
the test array and hold both ends. Each has a kind, point or contextual: a series whose events are all of one kind
gets the class of that name, and one with both stays unknown. A channel may have several rows (P-2 has two): their
intervals are joined. An array without a row (T-10) has no labels and is not read.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from anomseer_core.archives.arrays import by_channel, read_npy
from anomseer_core.archives.source import Collection, Format, Source, labelled
from anomseer_core.archives.tables import read_cells
from anomseer_core.series import AnomalyClass, Interval, Series

LABELS = "labeled_anomalies.csv"
# Where the arrays lie beside the labels: in telemanom's own folder, and in copies of it.
ARRAYS = ("test", "data/test")
COLUMNS = ("chan_id", "spacecraft", "anomaly_sequences", "class", "num_values")
COLLECTIONS = {"SMAP": Collection("SMAP", 54), "MSL": Collection("MSL", 27)}
CLASSES = {"point": AnomalyClass.GLOBAL_POINT, "contextual": AnomalyClass.CONTEXTUAL_POINT}


def find(place: Path) -> Iterator[Source]:
    if not place.is_dir():
        return
    for labels in sorted(place.rglob(LABELS)):
        named = set(read_labels(labels)["chan_id"])
        for folder in ARRAYS:
            for path in sorted((labels.parent / folder).glob("*.npy")):
                if path.stem in named:
                    yield Source(path.relative_to(place).as_posix(), path, FORMAT.name, (labels,))


def read(source: Source) -> Iterator[Series]:
    """Raises ValueError naming the file, and the row of a label that does not fit the array."""
    labels_path = source.beside[0]
    telemetry = by_channel(read_npy(source.path), source.path)[0]
    table = read_labels(labels_path)
    rows = table[table["chan_id"] == source.path.stem]
    intervals: list[Interval] = []
    kinds: list[str] = []
    for row, cells in zip(rows.index, rows.to_dict("records"), strict=True):
        where = f"{labels_path}, row {row}"
        if cells["num_values"] != str(len(telemetry)):
            raise ValueError(f"{where}: num_values is {cells['num_values']}, and {source.path} has {len(telemetry)}")
        intervals += _intervals(cells["anomaly_sequences"], len(telemetry), where)
        kinds += cells["class"].strip("[] ").replace(" ", "").split(",")
    spacecraft = set(rows["spacecraft"])
    if len(spacecraft) > 1 or not spacecraft <= set(COLLECTIONS):
        raise ValueError(f"{labels_path}: spacecraft of {source.path.stem} must be one of {', '.join(COLLECTIONS)}")
    if len(kinds) != len(intervals) or not set(kinds) <= set(CLASSES):
        raise ValueError(f"{labels_path}: class of {source.path.stem} must name point or contextual for each interval")
    (craft,) = spacecraft
    yield labelled(
        source,
        telemetry,
        intervals,
        COLLECTIONS[craft],
        task=craft,
        anomaly_class=CLASSES[kinds[0]] if len(set(kinds)) == 1 else AnomalyClass.UNKNOWN,
        about={"event_kinds": [kind for _, kind in sorted(zip(intervals, kinds, strict=True))]},
    )


def read_labels(path: Path) -> pd.DataFrame:
    """The rows of the label file as text. Raises ValueError when a column is missing."""
    table = read_cells(path)
    for column in COLUMNS:
        if column not in table:
            raise ValueError(f"{path}, row 1: there is no column {column}; expected {', '.join(COLUMNS)}")
    return table


def _intervals(text: str, length: int, where: str) -> list[Interval]:
    expected = f"anomaly_sequences {text[:80]!r} is not pairs [first, last] inside the {length} samples"
    try:
        pairs = json.loads(text)
        intervals = [(first, last + 1) for first, last in pairs]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {expected}") from error
    for start, stop in intervals:
        if not (isinstance(start, int) and isinstance(stop, int) and 0 <= start < stop <= length):
            raise ValueError(f"{where}: {expected}")
    return intervals


FORMAT = Format("nasa", f"a NASA SMAP/MSL folder ({LABELS} beside test/*.npy)", find, read)
