"""Published results of the same kind as ours, and a table that sets both side by side."""

import pandas as pd

from anomseer_core.baselines.config import Classical
from anomseer_core.reports.summary import BY_GROUP, GROUPED_BENCHMARK, MISSING

# Table 8 of the paper: affiliation-F1 on AnomLLM in percent (Frequency, Trend, Range, Point, mean of the four).
TABLE_8: dict[Classical, tuple[float, ...]] = {
    "fft": (65.9, 18.0, 28.5, 27.8, 35.1),
    "matrix-profile": (11.4, 29.4, 67.2, 87.4, 48.9),
    "gradient": (57.1, 58.5, 55.8, 65.9, 59.3),
    "arima": (62.6, 4.9, 67.3, 74.2, 52.3),
    "threshold": (57.6, 25.2, 60.0, 47.6, 47.6),
    "ensemble": (59.0, 17.4, 69.2, 92.4, 59.5),
}
NOTE = (
    "Ours / the paper's Table 8: affiliation-F1 in percent. The paper states no parameters of its detectors, so rows "
    "share a name and an idea, not a program. Range is drawn with our own seed: the original cannot be drawn again."
)


def beside_the_paper(summary: pd.DataFrame) -> str:
    """Markdown: the detectors of Table 8 that a summary holds, ours / theirs; empty where it holds none.

    summary: as `reports.summary.summarise` gives it.
    """
    rows = summary[(summary["benchmark"] == GROUPED_BENCHMARK) & summary["detector"].isin(TABLE_8)]
    if rows.empty:
        return ""
    lines = [["Detector", *(column.heading for column in BY_GROUP)], ["---", *["---:"] * len(BY_GROUP)]]
    for row in rows.to_dict("records"):
        pairs = zip(BY_GROUP, TABLE_8[row["detector"]], strict=True)
        lines.append([row["detector"], *(f"{_percent(row[column.name])} / {theirs}" for column, theirs in pairs)])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"### {GROUPED_BENCHMARK}: ours / the paper's\n\n{table}\n\n{NOTE}\n"


def _percent(share: float) -> str:
    return MISSING if pd.isna(share) else f"{100 * share:.1f}"
