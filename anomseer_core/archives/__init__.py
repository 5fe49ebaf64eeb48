"""Labelled real series from a folder of the user's, in any of the formats of `registry.py`."""

from collections.abc import Iterator
from pathlib import Path

from anomseer_core.archives.config import AnyFormat, TableConfig
from anomseer_core.archives.registry import find_sources, read_source
from anomseer_core.series import Series


def read(path: Path | str, *, format: AnyFormat = "auto", table: TableConfig | None = None) -> Iterator[Series]:
    """Stream every series of a folder (or of one file), whole, sorted by file name.

    format: which format is meant where a folder could be several; table: how tables of no known archive are read.
    The class is `unknown` where there are events and the archive does not name one, `normal` where there are none;
    metadata holds the source file and the collection it was published in.
    Raises FileNotFoundError or ValueError, in one line naming the file and the row, before anything is guessed.
    """
    return (series for source in find_sources(Path(path), format) for series in read_source(source, table))
