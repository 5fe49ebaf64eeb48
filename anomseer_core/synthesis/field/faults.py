"""What goes wrong in a monitored signal: twelve faults, each of one class of anomaly, from subtle to blatant.

A fault replaces the samples of a stretch, and may move all that come after. It has to be seen: its largest change is
at least a tenth of the extent of the signal, and the root of its mean square a quarter of the deviation.

- global point: samples beyond everything the signal reaches; a stretch of them; a cycle far too high
- contextual point: samples inside the range, away from their neighbours; without cycles also a stretch that is stuck,
  or loud with noise
- trend: a slope that stays or turns back; a level that stays or returns
- seasonal: a stretch that runs too fast, too slow or out of step
- shapelet: among cycles, a stretch that is flat, too low, backwards, upside down, or loud with noise

A stretch among cycles lasts about as long as they do. Of every form but `plain`, it may be a small part of
one too: carried away from its neighbours or out of the range, down or up and back, loud or flat.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from anomseer_core.series import AnomalyClass
from anomseer_core.synthesis.config import FieldForm
from anomseer_core.synthesis.diverse.event import between
from anomseer_core.synthesis.field.signals import Signal

# The least that is seen: of the extent, at one sample; of the deviation, over the stretch.
SMALLEST_CHANGE, SMALLEST_EFFECT = 0.1, 0.25
# [of the series] How long a stretch lasts where nothing repeats, and at most (a brief one is held by its cycle alone);
# the first are as powers of ten.
STRETCH_POWERS, LONGEST_STRETCH = (-2.3, -0.9), 0.15
CYCLES, PART_OF_CYCLE = (0.7, 3.0), (0.03, 0.6)
# [samples; of the series] Point anomalies.
LONGEST_POINT, POINT_SHARE = 4, 0.004
# [of the series] The neighbourhood of a sample, to either side.
NEIGHBOURHOOD = 0.01


@dataclass(frozen=True)
class Fault:
    """`values` [n] stand in place of the samples from `start` on; `shift` is added to everything after them."""

    anomaly_class: AnomalyClass
    start: int
    values: np.ndarray
    shift: float = 0.0

    @property
    def stop(self) -> int:
        return self.start + len(self.values)


# (generator, signal, start, stop, severity in [0, 1]) -> what stands there instead and the shift behind it, or None.
Change = Callable[[np.random.Generator, Signal, int, int, float], "tuple[np.ndarray, float] | None"]


def draw_fault(
    rng: np.random.Generator,
    signal: Signal,
    anomaly_class: AnomalyClass,
    severity: float,
    free: np.ndarray,
    form: FieldForm,
) -> Fault | None:
    """A fault of the class on free samples (bool [T]); None where this draw finds no place or is not to be seen."""
    changes = [kind for kind in _kinds(anomaly_class, form) if kind.cyclic in (None, signal.pace > 0)]
    if not changes:
        return None
    fault = changes[rng.integers(len(changes))]
    length = _draw_length(rng, signal, fault)
    start = int(rng.integers(0, max(1, len(signal) - length + 1)))
    stop = min(start + length, len(signal))
    if not free[start:stop].all():
        return None
    drawn = fault.change(rng, signal, start, stop, severity)
    if drawn is None or not _is_seen(signal, start, *drawn):
        return None
    return Fault(anomaly_class, start, *drawn)


def _draw_length(rng: np.random.Generator, signal: Signal, kind: "Kind") -> int:
    total = len(signal)
    if kind.is_brief:
        low, high = np.log(PART_OF_CYCLE)
        return max(LONGEST_POINT, round(np.exp(rng.uniform(low, high)) * signal.pace))
    if kind.is_point:
        return 1 if rng.random() < 0.5 else int(rng.integers(1, max(LONGEST_POINT, POINT_SHARE * total) + 1))
    wanted = rng.uniform(*CYCLES) * signal.pace if signal.pace else 10 ** rng.uniform(*STRETCH_POWERS) * total
    return max(LONGEST_POINT, round(min(wanted, LONGEST_STRETCH * total)))


def _is_seen(signal: Signal, start: int, values: np.ndarray, shift: float) -> bool:
    change = values - signal.values[start : start + len(values)]
    largest = max(np.abs(change).max(), abs(shift))
    effect = max(np.sqrt(np.mean(change**2)), abs(shift))
    return bool(largest >= SMALLEST_CHANGE * signal.extent and effect >= SMALLEST_EFFECT * signal.deviation)


def _beyond(rng: np.random.Generator, signal: Signal, severity: float, count: int) -> np.ndarray:
    """Levels [count] above the maximum, or below the minimum, all on one side."""
    excess = between(severity, 0.15, 2.0) * signal.extent * rng.uniform(1, 1.25, count)
    return signal.values.max() + excess if rng.random() < 0.5 else signal.values.min() - excess


def _spike(
    rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float
) -> tuple[np.ndarray, float]:
    return _beyond(rng, signal, severity, stop - start), 0.0


def _dropout(
    rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float
) -> tuple[np.ndarray, float]:
    """A level beyond the range, or the signal itself carried there; with its own noise left or gone."""
    level = _beyond(rng, signal, severity, 1)[0]
    own = signal.values[start:stop]
    return level + rng.choice([0.0, 0.1, 1.0]) * (own - own.mean()), 0.0


def _surge(
    rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float
) -> tuple[np.ndarray, float] | None:
    """A stretch whose departures from the lowest value are far too large: a day with twice the load."""
    floor = np.percentile(signal.values, 1)
    values = floor + between(severity, 1.3, 3.0) * (signal.values[start:stop] - floor)
    return (values, 0.0) if values.max() > signal.values.max() + 0.1 * signal.extent else None


def _displaced(
    rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float
) -> tuple[np.ndarray, float] | None:
    """Inside the range, and away from every neighbour by that part of the extent."""
    around = max(5, round(NEIGHBOURHOOD * len(signal)))
    near = signal.values[max(0, start - around) : stop + around]
    distance = between(severity, 0.2, 0.6) * signal.extent
    up, down = near.max() + distance, near.min() - distance
    sides = [side for side, level in ((1, up), (-1, down)) if signal.values.min() <= level <= signal.values.max()]
    if not sides:
        return None
    side = sides[rng.integers(len(sides))]
    level = up if side > 0 else down
    jitter = rng.uniform(0, 0.1, stop - start) * distance * side
    return np.clip(level + jitter, signal.values.min(), signal.values.max()), 0.0


def _dip(rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float) -> tuple[np.ndarray, float]:
    """Down or up and back, at once or bit by bit, never out of the range."""
    depth = between(severity, 0.25, 0.8) * signal.extent * rng.choice([-1, 1])
    steepness = rng.choice([1.0, 3.0, np.inf])
    ends = np.minimum(np.arange(1, stop - start + 1), np.arange(stop - start, 0, -1)) / ((stop - start + 1) / 2)
    shape = np.minimum(1, steepness * ends)
    return np.clip(signal.values[start:stop] + depth * shape, signal.values.min(), signal.values.max()), 0.0


def _stuck(
    rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float
) -> tuple[np.ndarray, float]:
    """Constant: at its last value, at an end of the range, or at any level of it."""
    low, high = signal.values.min(), signal.values.max()
    level = rng.choice([signal.values[start], low, high, rng.uniform(low, high)])
    return np.full(stop - start, level), 0.0


def _loud(rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float) -> tuple[np.ndarray, float]:
    noise = rng.normal(0, between(severity, 0.08, 0.4) * signal.extent, stop - start)
    return signal.values[start:stop] + noise, 0.0


def _slope(
    rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float
) -> tuple[np.ndarray, float]:
    rise = between(severity, 0.4, 1.5) * signal.extent * rng.choice([-1, 1])
    steps = np.linspace(0, 1, stop - start)
    if rng.random() < 0.5:
        return signal.values[start:stop] + rise * np.minimum(1, 2 * np.minimum(steps, 1 - steps)), 0.0
    return signal.values[start:stop] + rise * steps, rise


def _level(
    rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float
) -> tuple[np.ndarray, float]:
    """Another level for a while, or from then on, when the stretch is where it moves there."""
    rise = between(severity, 0.3, 1.2) * signal.extent * rng.choice([-1, 1])
    if rng.random() < 0.6:
        return signal.values[start:stop] + rise, 0.0
    count = stop - start
    fade = np.exp(-np.arange(count) / (count / rng.uniform(2, 20)))
    return signal.values[start:stop] + rise * (1 - fade), rise


def _pace(rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float) -> tuple[np.ndarray, float]:
    """The stretch as it would be at another speed, or as another time of the signal has it."""
    if rng.random() < 0.3:
        shift = round(rng.choice([-1, 1]) * between(severity, 0.2, 0.5) * signal.pace)
        places = np.arange(start, stop) + shift
    else:
        factor = between(severity, 1.5, 3.5) ** rng.choice([-1, 1])
        places = start + factor * np.arange(stop - start)
    # A signal that ends goes back the way it came.
    last = len(signal) - 1
    folded = last - np.abs(last - np.abs(places) % (2 * last))
    return np.interp(folded, np.arange(len(signal)), signal.values), 0.0


def _low(rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float) -> tuple[np.ndarray, float]:
    """A cycle that hardly happens."""
    floor = np.percentile(signal.values, 1)
    return floor + between(severity, 0.6, 0.0) * (signal.values[start:stop] - floor), 0.0


def _backwards(
    rng: np.random.Generator, signal: Signal, start: int, stop: int, severity: float
) -> tuple[np.ndarray, float]:
    """In reverse, or upside down within the range of the stretch."""
    values = signal.values[start:stop]
    return (values[::-1].copy() if rng.random() < 0.5 else values.max() + values.min() - values), 0.0


@dataclass(frozen=True)
class Kind:
    """A change of a point or of a stretch; cyclic: whether it needs something that repeats (None: either way); brief:
    of a part of a cycle.
    """

    change: Change
    is_point: bool = False
    cyclic: bool | None = None
    is_brief: bool = False


FAULTS: dict[AnomalyClass, tuple[Kind, ...]] = {
    AnomalyClass.GLOBAL_POINT: (Kind(_spike, is_point=True), Kind(_dropout), Kind(_surge, cyclic=True)),
    AnomalyClass.CONTEXTUAL_POINT: (
        Kind(_displaced, is_point=True),
        Kind(_stuck, cyclic=False),
        Kind(_loud, cyclic=False),
    ),
    AnomalyClass.TREND: (Kind(_slope), Kind(_level)),
    AnomalyClass.SEASONAL: (Kind(_pace, cyclic=True),),
    AnomalyClass.SHAPELET: (
        Kind(_stuck, cyclic=True),
        Kind(_low, cyclic=True),
        Kind(_backwards, cyclic=True),
        Kind(_loud, cyclic=True),
    ),
}

# What every form but `plain` adds to them.
BRIEF_FAULTS: dict[AnomalyClass, tuple[Kind, ...]] = {
    AnomalyClass.GLOBAL_POINT: (Kind(_dropout, cyclic=True, is_brief=True),),
    AnomalyClass.CONTEXTUAL_POINT: (
        Kind(_displaced, cyclic=True, is_brief=True),
        Kind(_dip, cyclic=True, is_brief=True),
        Kind(_loud, cyclic=True, is_brief=True),
    ),
    AnomalyClass.SHAPELET: (Kind(_stuck, cyclic=True, is_brief=True),),
}


def _kinds(anomaly_class: AnomalyClass, form: FieldForm) -> tuple[Kind, ...]:
    return FAULTS[anomaly_class] + (BRIEF_FAULTS.get(anomaly_class, ()) if form != "plain" else ())
