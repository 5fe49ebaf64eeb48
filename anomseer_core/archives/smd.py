"""SMD and ASD, machines with many channels, in the two forms in which they are handed round.

OmniAnomaly's text: `test/NAME.txt` (comma separated channels), `test_label/NAME.txt` (0 or 1 a line). InterFusion's
pickles: `NAME_test.pkl` `[T, V]` beside `NAME_test_label.pkl`, read by `arrays.py`. Either may have
`interpretation_label/NAME.txt`, lines such as `246-252:1,2,9`: which channels, counted from 1, show an event.

The labels say where events are. Interpretations are matched to them by their first sample, since SMD writes their
end outside the event and ASD inside; an interpretation without an event is refused.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anomseer_core.archives.arrays import by_channel, flags, read_pickled_array
from anomseer_core.archives.source import Collection, Format, Source, files_below, labelled
from anomseer_core.archives.tables import parse_numbers, read_cell_grid, read_flags, read_table, read_text, refuse
from anomseer_core.series import Series, intervals_from_mask

VALUES, LABELS, TEXT_VALUES, TEXT_LABELS = "_test.pkl", "_test_label.pkl", "test", "test_label"
INTERPRETATIONS = "interpretation_label"
LINE = re.compile(r"(\d+)-(\d+):(\d+(?:,\d+)*)")
SMD, ASD = Collection("SMD", 28), Collection("ASD", 12)
ASD_PREFIX = "omi-"


def find(place: Path) -> Iterator[Source]:
    if not place.is_dir():
        return
    for name, path in files_below(place, ".pkl", ".txt"):
        beside = _beside(path)
        if beside and beside[0].is_file():
            yield Source(name, path, FORMAT.name, tuple(file for file in beside if file.is_file()))


def read(source: Source) -> Iterator[Series]:
    """Raises ValueError naming file and row, and where labels and values have different lengths."""
    labels_path, *interpretations = source.beside
    if source.path.suffix == ".pkl":
        values = by_channel(read_pickled_array(source.path), source.path)
        mask = flags(read_pickled_array(labels_path), labels_path)
    else:
        values = _read_channels(source.path)
        mask = read_flags(read_table(labels_path, ("label",), header=False), "label", labels_path)
    if len(mask) != values.shape[1]:
        raise ValueError(
            f"{labels_path} has {len(mask)} labels, and {source.path} has {values.shape[1]} samples; one file is cut"
        )
    events = intervals_from_mask(mask)
    shown = [channel for path in interpretations for channel in _channels_of(path, events, len(values))]
    collection = ASD if source.path.name.startswith(ASD_PREFIX) else SMD
    yield labelled(
        source,
        values[0] if len(values) == 1 else values,
        events,
        collection,
        task=collection.name,
        anomalous_channels=sorted(set().union(*shown)),
        about={"event_channels": shown} if shown else {},
    )


def _beside(path: Path) -> tuple[Path, ...]:
    """Where the labels and the interpretation of a file of values would lie; nothing where it is no such file."""
    if path.name.endswith(VALUES):
        stem = path.name.removesuffix(VALUES)
        return path.with_name(stem + LABELS), path.parent / INTERPRETATIONS / f"{stem}.txt"
    if path.suffix == ".txt" and path.parent.name == TEXT_VALUES:
        return tuple(path.parent.parent / folder / path.name for folder in (TEXT_LABELS, INTERPRETATIONS))
    return ()


def _read_channels(path: Path) -> np.ndarray:
    """Comma separated channels without a header, float64 `[V, T]`."""
    table = read_cell_grid(path)
    channels = []
    for channel in table:
        numbers = parse_numbers(table, channel)
        refuse(~np.isfinite(numbers), table, channel, path, "a finite number")
        channels.append(numbers)
    return np.stack(channels)


def _channels_of(path: Path, events: list[tuple[int, int]], count: int) -> list[list[int]]:
    """The channels, counted from 0, of each event in turn."""
    shown: dict[tuple[int, int], set[int]] = {}
    for row, line in enumerate(read_text(path).split(), start=1):
        found = LINE.fullmatch(line)
        if not found:
            raise ValueError(f"{path}, row {row}: {line[:40]!r} is not FIRST-LAST:CHANNEL,CHANNEL,...")
        first, channels = int(found[1]), [int(channel) - 1 for channel in found[3].split(",")]
        event = next(((start, stop) for start, stop in events if start <= first < stop), None)
        if event is None:
            raise ValueError(f"{path}, row {row}: no event holds sample {first}; labels and interpretation differ")
        if not all(0 <= channel < count for channel in channels):
            raise ValueError(f"{path}, row {row}: channels are counted from 1 to {count}")
        shown[event] = shown.get(event, set()) | set(channels)
    return [sorted(shown.get(event, ())) for event in events]


FORMAT = Format(
    "smd", f"an SMD or ASD folder (NAME{VALUES} beside NAME{LABELS}, or {TEXT_VALUES}/ and {TEXT_LABELS}/)", find, read
)
