"""The stage that reads a user's archive and publishes the chosen series as a `series` artifact.

Files are read twice, so that memory stays flat however large the archive is: once to see which series pass and what
they are recognised by, and the chosen ones again to be stored.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path

import numpy as np
from pydantic import Field

from anomseer_core.archives.added import open_archive
from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.duplicates import Fingerprint, find_duplicates, fingerprint
from anomseer_core.archives.registry import find_sources, ignored_files, read_source
from anomseer_core.archives.selection import call_proxy, cut, keeps, parts, spread
from anomseer_core.archives.source import Source
from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage, digest_json
from anomseer_core.series import Series, write_series
from anomseer_core.store import Artifact, ArtifactStore, file_digest

log = logging.getLogger(__name__)
SERIES_FILE = "series.parquet"
# Long series that are compared are read anew for each pair; the last few stay in memory.
COMPARED_AT_ONCE = 4
STAGE = Stage(
    name="read_archive",
    kind="series",
    modules=("anomseer_core.archives.dataset",),
    libraries=("numpy", "pandas", "pyarrow"),
)


class ArchiveContent(ArchiveConfig):
    """The configuration with what the folder held: it lies outside the store, so its content belongs to the recipe."""

    content: str = Field(description="SHA-256 over the names and bytes of the files read.")


@dataclass(frozen=True)
class Candidate:
    """A series that passes the filter: the file and its place among the file's series, and what it is recognised by."""

    source: Source
    position: int
    id: str
    fingerprint: Fingerprint


def read_archive(store: ArtifactStore, config: ArchiveConfig, observer: Observer = SILENT) -> Artifact:
    """Read, filter, choose and cut the series of `config.folder` into `series.parquet`.

    Raises FileNotFoundError when the folder is missing, DamagedArtifact when it is an added archive whose files were
    changed, and ValueError when it is not named, holds nothing readable, or holds nothing that passes the filter.
    """
    if not config.folder:
        raise ValueError("no archive folder is set; name a folder of labelled series, or skip this benchmark")
    folder = open_archive(store.home, config.folder, verify=True)
    sources = find_sources(folder, config.format)
    content = ArchiveContent(**config.model_dump(), content=digest_sources(sources))

    def write(directory: Path) -> Mapping[str, int]:
        read = Reading(sources)
        passing = list(_candidates(read, config, observer))
        if not passing:
            raise ValueError(_nothing_passes(config, read.series))
        distinct = _without_duplicates(passing, config)
        chosen = spread(distinct, config.count)
        log.info("%s", _tell(config, folder, read, passing=passing, distinct=distinct, taken=chosen))
        return {SERIES_FILE: write_series(_chosen(chosen, config), directory / SERIES_FILE)}

    return store.produce(Recipe(STAGE, {}, content), write)


def digest_sources(sources: list[Source]) -> str:
    """SHA-256 over the name of every source and the bytes of its files."""
    paths = {path for source in sources for path in source.files}
    digests = {path: file_digest(path) for path in paths}
    return digest_json([[source.name, [digests[path] for path in source.files]] for source in sources])


@dataclass
class Reading:
    """The files of an archive, how many series they hold, and how many of those have too many channels."""

    sources: list[Source]
    series: int = 0
    too_wide: int = 0


def _candidates(read: Reading, config: ArchiveConfig, observer: Observer) -> Iterator[Candidate]:
    """Those that pass the filter, in the order of the files."""
    for done, source in enumerate(read.sources, start=1):
        position = 0
        for series in read_source(source, config.table):
            items = parts(series, config)
            read.series += max(1, len(items))
            read.too_wide += not items
            for item in items:
                if keeps(item, config):
                    yield Candidate(source, position, item.id, fingerprint(item))
                position += 1
        observer.progress(done, len(read.sources), "files")


def _series_of(source: Source, config: ArchiveConfig) -> Iterator[Series]:
    return (part for series in read_source(source, config.table) for part in parts(series, config))


def _without_duplicates(candidates: Sequence[Candidate], config: ArchiveConfig) -> list[Candidate]:
    if config.duplicates == "keep" or len({item.fingerprint.collection for item in candidates}) < 2:
        return list(candidates)

    @lru_cache(maxsize=COMPARED_AT_ONCE)
    def values_of(index: int) -> np.ndarray:
        wanted = candidates[index]
        return next(islice(_series_of(wanted.source, config), wanted.position, None)).values

    found = find_duplicates([item.fingerprint for item in candidates], values_of)
    for item in found:
        log.info(
            "%s is left out: it lies in %s, from sample %d on",
            candidates[item.index].id,
            candidates[item.original].id,
            item.offset,
        )
    left_out = {item.index for item in found}
    return [item for index, item in enumerate(candidates) if index not in left_out]


def _chosen(chosen: Sequence[Candidate], config: ArchiveConfig) -> Iterator[Series]:
    """The chosen series themselves, read again and cut."""
    for source, group in groupby(chosen, key=lambda item: item.source):
        wanted = {item.position for item in group}
        for position, series in enumerate(_series_of(source, config)):
            if position in wanted:
                yield call_proxy(cut(series, config.max_samples), config)


def _nothing_passes(config: ArchiveConfig, series: int) -> str:
    wanted = [f"is in the list {config.file_list!r}"] if config.file_list else []
    if config.selection == "tab":
        wanted.append(f"has an event and at most {100 * config.max_anomaly_ratio:g}% anomalous samples")
        mend = "raise max_anomaly_ratio or name another folder"
    else:
        wanted.append(f"has at most {config.most_channels} channels")
        mend = "raise most_channels or name another folder"
    if config.file_list:
        mend = f"name a list that holds its files, or {mend}"
    return f"archive {config.folder}: none of {series} series {' and '.join(wanted)}; {mend}"


def _tell(
    config: ArchiveConfig,
    folder: Path,
    read: Reading,
    *,
    passing: Sequence[Candidate],
    distinct: Sequence[Candidate],
    taken: Sequence[Candidate],
) -> str:
    """What became of a folder, in one line: a series that is not read should be missed."""
    ignored = ignored_files(folder, read.sources)
    twice = len(passing) - len(distinct)
    return (
        f"archive {config.folder}: {read.series} series read, "
        + (f"{read.too_wide} with more than {config.most_channels} channels, " if read.too_wide else "")
        + f"{len(passing)} pass the filter, "
        + (f"{twice} of them in two archives, " if twice else "")
        + f"{len(taken)} taken"
        + (f"; files that are no series: {ignored}" if ignored else "")
    )
