"""TSB-UAD files: `.out`, comma separated without a header, one sample a row: value, label (0 or 1)."""

from pathlib import Path

import numpy as np

from anomseer_core.archives.tables import parse_numbers, read_numbers, read_table, refuse

SUFFIX = ".out"


def read_out(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Values float64 `[T]` and the mask of anomalous samples `[T]`; raises ValueError naming file and row."""
    table = read_table(path, ("value", "label"), header=False)
    values = read_numbers(table, "value", path)
    labels = parse_numbers(table, "label")
    refuse(~np.isin(labels, (0, 1)), table, "label", path, "0 or 1")
    return values, labels == 1
