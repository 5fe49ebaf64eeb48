"""Statistics of traces as tables."""

import io
import math
from dataclasses import replace

from rich.console import Console

from anomseer_core.expcot.statistics import CorpusStatistics, TraceStatistics
from anomseer_core.reports.trace_statistics import to_frame, to_html, to_markdown, to_terminal

NAN = float("nan")
NORMAL = TraceStatistics("normal", 3, 150.4, 90, 250, 20.25, 1.0, 0, 0.25, NAN, NAN, 1.0, 0.5, 0.125)
TOTAL = replace(NORMAL, name="all", found=0.5)


def corpus(*, name="anomllm-train", blind=False):
    return CorpusStatistics(name, blind, (NORMAL,), TOTAL)


def test_the_cells_by_hand():
    text = to_markdown([corpus()])
    assert text.splitlines()[:6] == [
        "### anomllm-train",
        "",
        "| Class | Traces | Words | Min-max | Claims | Verified | Unread | Weak | Found | Strongest |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| normal | 3 | 150 | 90-250 | 20.2 | 100.0 | 0 | 25.0 | - | - |",
        "| all | 3 | 150 | 90-250 | 20.2 | 100.0 | 0 | 25.0 | 50.0 | - |",
    ]
    assert "Weak: labelled intervals" in text
    assert "Agreement" not in text


def test_blind_traces_get_a_table_of_their_agreement():
    text = to_markdown([corpus(blind=True)])
    assert "### anomllm-train, blind" in text
    assert "| Class | Same class | Aff. F1 | Point F1 |" in text
    assert "| normal | 100.0 | 50.0 | 12.5 |" in text
    assert "Agreement, in percent" in text


def test_nothing_to_count_is_a_dash():
    empty = TraceStatistics("all", 0, NAN, 0, 0, NAN, NAN, 0, NAN, NAN, NAN, NAN, NAN, NAN)
    assert "| all | 0 | - | 0-0 | - | - | 0 | - | - | - |" in to_markdown([CorpusStatistics("x", False, (), empty)])


def test_the_terminal_shows_every_cell_within_100_columns():
    console = Console(width=100, record=True, file=io.StringIO())
    wide = replace(TOTAL, name="contextual point", traces=100_000, claims_per_trace=100.0, unread_numbers=1000)
    console.print(to_terminal([CorpusStatistics("a", True, (wide,), TOTAL)]))
    lines = console.export_text().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 100
    assert not any("\u2026" in line for line in lines)
    assert any(line.split()[:3] == ["contextual", "point", "100000"] for line in lines)


def test_html_is_escaped():
    html = to_html([corpus(name="<b>&")])
    assert "&lt;b&gt;&amp;" in html
    assert "<b>" not in html


def test_the_frame_holds_every_number():
    frame = to_frame([corpus(), corpus(name="other", blind=True)])
    assert frame[["series", "blind", "name"]].values.tolist() == [
        ["anomllm-train", False, "normal"],
        ["anomllm-train", False, "all"],
        ["other", True, "normal"],
        ["other", True, "all"],
    ]
    assert frame["pointwise_f1"].tolist() == [0.125] * 4
    assert math.isnan(frame["found"][0])
