"""Global points: samples beyond everything that the clean series reaches.

Severity 0 to 1: 0.15 to 1 extents of the clean series beyond its maximum or minimum; a sample goes up to a quarter
further. All samples of one anomaly leave on the same side.
"""

import numpy as np

from anomseer_core.synthesis.diverse.bases import Base
from anomseer_core.synthesis.diverse.event import Event, between, draw_point_length, runs

SMALLEST, LARGEST = 0.15, 1.0
JITTER = 1.25


def draw(rng: np.random.Generator, base: Base, severity: float, free: np.ndarray, longest: int) -> Event | None:
    length = draw_point_length(rng, longest)
    starts = runs(free, length)
    if not len(starts):
        return None
    start = int(rng.choice(starts))
    excess = between(severity, SMALLEST, LARGEST) * base.extent * rng.uniform(1, JITTER, length)
    targets = base.clean.max() + excess if rng.random() < 0.5 else base.clean.min() - excess
    return Event(start, targets - base.clean[start : start + length])
