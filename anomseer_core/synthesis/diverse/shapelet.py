"""Shapelet: one or two whole cycles of a repeating base have another shape; their length and place stay.

Severity 0 to 1: a root mean square difference of 0.35 to 0.95 deviations of the cycle, after the other shape was
shifted and levelled to fit as well as it can: what is left is a matter of shape alone, not of phase.
"""

from collections.abc import Callable, Iterator

import numpy as np

from anomseer_core.synthesis.diverse import shapes
from anomseer_core.synthesis.diverse.bases import Base
from anomseer_core.synthesis.diverse.event import Event, between, trimmed
from anomseer_core.synthesis.diverse.shapes import Shape

SMALLEST, LARGEST = 0.35, 0.95
MOST_CYCLES = 2


def draw(rng: np.random.Generator, base: Base, severity: float, free: np.ndarray, longest: int) -> Event | None:
    assert base.cycle is not None
    assert base.phase is not None
    span = _draw_span(rng, base.phase, int(rng.integers(1, MOST_CYCLES + 1)), free)
    if span is None:
        return None
    size = between(severity, SMALLEST, LARGEST)
    shape, phase = base.cycle.shape, base.phase[span]
    for other in _others(rng):
        distance, fitted = shapes.distance(shape, other)
        if distance >= size:
            change = base.cycle.gain(phase) * (fitted(phase) - shape(phase)) * size / distance
            return trimmed(span.start, change, base.extent)
    return None


def _others(rng: np.random.Generator) -> Iterator[Shape]:
    """A flat line and one shape of every kind, two of them without form, in any order."""
    for kind in rng.permutation(len(_KINDS)):
        yield _KINDS[kind](rng)


def _draw_span(rng: np.random.Generator, phase: np.ndarray, cycles: int, free: np.ndarray) -> slice | None:
    """So many whole cycles, all of whose samples are free."""
    edges = np.flatnonzero(np.diff(np.floor(phase))) + 1
    spans = [slice(int(start), int(stop)) for start, stop in zip(edges, edges[cycles:], strict=False)]
    spans = [span for span in spans if free[span].all()]
    return spans[rng.integers(len(spans))] if spans else None


_KINDS: tuple[Callable[[np.random.Generator], Shape], ...] = (
    lambda rng: shapes.flat,
    shapes.draw_wiggle,
    shapes.draw_wiggle,
    shapes.draw_sines,
    shapes.draw_square,
    shapes.draw_sawtooth,
    shapes.draw_pulse,
    shapes.draw_day,
)
