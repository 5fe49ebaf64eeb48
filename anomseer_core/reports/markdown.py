"""Tables and shares as markdown writes them."""

from collections.abc import Iterable, Sequence

import pandas as pd

from anomseer_core.reports.summary import MISSING


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """A table whose first `words` columns are words, on the left, and whose others are numbers, on the right."""
    rule = ["---"] * words + ["---:"] * (len(head) - words)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def percent(share: float) -> str:
    return MISSING if pd.isna(share) else f"{100 * share:.1f}"


def with_interval(share: float, low: float, high: float) -> str:
    """A share in percent and its interval, such as `61.2 (58.0-64.1)`."""
    return MISSING if pd.isna(share) else f"{percent(share)} ({percent(low)}-{percent(high)})"
