"""Field, series by series: each a function of (split, task, seed, index) alone. A task is one kind of signal.

Every fourth series is normal, of the forms `brief` and `window` every eighth. A `window` is what a picture shows of a
long recording: most are of full length, and every sixteenth never changes, as many channels of real machines never do.
The classes of anomalies take turns; one that finds no place on a signal (a drift has no cycle to run too fast) leaves
its turn to the next one.
"""

from collections.abc import Iterator
from typing import get_args

import numpy as np

from anomseer_core.series import AnomalyClass, Series, merge_intervals
from anomseer_core.synthesis.config import FIELD_TASKS, FieldForm, FieldTask, Split
from anomseer_core.synthesis.field.faults import FAULTS, Fault, draw_fault
from anomseer_core.synthesis.field.signals import Signal, draw_constant, draw_signal

BENCHMARK = "field"
PUBLISHED_COUNT = 100
PUBLISHED_SEEDS: dict[Split, int] = {"train": 0, "eval": 0}

# The fourth, eighth, ... series of a task, by form.
NORMAL_EVERY: dict[FieldForm, int] = {"plain": 4, "brief": 8, "window": 8}
# Of windows, the sixteenth, ...: every second of the normal ones.
CONSTANT_EVERY = 16
# [samples] Any octave of lengths is as likely as another.
SHORTEST, LONGEST = 300, 4000
# How many windows are of full length.
FULL_SHARE = 0.7
# How often a series has 1, 2, ... anomalies, if they find room, and how much of it they may cover.
FAULT_COUNTS = (0.55, 0.2, 0.15, 0.05, 0.05)
LARGEST_ANOMALOUS_SHARE = 0.25
# [of the series] Normal samples between two anomalies.
GAP_SHARE = 0.02
TRIES = 30
CLASSES = tuple(FAULTS)
# As powers of ten, and in extents.
SCALE_POWERS, OFFSETS = (-1.0, 3.0), 5.0


def series_stream(task: FieldTask, *, split: Split, count: int, seed: int, form: FieldForm) -> Iterator[Series]:
    """The first `count` series of one task and split."""
    return (draw_series(task, split=split, seed=seed, index=index, form=form) for index in range(count))


def draw_series(task: FieldTask, *, split: Split, seed: int, index: int, form: FieldForm) -> Series:
    # Forms draw from streams of their own: one is not the other with a few changes.
    place = [seed, get_args(Split).index(split), FIELD_TASKS.index(task), index]
    rng = np.random.default_rng(place if form == "plain" else [*place, get_args(FieldForm).index(form)])
    length = round(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST))))
    if form == "window" and rng.random() < FULL_SHARE:
        length = LONGEST
    is_constant = form == "window" and (index + 1) % CONSTANT_EVERY == 0
    signal = (draw_constant if is_constant else draw_signal)(rng, task, length)
    is_normal = (index + 1) % NORMAL_EVERY[form] == 0
    faults = () if is_normal else _draw_faults(rng, signal, index, form)
    # A constant has no extent to scale by.
    scale = 10 ** rng.uniform(*SCALE_POWERS) / (signal.extent or 1.0)
    return Series(
        id=f"{BENCHMARK}/{split}/{'' if form == 'plain' else f'{form}-'}{task}/{index:04d}",
        values=scale * (with_faults(signal, faults) + signal.extent * rng.uniform(-OFFSETS, OFFSETS)),
        intervals=tuple(merge_intervals([(fault.start, fault.stop) for fault in faults], length)),
        anomaly_class=faults[0].anomaly_class if faults else AnomalyClass.NORMAL,
        benchmark=BENCHMARK,
        task=task,
        split=split,
        metadata={"seed": seed, "index": index},
    )


def with_faults(signal: Signal, faults: tuple[Fault, ...]) -> np.ndarray:
    """The values [T] of the signal with its faults, each on top of the shifts of those before it."""
    values = signal.values.copy()
    for fault in faults:
        values[fault.start : fault.stop] += fault.values - signal.values[fault.start : fault.stop]
        values[fault.stop :] += fault.shift
    return values


def _draw_faults(rng: np.random.Generator, signal: Signal, index: int, form: FieldForm) -> tuple[Fault, ...]:
    """At least one fault of the class whose turn it is, or of the next that finds a place."""
    severity = rng.uniform()
    wanted = int(rng.choice(len(FAULT_COUNTS), p=FAULT_COUNTS)) + 1
    for turn in range(len(CLASSES)):
        faults = draw_of_class(rng, signal, CLASSES[(index + turn) % len(CLASSES)], severity, wanted, form)
        if faults:
            return faults
    raise AssertionError(f"no fault finds a place on {signal.kind} of {len(signal)} samples")


def draw_of_class(
    rng: np.random.Generator,
    signal: Signal,
    anomaly_class: AnomalyClass,
    severity: float,
    wanted: int,
    form: FieldForm,
) -> tuple[Fault, ...]:
    gap = max(8, round(GAP_SHARE * len(signal)))
    free, faults, covered = np.ones(len(signal), dtype=bool), list[Fault](), 0
    for _ in range(TRIES * wanted):
        fault = draw_fault(rng, signal, anomaly_class, severity, free, form)
        if fault is None or covered + len(fault.values) > LARGEST_ANOMALOUS_SHARE * len(signal):
            continue
        faults.append(fault)
        covered += len(fault.values)
        free[max(0, fault.start - gap) : fault.stop + gap] = False
        if len(faults) == wanted:
            break
    return tuple(sorted(faults, key=lambda item: item.start))
