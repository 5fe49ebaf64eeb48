"""Which samples a picture shows, and how positions in the picture map to samples and back.

A picture always has an x-axis of `VIEW_UNITS` units, whatever the number of samples in it (DESIGN section 4), so that
a model answers in one unit only. Sample `i` of a view of `n` samples covers the units `[1000 i / n, 1000 (i + 1) / n)`.

Both directions round each edge to the nearest whole position, halves up, and keep at least one. Hence samples ->
units -> samples gives back exactly what went in whenever the view has at most 1,000 samples (a perfect answer scores
perfectly), and is wrong by at most two samples on either side in a view of up to 4,000. There an event shorter than
a unit of four samples keeps a whole one, which may begin up to a unit before it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from anomseer_core.series import Interval, merge_intervals

VIEW_UNITS = 1000
# One picture shows up to four samples a unit: what is unusual is seen beside what is usual, and that is worth more than
# the last two samples of a border (docs/shipped.md).
LONGEST_VIEW = 4 * VIEW_UNITS
# What lies at a border is seen once more, further inside, in the next view.
OVERLAP = LONGEST_VIEW // 10


@dataclass(frozen=True)
class View:
    """The samples `[start, stop)` of a series that one picture shows."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"a view needs 0 <= start < stop, not [{self.start}, {self.stop})")

    def __len__(self) -> int:
        return self.stop - self.start

    def clip(self, intervals: Iterable[Interval]) -> list[Interval]:
        """The part of the intervals (samples of the series) that the view shows, merged."""
        return [
            (self.start + start, self.start + stop)
            for start, stop in merge_intervals(((a - self.start, b - self.start) for a, b in intervals), len(self))
        ]

    def to_units(self, intervals: Iterable[Interval]) -> list[Interval]:
        """Half-open samples of the series -> half-open units in `[0, 1000)`, clipped to the view and merged."""
        local = [(start - self.start, stop - self.start) for start, stop in self.clip(intervals)]
        return merge_intervals((_rescale(pair, VIEW_UNITS, len(self)) for pair in local), VIEW_UNITS)

    def to_samples(self, intervals: Iterable[Interval]) -> list[Interval]:
        """Half-open units -> half-open samples of the series, clipped to the view and merged."""
        units = merge_intervals(intervals, VIEW_UNITS)
        local = (_rescale(pair, len(self), VIEW_UNITS) for pair in units)
        return self.clip((self.start + start, self.start + stop) for start, stop in local)


def views(length: int) -> list[View]:
    """The views that together show a series of `length` samples.

    One view up to 4,000 samples, else windows of 4,000, evenly spread, each of which overlaps the next one by at least
    `OVERLAP` samples.
    """
    if length <= LONGEST_VIEW:
        return [View(0, length)]
    count = -(-(length - OVERLAP) // (LONGEST_VIEW - OVERLAP))
    starts = (place * (length - LONGEST_VIEW) // (count - 1) for place in range(count))
    return [View(start, start + LONGEST_VIEW) for start in starts]


def own_parts(shown: Sequence[View]) -> list[View]:
    """The samples for which each of several views answers: up to the middle of its overlap with the next one.

    Together they are the series, each sample once: the view in which it lies further from the border counts.
    """
    borders = [(before.stop + after.start + 1) // 2 for before, after in pairwise(shown)]
    edges = [shown[0].start, *borders, shown[-1].stop]
    return [View(start, stop) for start, stop in pairwise(edges)]


def _rescale(interval: Interval, target: int, source: int) -> Interval:
    """Both edges times `target / source`, in exact integer arithmetic."""
    start, stop = ((2 * edge * target + source) // (2 * source) for edge in interval)
    if start < stop:
        return start, stop
    start = interval[0] * target // source
    return start, start + 1
