"""Seasonal: over an interval a repeating base runs faster or slower, or out of step; its shape and height stay.

Severity 0 to 1: a frequency 1.4 to 3 times, or one 1.4th to one third of, what it is; or a shift of 0.15 to 0.5 of a
cycle over one to three cycles. The base itself drifts by at most 15 %. A faster or slower stretch holds whole cycles
more or less than it would, so that the phase is back in step when the interval ends; no cycle gets shorter than eight
samples, which would cut its peaks.
"""

import numpy as np

from anomseer_core.synthesis.diverse.bases import Base
from anomseer_core.synthesis.diverse.event import Event, between, trimmed

FACTORS = (1.4, 3.0)
SHIFTS = (0.15, 0.5)
SHIFTED = 1 / 3
CYCLES = (1.0, 3.0)
MOST_EXTRA_CYCLES = 3
SHORTEST_CYCLE = 8
LONGEST_SHARE = 0.3
PLACES_TRIED = 30


def draw(rng: np.random.Generator, base: Base, severity: float, free: np.ndarray, longest: int) -> Event | None:
    assert base.cycle is not None
    assert base.phase is not None
    cycles, extra, shift = _draw_change(rng, severity)
    span = _draw_span(rng, base.phase, cycles, free)
    if span is None or base.period / (1 + extra / cycles) < SHORTEST_CYCLE:
        return None
    phase = base.phase[span]
    other = phase + shift + extra * (phase - phase[0]) / cycles
    shape = base.cycle.shape
    return trimmed(span.start, base.cycle.gain(phase) * (shape(other) - shape(phase)), base.extent)


def _draw_change(rng: np.random.Generator, severity: float) -> tuple[float, float, float]:
    """(cycles of the base that the interval covers, cycles it holds in addition, shift of the phase)."""
    sign = rng.choice([-1, 1])
    if rng.random() < SHIFTED:
        return rng.uniform(*CYCLES), 0.0, sign * between(severity, *SHIFTS)
    factor = between(severity, *FACTORS)
    change = factor - 1 if sign > 0 else 1 - 1 / factor
    # At least one cycle of the base, or nothing is seen to be missing.
    extra = rng.integers(np.ceil(change), MOST_EXTRA_CYCLES + 1)
    return extra / change, sign * float(extra), 0.0


def _draw_span(rng: np.random.Generator, phase: np.ndarray, cycles: float, free: np.ndarray) -> slice | None:
    """A free stretch of so many cycles, any of which is as likely as another; the end may cut it, after one cycle."""
    if cycles > LONGEST_SHARE * (phase[-1] - phase[0]):
        return None
    for start in rng.integers(0, len(phase), PLACES_TRIED):
        stop = int(np.searchsorted(phase, phase[start] + cycles))
        if phase[-1] - phase[start] >= 1 and free[start:stop].all():
            return slice(int(start), stop)
    return None
