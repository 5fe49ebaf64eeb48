"""One file of an archive that holds labelled series, and the form in which every reader hands a series on.

A reader is a module named for its format. It says which files of a folder are its own (`find`) and reads one of them
(`read`), and `FORMAT` puts both together for the registry. Labels become half-open intervals here, whatever the
archive writes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from anomseer_core.series import AnomalyClass, Interval, Series, intervals_from_mask, merge_intervals

BENCHMARK = "archive"
SPLIT = "eval"


@dataclass(frozen=True)
class Source:
    """A file of series. name: its path below the folder, with forward slashes; beside: what is read together with it
    (labels, lists), whose content decides the series as well."""

    name: str
    path: Path
    format: str
    beside: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path, *self.beside)


@dataclass(frozen=True)
class Format:
    """An archive's format: `name` is what the configuration takes, `holds` tells how a folder of it is recognised."""

    name: str
    holds: str
    find: Callable[[Path], Iterator[Source]]
    read: Callable[[Source], Iterator[Series]]


@dataclass(frozen=True)
class Collection:
    """What a series was published in: its name, and how many series it has there (0: not known)."""

    name: str
    series: int = 0


def labelled(
    source: Source,
    values: np.ndarray,
    labels: np.ndarray | Sequence[Interval],
    collection: Collection,
    *,
    part: str = "",
    task: str = "",
    anomaly_class: AnomalyClass = AnomalyClass.UNKNOWN,
    anomalous_channels: Sequence[int] = (),
    about: Mapping[str, Any] | None = None,
) -> Series:
    """The series of a file, or of a part of it that `part` names.

    values: `[T]` or `[V, T]`; labels: mask `[T]` or half-open intervals. The class is unknown where there are events,
    unless the archive names it: most label where and not what.
    """
    length = values.shape[-1]
    intervals = intervals_from_mask(labels) if isinstance(labels, np.ndarray) else merge_intervals(labels, length)
    name = f"{source.name}#{part}" if part else source.name
    return Series(
        id=f"{BENCHMARK}/{name}",
        values=values,
        intervals=tuple(intervals),
        anomaly_class=anomaly_class if intervals else AnomalyClass.NORMAL,
        benchmark=BENCHMARK,
        task=task or PurePosixPath(source.name).parent.name or BENCHMARK,
        split=SPLIT,
        anomalous_channels=tuple(anomalous_channels),
        metadata={
            "source": name,
            "offset": 0,
            "original_length": length,
            "collection": collection.name,
            "published_series": collection.series,
            **(about or {}),
        },
    )


def files_below(place: Path, *suffixes: str) -> Iterator[tuple[str, Path]]:
    """The files of these suffixes in a folder, at any depth, with their names below it; or the one file itself.

    What operating systems strew into archives (`._name`, `__MACOSX`) is passed over.
    """
    if place.is_file():
        candidates = [(place.name, place)]
    else:
        candidates = [(path.relative_to(place).as_posix(), path) for path in sorted(place.rglob("*")) if path.is_file()]
    for name, path in candidates:
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)
        if path.suffix.lower() in suffixes and not hidden:
            yield name, path


def first_line(path: Path, limit: int = 65_536) -> str:
    """The first line of a text file without its end and without a byte order mark; of other files, whatever it is."""
    with open(path, "rb") as file:
        return file.readline(limit).decode("utf-8-sig", errors="replace").rstrip("\r\n")
