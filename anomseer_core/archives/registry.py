"""The formats of archives: which one a folder holds, and the reading of one of its files.

Every format is asked which files of a folder are its own. Most are known by their names or by what lies beside them,
KPI and MGAB by their header; a file that two of them claim is refused by naming both, until `format` says which one
is meant. A table of any other kind is taken when its header names a label column. A folder may hold several archives.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from anomseer_core.archives import kpi, mgab, nab, nasa, smd, tab, tabular, tsb_ad, tsb_uad, ucr
from anomseer_core.archives.config import AnyFormat, TableConfig
from anomseer_core.archives.source import Format, Source
from anomseer_core.series import Series

FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT for module in (tsb_uad, tsb_ad, tab, nab, nasa, ucr, smd, kpi, mgab)
}
# Kinds of files that are named where they are no series.
SHOWN_KINDS = 5


def find_sources(path: Path, form: AnyFormat = "auto") -> list[Source]:
    """The files of series in a folder (or the one file that `path` is), sorted by name.

    Raises FileNotFoundError when there is no such path, and ValueError when nothing in it can be read or two formats
    claim one file.
    """
    if not path.exists():
        raise FileNotFoundError(f"archive {path} does not exist; give a folder of labelled series, or leave it empty")
    if form == tabular.NAME:
        sources = list(tabular.find_any(path))
    else:
        chosen = FORMATS.values() if form == "auto" else [FORMATS[form]]
        sources = _without_conflict([source for known in chosen for source in known.find(path)])
        if form == "auto":
            taken = {file for source in sources for file in source.files}
            sources += [source for source in tabular.find_labelled(path) if source.path not in taken]
    if not sources:
        _refuse_empty(path)
        raise ValueError(f"archive {path} holds no readable series; expected {_expected(form)}")
    return sorted(sources, key=lambda item: item.name)


def read_source(source: Source, table: TableConfig | None = None) -> Iterator[Series]:
    """The series of one file. table: how a table of no known archive is read. Raises ValueError naming file and row."""
    if source.format == tabular.NAME:
        return tabular.read(source, table or TableConfig())
    return FORMATS[source.format].read(source)


def ignored_files(path: Path, sources: Iterable[Source]) -> str:
    """The other files of a folder in words, by suffix, such as "2 .csv, 1 .md"; empty when there are none."""
    read = {file for source in sources for file in source.files}
    files = (file for file in path.rglob("*") if file.is_file() and file not in read) if path.is_dir() else ()
    kinds = Counter(file.suffix for file in files)
    return ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in kinds.most_common(SHOWN_KINDS))


def _refuse_empty(path: Path) -> None:
    """Raises ValueError naming a file without content: it says more than that nothing is there to be read."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    empty = [file for file in files if not file.stat().st_size]
    if empty:
        found = f"{empty[0]} is empty" if len(empty) == 1 else f"{empty[0]} and {len(empty) - 1} more files are empty"
        raise ValueError(f"{found}; nothing else here can be read either")


def _without_conflict(sources: list[Source]) -> list[Source]:
    first: dict[Path, Source] = {}
    for source in sources:
        other = first.setdefault(source.path, source)
        if other.format != source.format:
            raise ValueError(
                f"{source.path} could be {FORMATS[other.format].holds} or {FORMATS[source.format].holds}; "
                f"name one with format: {other.format} or {source.format}"
            )
    return sources


def _expected(form: AnyFormat) -> str:
    if form == tabular.NAME:
        return tabular.HOLDS
    if form == "auto":
        holds = ", ".join(known.holds for known in FORMATS.values())
        return f"{holds}, or {tabular.HOLDS} with a label column; format {tabular.NAME} reads those without labels too"
    return FORMATS[form].holds
