"""Text tables of an archive, read strictly: a cell that is not what it should be is named by file and row."""

from pathlib import Path

import numpy as np
import pandas as pd

PARSER_PREFIX = "Error tokenizing data. C error: "
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_table(path: Path, columns: tuple[str, ...], *, header: bool) -> pd.DataFrame:
    """The cells as text under the given column names, indexed by their 1-based row in the file.

    Raises ValueError when the file is empty, or a row does not have these columns.
    """
    expected = f"expected the columns {', '.join(columns)}"
    table = _read_rows(path, expected)
    if len(table.columns) != len(columns):
        raise ValueError(f"{path}, row 1: {len(table.columns)} columns; {expected}")
    table.columns = list(columns)
    if header:
        if tuple(table.iloc[0]) != columns:
            raise ValueError(f"{path}, row 1: the header is {one_line(','.join(table.iloc[0]))}; {expected}")
        table = table.iloc[1:]
    if table.empty:
        raise ValueError(f"{path} has no rows below its header; {expected}")
    return table


def read_cells(path: Path) -> pd.DataFrame:
    """The cells as text under the column names of the file's own first row, as `read_table` gives them."""
    table = _read_rows(path, "expected a table with a header")
    table.columns = table.iloc[0].str.strip().tolist()
    if not table.columns.is_unique:
        raise ValueError(f"{path}, row 1: two columns have one name; name each once")
    if len(table) == 1:
        raise ValueError(f"{path} has no rows below its header")
    return table.iloc[1:]


def read_cell_grid(path: Path) -> pd.DataFrame:
    """The cells as text of a table without a header, its columns numbered from 1."""
    table = _read_rows(path, "expected numbers parted by commas")
    table.columns = [f"column {number}" for number in range(1, len(table.columns) + 1)]
    return table


def read_text(path: Path) -> str:
    """A whole text file in UTF-8, with or without a byte order mark, or in UTF-16 with one.

    Raises ValueError for another encoding, which is named by its first row, and for what is no text.
    """
    content = path.read_bytes()
    if content.startswith(UTF16_MARKS):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} starts like UTF-16 and is not; save it as UTF-8") from error
    if b"\0" in content:
        row = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise ValueError(f"{path}, row {row}: binary data, not a text table; name the file of the series itself")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        raise ValueError(f"{path}, row {row}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8") from error


def read_numbers(table: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """A column as float64 `[T]`; raises ValueError naming the first row whose cell is not a finite number."""
    numbers = parse_numbers(table, column)
    refuse(~np.isfinite(numbers), table, column, path, "a finite number")
    return numbers


def parse_numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    """A column as float64 `[T]`, NaN where a cell is not a number."""
    return pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def read_flags(table: pd.DataFrame, column: str, path: Path) -> np.ndarray:
    """A column of 0 and 1 as a mask `[T]`; raises ValueError naming the first row whose cell is neither."""
    labels = parse_numbers(table, column)
    refuse(~np.isin(labels, (0, 1)), table, column, path, "0 or 1")
    return labels == 1


def refuse(wrong: np.ndarray, table: pd.DataFrame, column: str, path: Path, expected: str) -> None:
    """Raise ValueError naming the first row where `wrong [T]` is True."""
    if wrong.any():
        first = int(np.argmax(wrong))
        cell = str(table[column].iloc[first])[:80]
        raise ValueError(
            f"{path}, row {table.index[first]}: {one_line(column)} {cell!r} is not {expected}; mend or remove the file"
        )


def one_line(text: str) -> str:
    """Words of a file as an error may show them: a quoted cell may hold line ends, and be of any length."""
    return " ".join(text.split())[:80]


def _read_rows(path: Path, expected: str) -> pd.DataFrame:
    """Every row of the file as text, the header among them, indexed from 1."""
    try:
        # The header is read as a row, and blank lines are kept: rows are counted as an editor counts them, and pandas
        # never takes a first column without a name for an index.
        table = pd.read_csv(
            path, header=None, dtype=str, keep_default_na=False, encoding_errors="replace", skip_blank_lines=False
        )
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty; {expected}") from error
    except pd.errors.ParserError as error:
        reason = " ".join(str(error).removeprefix(PARSER_PREFIX).split())
        raise ValueError(f"{path}: {reason}; {expected}") from error
    # A row with fewer cells than the first one ends in missing cells.
    table = table.fillna("")
    table.index = pd.RangeIndex(1, len(table) + 1)
    return table
