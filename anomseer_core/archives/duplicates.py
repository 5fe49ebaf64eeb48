"""Series that two archives hold both, found by content: whole, shifted, rescaled, or one inside the other.

Archives copy from each other, z-normalise, cut the ends off and rename. What survives is the shape: the ratio of one
difference to its neighbour does not change with offset, scale or place. A few of its runs are kept as a fingerprint:
those whose hash is a multiple of the spacing, so that two copies keep the same ones, wherever they start. Where two
fingerprints agree on an offset, the values decide: z-normalised, they may differ by `TOLERANCE` nowhere. So two
series with one base and different anomalies, of which UCR has many, are no duplicates.

A strictly periodic series has no run of its own; it is found where all of it is the same. The spacing of a long series
is wider, which bounds the memory of a large archive: a short piece of a very long series may go unnoticed.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from anomseer_core.series import Series

# [samples] Length of a run, and how many of its steps must differ for it to tell anything.
RUN = 16
CHANGES = 6
# One run of this many is kept, and half as many until no more than MOST_RUNS are left.
SPACING = 8
MOST_RUNS = 2048
# A run that more series than these share belongs to none of them.
MOST_SHARING = 32
# Ratios are told apart in eighths: finer, and rounding in one of the copies would tell them apart as well.
LEVELS = 8
# Share of the shorter one's runs that must agree on an offset before values are compared, and the fewest.
AGREEING = 0.3
FEWEST = 3
# [standard deviations]
TOLERANCE = 1e-3
DIGEST_DECIMALS = 4
# A spread below this share of the magnitude is rounding noise: a constant is nobody's duplicate.
CONSTANT = 1e-9
HASH_BASE, HASH_MIX = np.uint64(1_000_003), np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Fingerprint:
    """length [samples]; channels: how many there are; hashes, places: of the kept runs of the first channel that is not
    constant, `[R]`; spacing: which ones were kept; digest: of all values, z-normalised; empty for a constant."""

    collection: str
    length: int
    channels: int
    hashes: np.ndarray
    places: np.ndarray
    spacing: int
    digest: str


@dataclass(frozen=True)
class Duplicate:
    """Series `index` lies in series `original`, from sample `offset` on."""

    index: int
    original: int
    offset: int


def fingerprint(series: Series) -> Fingerprint:
    values = np.atleast_2d(series.values)
    varying = [channel for channel in values if not _is_constant(channel)]
    hashes, places, spacing = _runs(varying[0]) if varying else (np.zeros(0, np.uint64), np.zeros(0, np.int64), SPACING)
    collection = series.metadata.get("collection", "")
    return Fingerprint(collection, len(series), len(values), hashes, places, spacing, _digest(varying))


def find_duplicates(prints: Sequence[Fingerprint], values_of: Callable[[int], np.ndarray]) -> list[Duplicate]:
    """Series of one collection that lie in a longer, or an equal and earlier, one of another collection.

    values_of: the values `[T]` or `[V, T]` of a series by its place in `prints`; called for likely pairs only.
    """
    order = sorted(range(len(prints)), key=lambda place: (-prints[place].length, -prints[place].channels, place))
    likely = _likely(prints, {index: rank for rank, index in enumerate(order)})
    found: dict[int, Duplicate] = {}
    for index in order:
        for original, offset in likely[index]:
            if original not in found and _lies_in(values_of(index), values_of(original), offset):
                found[index] = Duplicate(index, original, offset)
                break
    return [found[index] for index in sorted(found)]


def _likely(prints: Sequence[Fingerprint], rank: dict[int, int]) -> dict[int, list[tuple[int, int]]]:
    """For each series the longer ones of other collections that it may lie in, with the offset, likeliest first."""
    votes: Counter[tuple[int, int, int]] = Counter()
    for group in _groups(prints):
        for index, place in group:
            for original, start in group:
                if rank[original] < rank[index] and prints[original].collection != prints[index].collection:
                    votes[index, original, start - place] += 1
    chosen: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (index, original, offset), count in votes.most_common():
        own = prints[index]
        comparable = np.count_nonzero(_sifted(own.hashes, max(own.spacing, prints[original].spacing)))
        if count >= max(FEWEST, AGREEING * comparable):
            chosen[index].append((original, offset))
    for index, own in enumerate(prints):
        chosen[index] += [
            (original, 0)
            for original, other in enumerate(prints)
            if own.digest and own.digest == other.digest and own.collection != other.collection
            if rank[original] < rank[index] and (original, 0) not in chosen[index]
        ]
    return chosen


def _groups(prints: Sequence[Fingerprint]) -> Iterator[list[tuple[int, int]]]:
    """Series and places of each run that several series share."""
    hashes = np.concatenate([np.zeros(0, np.uint64), *(item.hashes for item in prints)])
    places = np.concatenate([np.zeros(0, np.int64), *(item.places for item in prints)])
    owners = np.repeat(np.arange(len(prints)), [len(item.hashes) for item in prints])
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order], prepend=hashes[order][:1] + np.uint64(1)))
    for start, stop in zip(starts, np.append(starts, len(order))[1:], strict=True):
        if 1 < stop - start <= MOST_SHARING:
            members = order[start:stop]
            yield list(zip(owners[members].tolist(), places[members].tolist(), strict=True))


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Hashes and places of the kept runs, and their spacing; a run that stands at two places is kept at neither."""
    levels = _levels(values)
    count = max(0, len(levels) - RUN + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for place in range(RUN if count else 0):
        hashes = hashes * HASH_BASE + levels[place : place + count]
    hashes *= HASH_MIX
    changes = np.concatenate([[0], np.cumsum(levels[1:] != levels[:-1])])
    telling = changes[RUN - 1 :][:count] - changes[:count] >= CHANGES
    places = np.flatnonzero(telling & _sifted(hashes, SPACING))
    unique, first, times = np.unique(hashes[places], return_index=True, return_counts=True)
    hashes, places, spacing = unique[times == 1], places[first[times == 1]], SPACING
    while len(hashes) > MOST_RUNS:
        spacing *= 2
        kept = _sifted(hashes, spacing)
        hashes, places = hashes[kept], places[kept]
    return hashes, places, spacing


def _sifted(hashes: np.ndarray, spacing: int) -> np.ndarray:
    return (hashes >> np.uint64(32)) % np.uint64(spacing) == 0


def _digest(varying: Sequence[np.ndarray]) -> str:
    if not varying:
        return ""
    rounded = [np.round(_normalised(channel), DIGEST_DECIMALS) + 0.0 for channel in varying]
    return hashlib.sha256(np.stack(rounded).tobytes()).hexdigest()


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
