"""Text tables of an archive, read strictly: a cell that is not what it should be is named by file and row."""

from pathlib import Path

import numpy as np
import pandas as pd

PARSER_PREFIX = "Error tokenizing data. C error: "


def read_table(path: Path, columns: tuple[str, ...], *, header: bool) -> pd.DataFrame:
    """The cells as text under the given column names, indexed by their 1-based row in the file.

    Raises ValueError when the file is empty, or a row does not have these columns.
    """
    expected = f"expected the columns {', '.join(columns)}"
    try:
        # The header is read as a row, and blank lines are kept: rows are counted as an editor counts them, and pandas
        # never takes a first column without a name for an index.
        table = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, encoding_errors="replace", skip_blank_lines=False
        )
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty; {expected}") from error
    except pd.errors.ParserError as error:
        raise ValueError(f"{path}: {str(error).strip().removeprefix(PARSER_PREFIX)}; {expected}") from error
    if len(table.columns) != len(columns):
        raise ValueError(f"{path}, row 1: {len(table.columns)} columns; {expected}")
    table.columns = list(columns)
    table.index = pd.RangeIndex(1, len(table) + 1)
    if header:
        if tuple(table.iloc[0]) != columns:
            raise ValueError(f"{path}, row 1: the header is {','.join(map(str, table.iloc[0]))}; {expected}")
        table = table.iloc[1:]
    if table.empty:
        raise ValueError(f"{path} has no rows below its header; {expected}")
    return table


def read_numbers(table: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """A column as float64 `[T]`; raises ValueError naming the first row whose cell is not a finite number."""
    numbers = parse_numbers(table, column)
    refuse(~np.isfinite(numbers), table, column, path, "a finite number")
    return numbers


def parse_numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float64 `[T]`, NaN where a cell is not a number."""
    return pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def refuse(wrong: np.ndarray, table: pd.DataFrame, column: str, path: Path, expected: str) -> None:
    """Raise ValueError naming the first row where `wrong [T]` is True."""
    if wrong.any():
        first = int(np.argmax(wrong))
        cell = table[column].iloc[first]
        raise ValueError(
            f"{path}, row {table.index[first]}: {column} {cell!r} is not {expected}; mend or remove the file"
        )
