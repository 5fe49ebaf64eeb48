"""A delimited text file of unknown habits -> its cells as text.

What can be told from the first rows is told from them, soberly: a separator is one that gives every row the same
number of cells, a decimal comma one that stands where numbers have their point. What stays ambiguous is refused, and
the mend is the field that settles it.
"""

import csv
import io
import re
from itertools import islice
from pathlib import Path

import pandas as pd

from anomseer_core.archives.config import TableConfig
from anomseer_core.archives.tables import PARSER_PREFIX, one_line, read_text

SEPARATORS = {";": ";", "tab": "\t", "|": "|", ",": ","}
SAMPLED_ROWS = 50
COMMA_NUMBER = re.compile(r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*")
POINT_NUMBER = re.compile(r"\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*")


def read_delimited(path: Path, config: TableConfig) -> pd.DataFrame:
    """The cells as text, decimal points for decimal commas, indexed by their 1-based row in the file.

    The column names are those of the first row; a file of one column may do without, and its column is `value`.
    Raises ValueError naming file and row.
    """
    text = _decoded(path, config.encoding)
    if not text.strip():
        raise ValueError(f"{path} is empty; expected a header and a row for each sample")
    separator = separator_of(path, text, config)
    table = _parsed(path, text, separator)
    table.index = pd.RangeIndex(1, len(table) + 1)
    table = _with_header(path, table)
    return _with_points(path, table, separator, config)


def separator_of(path: Path, text: str, config: TableConfig) -> str:
    """The separator that is set, or the one that fits every row that is looked at; `,` for a single column."""
    if config.separator != "auto":
        return SEPARATORS[config.separator]
    fitting = [sign for sign in SEPARATORS.values() if len(_widths(text, sign)) == 1 and max(_widths(text, sign)) > 1]
    # A decimal comma splits every number in two as well: the other signs have no second meaning.
    beside_comma = [sign for sign in fitting if sign != ","]
    if len(beside_comma) > 1:
        raise ValueError(f"{path}: {' or '.join(map(repr, beside_comma))} could part its cells; set table.separator")
    if beside_comma or fitting:
        return (beside_comma or fitting)[0]
    # No sign fits every row: the one that is in the header, so that the row that breaks is the one that is named.
    return next((sign for sign in SEPARATORS.values() if sign in text.splitlines()[0]), ",")


def _widths(text: str, separator: str) -> set[int]:
    rows = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        return {len(row) for row in islice((row for row in rows if row), SAMPLED_ROWS)}
    except csv.Error:
        return set()


def _decoded(path: Path, encoding: str) -> str:
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig"):
        return read_text(path)
    try:
        return path.read_bytes().decode(encoding)
    except LookupError as error:
        raise ValueError(f"table.encoding {encoding!r} is not known to Python") from error
    except UnicodeError as error:
        raise ValueError(f"{path} is not text in {encoding}; set table.encoding") from error


def _parsed(path: Path, text: str, separator: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty; expected a header and a row for each sample") from error
    except pd.errors.ParserError as error:
        reason = " ".join(str(error).removeprefix(PARSER_PREFIX).split())
        raise ValueError(f"{path}: {reason}; give every row as many cells as the header") from error
    return table.fillna("")


def _with_header(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    first = table.iloc[0].str.strip()
    if len(first) == 1 and is_number(first.iloc[0]):
        return table.set_axis(["value"], axis=1)
    if any(is_number(cell) for cell in first if cell):
        raise ValueError(
            f"{path}, row 1: expected the names of the columns, not {one_line(','.join(first))}; add a header"
        )
    if not first.is_unique:
        raise ValueError(f"{path}, row 1: two columns are called {first[first.duplicated()].iloc[0]!r}; rename one")
    table = table.iloc[1:].set_axis(first.tolist(), axis=1)
    if table.empty:
        raise ValueError(f"{path} has no rows below its header")
    return table


def is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _with_points(path: Path, table: pd.DataFrame, separator: str, config: TableConfig) -> pd.DataFrame:
    decimal = config.decimal
    if decimal == "auto":
        decimal = "." if separator == "," else _decimal_of(path, table)
    if decimal == ".":
        return table
    return table.apply(lambda column: column.where(~column.str.fullmatch(COMMA_NUMBER), column.str.replace(",", ".")))


def _decimal_of(path: Path, table: pd.DataFrame) -> str:
    commas = any(column.str.fullmatch(COMMA_NUMBER).any() for _, column in table.items())
    points = any(column.str.fullmatch(POINT_NUMBER).any() for _, column in table.items())
    if commas and points:
        raise ValueError(f"{path}: some numbers have a decimal comma and some a point; set table.decimal")
    return "," if commas else "."
