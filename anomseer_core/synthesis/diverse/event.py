"""One anomaly as a change of its base, where it may lie, and how big a severity is."""

from dataclasses import dataclass

import numpy as np

# [of the extent] A change begins and ends where it reaches this much: about a pixel of the picture.
VISIBLE = 0.01


@dataclass(frozen=True)
class Event:
    """`change` [n] is added to the samples from `start` on, `shift` to everything after them."""

    start: int
    change: np.ndarray
    shift: float = 0.0

    @property
    def stop(self) -> int:
        return self.start + len(self.change)


def between(severity: float, smallest: float, largest: float) -> float:
    """The size that a severity in [0, 1] stands for."""
    return smallest + severity * (largest - smallest)


def runs(allowed: np.ndarray, length: int) -> np.ndarray:
    """The starts of all runs of `length` allowed samples in a boolean [T]."""
    counts = np.concatenate([[0], np.cumsum(allowed)])
    return np.flatnonzero(counts[length:] - counts[:-length] == length)


def trimmed(start: int, change: np.ndarray, extent: float) -> Event | None:
    """An event from the first to the last visible sample of a change; None when none is."""
    seen = np.flatnonzero(np.abs(change) >= VISIBLE * extent)
    return Event(start + int(seen[0]), change[seen[0] : seen[-1] + 1]) if len(seen) else None


def draw_point_length(rng: np.random.Generator, longest: int) -> int:
    """Half of the point anomalies are single samples, the others up to `longest`."""
    return 1 if rng.random() < 0.5 else int(rng.integers(1, longest + 1))
