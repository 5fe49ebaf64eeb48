"""Labelled real series from a folder of the user's: TSB-UAD `.out` files and NAB checkouts."""

from collections.abc import Iterator
from pathlib import Path

from anomseer_core.archives.sources import find_sources, read_source
from anomseer_core.series import Series


def read(path: Path | str) -> Iterator[Series]:
    """Stream every series of a folder (or of one `.out` file), whole, sorted by file name.

    The class is `unknown` where there are events and `normal` otherwise; metadata holds the source file.
    Raises FileNotFoundError or ValueError, in one line naming the file and the row, before anything is guessed.
    """
    return map(read_source, find_sources(Path(path)))
