"""Precision, recall and F1 as one small value."""

from typing import NamedTuple


class PRF(NamedTuple):
    """precision, recall and f1 in [0, 1]; precision is NaN where a metric leaves it undefined."""

    precision: float
    recall: float
    f1: float


# Of an answer that is right in every respect, and of one that cannot be used.
PERFECT = PRF(1.0, 1.0, 1.0)
WORTHLESS = PRF(0.0, 0.0, 0.0)


def prf(precision: float, recall: float) -> PRF:
    """Add F1, the harmonic mean; 0 when both are 0 or the precision is undefined (NaN)."""
    total = precision + recall
    return PRF(precision, recall, 2 * precision * recall / total if total > 0 else 0.0)


def ratio(part: int, whole: int) -> float:
    """A share; 0 of nothing."""
    return part / whole if whole else 0.0
