"""One channel: a base, the anomalies of one class in it, and the same without them.

A drawn base on which the class finds no place at the asked severity (no room inside the range, too few cycles) is
drawn again. Normal channels go the same way and leave the anomalies out, so that no kind of base tells them apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from anomseer_core.series import AnomalyClass, Interval
from anomseer_core.synthesis.diverse import contextual_point, global_point, seasonal, shapelet, trend
from anomseer_core.synthesis.diverse.bases import ALL_KINDS, REPEATING, WITH_CONTEXT, Base, BaseKind, draw_base
from anomseer_core.synthesis.diverse.event import Event

# (generator, base, severity, boolean [T] of free samples, longest point anomaly) -> an event, or None without a place.
Draw = Callable[[np.random.Generator, Base, float, np.ndarray, int], Event | None]

# [samples]
SHORTEST, LONGEST = 100, 2000
# How often a series has 1, 2, ... anomalies, if they find room.
EVENT_COUNTS = (0.4, 0.3, 0.15, 0.1, 0.05)
LARGEST_ANOMALOUS_SHARE = 1 / 3
# Normal samples between two anomalies: a share of the series, never fewer than these.
GAP_SHARE, SMALLEST_GAP = 0.02, 8
POINT_SHARE = 0.02
BOUNDARY_SHARE, LONGEST_AT_BOUNDARY = 0.02, 5
# As powers of ten, and in amplitudes.
SCALE_POWERS, OFFSETS = (-1.0, 3.0), 5.0
# The scarcest place, a faster or slower stretch in 100 samples, is found on one base in twelve.
BASES_TRIED = 1000


@dataclass(frozen=True)
class Injection:
    """How a class is drawn, and on what; `whole_cycles` keeps two anomalies a cycle apart."""

    draw: Draw
    kinds: tuple[BaseKind, ...]
    whole_cycles: bool


INJECTIONS: dict[AnomalyClass, Injection] = {
    AnomalyClass.GLOBAL_POINT: Injection(global_point.draw, ALL_KINDS, whole_cycles=False),
    # Stationary noise visits its whole range within a neighbourhood: it has no context to be out of.
    AnomalyClass.CONTEXTUAL_POINT: Injection(contextual_point.draw, WITH_CONTEXT, whole_cycles=False),
    AnomalyClass.TREND: Injection(trend.draw, ALL_KINDS, whole_cycles=True),
    AnomalyClass.SEASONAL: Injection(seasonal.draw, REPEATING, whole_cycles=True),
    AnomalyClass.SHAPELET: Injection(shapelet.draw, REPEATING, whole_cycles=True),
}


@dataclass(frozen=True)
class Channel:
    """A base with its anomalies, if any; scale and offset turn it into values [T]."""

    base: Base
    events: tuple[Event, ...]
    scale: float
    offset: float

    @cached_property
    def clean(self) -> np.ndarray:
        return self.offset + self.scale * self.base.clean

    @cached_property
    def values(self) -> np.ndarray:
        changed = self.base.clean.copy()
        for event in self.events:
            changed[event.start : event.stop] += event.change
            changed[event.stop :] += event.shift
        return self.offset + self.scale * changed

    @property
    def intervals(self) -> list[Interval]:
        return sorted((event.start, event.stop) for event in self.events)


def draw_length(rng: np.random.Generator) -> int:
    """Any octave of lengths is as likely as another."""
    return round(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST))))


def draw_normal_channel(rng: np.random.Generator, length: int) -> Channel:
    return _finish(rng, draw_base(rng, ALL_KINDS[rng.integers(len(ALL_KINDS))], length), ())


def draw_channel(
    rng: np.random.Generator,
    anomaly_class: AnomalyClass,
    severity: float,
    *,
    length: int,
    most_events: int = len(EVENT_COUNTS),
    boundary: bool = False,
) -> Channel:
    """A channel with at least one anomaly of the class; `boundary` keeps them in the first and last 2 %."""
    injection = INJECTIONS[anomaly_class]
    count = min(most_events, int(rng.choice(len(EVENT_COUNTS), p=EVENT_COUNTS)) + 1)
    for _ in range(BASES_TRIED):
        base = draw_base(rng, injection.kinds[rng.integers(len(injection.kinds))], length)
        events = draw_events(rng, injection, base, severity, count, boundary)
        if events:
            return _finish(rng, base, events)
    raise AssertionError(f"no base of {length} samples has a place for {anomaly_class} at severity {severity}")


def draw_events(
    rng: np.random.Generator, injection: Injection, base: Base, severity: float, count: int, boundary: bool
) -> tuple[Event, ...]:
    """Up to `count` anomalies, each apart from the others; as many as fit."""
    length = len(base)
    free, longest = np.ones(length, dtype=bool), max(1, int(POINT_SHARE * length))
    if boundary:
        edge = int(BOUNDARY_SHARE * length)
        free[edge : length - edge] = False
        longest = min(edge, LONGEST_AT_BOUNDARY)
    gap = max(SMALLEST_GAP, int(GAP_SHARE * length))
    if injection.whole_cycles and base.period:
        gap = max(gap, round(base.period))
    events: list[Event] = []
    while len(events) < count:
        event = injection.draw(rng, base, severity, free, longest)
        if event is None or _share([*events, event], length) > LARGEST_ANOMALOUS_SHARE:
            break
        events.append(event)
        free[max(0, event.start - gap) : event.stop + gap] = False
    return tuple(events)


def _share(events: Sequence[Event], length: int) -> float:
    return sum(len(event.change) for event in events) / length


def _finish(rng: np.random.Generator, base: Base, events: tuple[Event, ...]) -> Channel:
    scale = 10 ** rng.uniform(*SCALE_POWERS)
    return Channel(base, events, scale, scale * rng.uniform(-OFFSETS, OFFSETS))
