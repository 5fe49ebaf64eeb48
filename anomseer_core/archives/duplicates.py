"""Series that two archives hold both, found by content: whole, shifted, rescaled, or one inside the other.

Archives copy from each other, z-normalise, cut the ends off and rename. What survives is the shape: the ratio of one
difference to its neighbour does not change with offset, scale or place. A few of its runs are kept as a fingerprint
(those whose hash is a multiple of `KEPT_OF`, so that two copies keep the same ones, wherever they start). Where two
fingerprints agree on an offset, the values decide: z-normalised, they may differ by `TOLERANCE` nowhere. So two
series with one base and different anomalies, of which UCR has many, are no duplicates.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from anomseer_core.series import Series

# [samples] Length of a run, and how many of its steps must differ for it to tell anything.
RUN = 16
CHANGES = 6
KEPT_OF = 8
# Ratios are told apart in eighths: finer, and rounding in one of the copies would tell them apart as well.
LEVELS = 8
# Share of the shorter one's runs that must agree on an offset before values are compared, and the fewest.
AGREEING = 0.3
FEWEST = 3
# [standard deviations]
TOLERANCE = 1e-3
# A spread below this share of the magnitude is rounding noise: a constant is nobody's duplicate.
CONSTANT = 1e-9
HASH_BASE, HASH_MIX = np.uint64(1_000_003), np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Fingerprint:
    """length [samples]; channels: how many there are; runs: place of each kept run by its hash, of the first channel
    that is not constant. A strictly periodic series has no run of its own and is found in no other."""

    collection: str
    length: int
    channels: int
    runs: dict[int, int]


@dataclass(frozen=True)
class Duplicate:
    """Series `index` lies in series `original`, from sample `offset` on."""

    index: int
    original: int
    offset: int


def fingerprint(series: Series) -> Fingerprint:
    values = np.atleast_2d(series.values)
    varying = next((channel for channel in values if not _is_constant(channel)), None)
    runs = {} if varying is None else _runs(varying)
    return Fingerprint(series.metadata.get("collection", ""), len(series), len(values), runs)


def find_duplicates(prints: Sequence[Fingerprint], values_of: Callable[[int], np.ndarray]) -> list[Duplicate]:
    """Series of one collection that lie in a longer, or an equal and earlier, one of another collection.

    values_of: the values `[T]` or `[V, T]` of a series by its place in `prints`; called for likely pairs only.
    """
    kept: dict[int, list[tuple[int, int]]] = defaultdict(list)
    found = []
    for index in sorted(range(len(prints)), key=lambda place: (-prints[place].length, -prints[place].channels, place)):
        own = prints[index]
        votes = Counter(
            (other, start - place)
            for value, place in own.runs.items()
            for other, start in kept[value]
            if prints[other].collection != own.collection
        )
        needed = max(FEWEST, AGREEING * len(own.runs))
        likely = (pair for pair, count in votes.most_common() if count >= needed)
        match = next((pair for pair in likely if _lies_in(values_of(index), values_of(pair[0]), pair[1])), None)
        if match:
            found.append(Duplicate(index, *match))
            continue
        for value, place in own.runs.items():
            kept[value].append((index, place))
    return sorted(found, key=lambda item: item.index)


def _runs(values: np.ndarray) -> dict[int, int]:
    """Hash -> place of the kept runs; one that stands at two places tells nothing of either."""
    levels = _levels(values)
    if len(levels) < RUN:
        return {}
    count = len(levels) - RUN + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(RUN):
        hashes = hashes * HASH_BASE + levels[place : place + count]
    hashes *= HASH_MIX
    changes = np.concatenate([[0], np.cumsum(levels[1:] != levels[:-1])])
    telling = changes[RUN - 1 :][:count] - changes[:count] >= CHANGES
    places = np.flatnonzero(telling & ((hashes >> np.uint64(32)) % np.uint64(KEPT_OF) == 0))
    unique, first, times = np.unique(hashes[places], return_index=True, return_counts=True)
    return {int(value): int(places[place]) for value, place, n in zip(unique, first, times, strict=True) if n == 1}


def _levels(values: np.ndarray) -> np.ndarray:
    """Each difference as a share of itself and the next one, in `2 LEVELS + 1` steps, uint64 `[T - 2]`."""
    steps = np.diff(values)
    steps[np.abs(steps) <= CONSTANT * np.nanmax(np.abs(values))] = 0
    both = np.abs(steps[:-1]) + np.abs(steps[1:])
    shares = np.divide(steps[:-1], both, out=np.zeros_like(both), where=both > 0)
    return (np.nan_to_num(np.round(LEVELS * shares)) + LEVELS).astype(np.uint64)


def _lies_in(inner: np.ndarray, outer: np.ndarray, offset: int) -> bool:
    """Whether every channel of the shorter one equals a stretch of the longer one, or of one of its channels."""
    inner, outer = np.atleast_2d(inner), np.atleast_2d(outer)
    length = inner.shape[1]
    if offset < 0 or offset + length > outer.shape[1]:
        return False
    stretch = outer[:, offset : offset + length]
    if len(inner) == len(outer):
        return all(_equal(one, other) for one, other in zip(inner, stretch, strict=True))
    return len(inner) == 1 and any(_equal(inner[0], channel) for channel in stretch)


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    if _is_constant(one) or _is_constant(other):
        return _is_constant(one) and _is_constant(other)
    return bool(np.nanmax(np.abs(_normalised(one) - _normalised(other))) <= TOLERANCE)


def _normalised(values: np.ndarray) -> np.ndarray:
    return (values - np.nanmean(values)) / np.nanstd(values)


def _is_constant(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return not len(finite) or np.ptp(finite) <= CONSTANT * np.abs(finite).max()
