"""The statistics of a corpus of traces as tables: markdown, terminal and HTML, from `CorpusStatistics` alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from html import escape

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from anomseer_core.expcot.statistics import CorpusStatistics, TraceStatistics

MISSING = "-"
LEGEND = (
    "By the class of the label. Verified: claims that hold (intervals by the label), in percent. Unread: numbers that "
    "the grammar of claims could not read. Weak: labelled intervals inside which the probe's threshold is not crossed, "
    "and normal views in which any threshold is, in percent. Found: labelled intervals that the evidence reaches by "
    "itself, in percent. Strongest: anomalous views whose strongest excursion touches the label, in percent."
)
BLIND_LEGEND = (
    " Agreement, in percent: of blind traces, written without the label, with the label, which is what labelled traces "
    "conclude; affiliation and point-wise F1 of their intervals."
)


@dataclass(frozen=True)
class Column:
    """A printed column: its heading, and how a row fills it."""

    heading: str
    cell: Callable[[TraceStatistics], str]


def _percent(share: float) -> str:
    return MISSING if math.isnan(share) else f"{100 * share:.1f}"


def _rounded(value: float, decimals: int) -> str:
    return MISSING if math.isnan(value) else f"{value:.{decimals}f}"


COLUMNS = (
    Column("Traces", lambda row: f"{row.traces}"),
    Column("Words", lambda row: _rounded(row.words_mean, 0)),
    Column("Min-max", lambda row: f"{row.words_min}-{row.words_max}"),
    Column("Claims", lambda row: _rounded(row.claims_per_trace, 1)),
    Column("Verified", lambda row: _percent(row.verified_rate)),
    Column("Unread", lambda row: f"{row.unread_numbers}"),
    Column("Weak", lambda row: _percent(row.weak)),
    Column("Found", lambda row: _percent(row.found)),
    Column("Strongest", lambda row: _percent(row.strongest_found)),
)
AGREEMENT = (
    Column("Same class", lambda row: _percent(row.class_agreement)),
    Column("Aff. F1", lambda row: _percent(row.affiliation_f1)),
    Column("Point F1", lambda row: _percent(row.pointwise_f1)),
)


def to_markdown(corpora: Sequence[CorpusStatistics]) -> str:
    """One table after the other, and what the columns mean."""
    parts = []
    for title, columns, rows in _tables(corpora):
        lines = [["Class", *(column.heading for column in columns)], ["---", *["---:"] * len(columns)], *rows]
        parts.append("\n".join([f"### {title}", "", *(f"| {' | '.join(line)} |" for line in lines)]))
    return "\n\n".join([*parts, legend_of(corpora)]) + "\n"


def to_terminal(corpora: Sequence[CorpusStatistics]) -> Group:
    """The tables for `rich.console.Console.print`, at most 100 columns wide."""
    parts: list[Table | Text] = []
    for title, columns, rows in _tables(corpora):
        table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False, title=title, title_justify="left")
        table.add_column("Class", no_wrap=True)
        for column in columns:
            table.add_column(column.heading, justify="right", no_wrap=True)
        for row in rows[:-1]:
            table.add_row(*map(Text, row))
        table.add_section()
        table.add_row(*map(Text, rows[-1]))
        parts.append(table)
    return Group(*parts, Text(legend_of(corpora), style="dim"))


def to_html(corpora: Sequence[CorpusStatistics]) -> str:
    """The tables and their legend as HTML, everything escaped."""
    parts = []
    for title, columns, rows in _tables(corpora):
        heads = "".join(f"<th>{escape(column.heading)}</th>" for column in columns)
        body = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
            for name, *cells in rows
        )
        parts.append(
            f"<table><caption>{escape(title)}</caption>"
            f"<thead><tr><th>Class</th>{heads}</tr></thead><tbody>{body}</tbody></table>"
        )
    return "\n".join([*parts, f'<p class="note">{escape(legend_of(corpora))}</p>'])


def to_frame(corpora: Sequence[CorpusStatistics]) -> pd.DataFrame:
    """Every number of every table, unrounded: one row per set of traces and class, the totals named `all`."""
    return pd.DataFrame(
        [
            {"series": corpus.name, "blind": corpus.blind, **asdict(row)}
            for corpus in corpora
            for row in (*corpus.by_class, corpus.total)
        ]
    )


def legend_of(corpora: Sequence[CorpusStatistics]) -> str:
    return LEGEND + (BLIND_LEGEND if any(corpus.blind for corpus in corpora) else "")


def _tables(corpora: Sequence[CorpusStatistics]) -> list[tuple[str, Sequence[Column], list[list[str]]]]:
    """Title, columns and printed cells (the name first, the total last) of each table."""
    tables = []
    for corpus in corpora:
        title = f"{corpus.name}, blind" if corpus.blind else corpus.name
        tables.append((title, COLUMNS, _cells(corpus, COLUMNS)))
        if corpus.blind:
            tables.append((f"{corpus.name}: agreement", AGREEMENT, _cells(corpus, AGREEMENT)))
    return tables


def _cells(corpus: CorpusStatistics, columns: Sequence[Column]) -> list[list[str]]:
    return [[row.name, *(column.cell(row) for column in columns)] for row in (*corpus.by_class, corpus.total)]
