"""Which files of a folder hold labelled series, and the reading of one of them.

A TSB-UAD archive is any number of `.out` files, at any depth. A NAB checkout is a folder with `data/**/*.csv` beside
`labels/combined_windows.json`. A folder may hold several of both.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from anomseer_core.archives import nab, tsb_uad
from anomseer_core.series import AnomalyClass, Series, intervals_from_mask

BENCHMARK = "archive"
SPLIT = "eval"


@dataclass(frozen=True)
class Source:
    """The file of one series. name: its path below the folder, with forward slashes; windows: NAB's label file."""

    name: str
    path: Path
    windows: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.path,) if self.windows is None else (self.path, self.windows)


def find_sources(path: Path) -> list[Source]:
    """The series files of a folder (or the one `.out` file that `path` is), sorted by name.

    Raises FileNotFoundError when there is no such path, and ValueError when nothing in it can be read.
    """
    if not path.exists():
        raise FileNotFoundError(f"archive {path} does not exist; give a folder of labelled series, or leave it empty")
    if path.is_file():
        sources = [Source(path.name, path)] if path.suffix == tsb_uad.SUFFIX else []
    else:
        sources = sorted(_in_folder(path), key=lambda item: item.name)
    if not sources:
        raise ValueError(
            f"archive {path} holds no readable series; expected TSB-UAD {tsb_uad.SUFFIX} files, or a NAB checkout "
            f"({nab.DATA}/ beside {nab.WINDOWS})"
        )
    return sources


def ignored_files(path: Path, sources: Iterable[Source]) -> Counter[str]:
    """How many other files a folder holds, by suffix."""
    read = {file for source in sources for file in source.files}
    files = (file for file in path.rglob("*") if file.is_file() and file not in read) if path.is_dir() else ()
    return Counter(file.suffix for file in files)


def read_source(source: Source) -> Series:
    """Read one series; its class is unknown when it has events, since archives label where and not what."""
    if source.windows is None:
        values, mask = tsb_uad.read_out(source.path)
    else:
        values, mask = nab.read_csv(source.path, source.windows)
    intervals = tuple(intervals_from_mask(mask))
    return Series(
        id=f"{BENCHMARK}/{source.name}",
        values=values,
        intervals=intervals,
        anomaly_class=AnomalyClass.UNKNOWN if intervals else AnomalyClass.NORMAL,
        benchmark=BENCHMARK,
        task=Path(source.name).parent.name or BENCHMARK,
        split=SPLIT,
        metadata={"source": source.name, "offset": 0, "original_length": len(values)},
    )


def _in_folder(folder: Path) -> Iterator[Source]:
    for path in folder.rglob(f"*{tsb_uad.SUFFIX}"):
        if path.is_file():
            yield Source(path.relative_to(folder).as_posix(), path)
    for windows in folder.rglob(nab.WINDOWS):
        for path in (windows.parents[1] / nab.DATA).rglob(f"*{nab.SUFFIX}"):
            yield Source(path.relative_to(folder).as_posix(), path, windows)
