"""Intervals as arrays: merged, and compared without a vector of all samples.

What a metric needs of two sets of intervals is where they overlap; that takes time and memory by the number of
intervals, whatever the length of the series.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from anomseer_core.series import Interval, merge_intervals

# So many intervals are merged sooner one by one than as an array.
FEW = 32


class Overlaps(NamedTuple):
    """Every pair of intervals of two merged sets that share a sample, int64 `[P]`, sorted by both indices.

    left, right: index of the interval in its set; samples: how many samples they share, at least one.
    """

    left: np.ndarray
    right: np.ndarray
    samples: np.ndarray


def merged_spans(intervals: Iterable[Interval], length: int) -> np.ndarray:
    """`series.merge_intervals` as int64 `[N, 2]`: sorted, clipped to `[0, length)`, apart, none empty."""
    intervals = intervals if isinstance(intervals, np.ndarray) else list(intervals)
    if len(intervals) <= FEW:
        return np.array(merge_intervals(intervals, length), dtype=np.int64).reshape(-1, 2)
    spans = np.clip(np.array(intervals, dtype=np.int64), 0, length)
    spans = spans[spans[:, 0] < spans[:, 1]]
    if not len(spans):
        return spans
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    begins = np.append(True, spans[1:, 0] > reach[:-1])
    return np.stack([spans[begins, 0], reach[np.append(begins[1:], True)]], axis=1)


def span_lengths(spans: np.ndarray) -> np.ndarray:
    """Samples of each span of `[N, 2]`."""
    return spans[:, 1] - spans[:, 0]


def count_shared(left: np.ndarray, right: np.ndarray) -> int:
    """How many samples lie in both of two merged sets `[N, 2]` and `[M, 2]`."""
    return int(find_overlaps(left, right).samples.sum())


def find_overlaps(left: np.ndarray, right: np.ndarray) -> Overlaps:
    """The overlapping pairs of two merged sets `[N, 2]` and `[M, 2]`; at most N + M - 1 of them."""
    first = np.searchsorted(right[:, 1], left[:, 0], side="right")
    count = np.searchsorted(right[:, 0], left[:, 1], side="left") - first
    place, other = expand_ranges(first, count)
    shared = np.minimum(left[place, 1], right[other, 1]) - np.maximum(left[place, 0], right[other, 0])
    return Overlaps(place, other, shared)


def expand_ranges(first: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of ranges `first[i], first[i] + 1, ...` of `count[i]` numbers: the range i and the number, one entry for each."""
    place = np.repeat(np.arange(len(count)), count)
    return place, np.arange(len(place)) + (first - np.cumsum(count) + count)[place]
