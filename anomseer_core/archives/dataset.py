"""The stage that reads a user's archive and publishes the chosen series as a `series` artifact."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import Field

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.selection import keep, spread
from anomseer_core.archives.sources import Source, find_sources, ignored_files, read_source
from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage, digest_json
from anomseer_core.series import Series, write_series
from anomseer_core.store import Artifact, ArtifactStore, file_digest

log = logging.getLogger(__name__)
SERIES_FILE = "series.parquet"
SHOWN_KINDS = 5
STAGE = Stage(
    name="read_archive",
    kind="series",
    modules=("anomseer_core.archives.dataset",),
    libraries=("numpy", "pandas", "pyarrow"),
)


class ArchiveContent(ArchiveConfig):
    """The configuration with what the folder held: it lies outside the store, so its content belongs to the recipe."""

    content: str = Field(description="SHA-256 over the names and bytes of the files read.")


def read_archive(store: ArtifactStore, config: ArchiveConfig, observer: Observer = SILENT) -> Artifact:
    """Read, cut, filter and choose the series of `config.folder` into `series.parquet`.

    Raises FileNotFoundError when the folder is missing and ValueError when it is not named, holds nothing readable,
    or holds nothing that passes the filter.
    """
    if not config.folder:
        raise ValueError("no archive folder is set; name a folder of labelled series, or skip this benchmark")
    sources = find_sources(Path(config.folder))
    content = ArchiveContent(**config.model_dump(), content=digest_sources(sources))

    def write(directory: Path) -> Mapping[str, int]:
        kept = keep(_read(sources, observer), config)
        if not kept:
            raise ValueError(
                f"archive {config.folder}: none of {len(sources)} series has an event and at most "
                f"{100 * config.max_anomaly_ratio:g}% anomalous samples; raise max_anomaly_ratio or name another folder"
            )
        chosen = spread(kept, config.count)
        log.info("%s", _tell(config, sources, kept=len(kept), taken=len(chosen)))
        return {SERIES_FILE: write_series(chosen, directory / SERIES_FILE)}

    return store.produce(Recipe(STAGE, {}, content), write)


def digest_sources(sources: list[Source]) -> str:
    """SHA-256 over the name of every source and the bytes of its files."""
    digests = {path: file_digest(path) for source in sources for path in source.files}
    return digest_json([[source.name, [digests[path] for path in source.files]] for source in sources])


def _tell(config: ArchiveConfig, sources: list[Source], *, kept: int, taken: int) -> str:
    """What became of a folder, in one line: a series that is not read should be missed."""
    ignored = ignored_files(Path(config.folder), sources)
    kinds = ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in ignored.most_common(SHOWN_KINDS))
    return f"archive {config.folder}: {len(sources)} series read, {kept} pass the filter, {taken} taken" + (
        f"; files that are no series: {kinds}" if kinds else ""
    )


def _read(sources: list[Source], observer: Observer) -> Iterator[Series]:
    for done, source in enumerate(sources, start=1):
        yield read_source(source)
        observer.progress(done, len(sources), "files")
