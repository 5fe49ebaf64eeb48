"""Diverse, series by series: each a function of (split, task, seed, index) alone.

Every third series of a task is normal. A task is one class of anomaly, or `boundary` (global and contextual points of
one to five samples in the first or last 2 %) or `multivariate` (two to nine channels; the classes take turns). The
split is part of what seeds a series, so that no seed makes a training series one of the held-out ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from anomseer_core.series import AnomalyClass, Series, merge_intervals
from anomseer_core.synthesis.config import DIVERSE_TASKS, DiverseTask, Split
from anomseer_core.synthesis.diverse.sample import INJECTIONS, Channel, draw_channel, draw_length, draw_normal_channel

BENCHMARK = "diverse"
PUBLISHED_COUNT = 90
PUBLISHED_SEEDS: dict[Split, int] = {"train": 0, "eval": 0}

# The third, sixth, ... series of a task.
NORMAL_EVERY = 3
FEWEST_CHANNELS, MOST_CHANNELS = 2, 9
MOST_EVENTS_OF_A_CHANNEL = 2
SEVERITY_DECIMALS = 3

CLASSES: dict[DiverseTask, tuple[AnomalyClass, ...]] = {
    "global": (AnomalyClass.GLOBAL_POINT,),
    "contextual": (AnomalyClass.CONTEXTUAL_POINT,),
    "trend": (AnomalyClass.TREND,),
    "seasonal": (AnomalyClass.SEASONAL,),
    "shapelet": (AnomalyClass.SHAPELET,),
    "boundary": (AnomalyClass.GLOBAL_POINT, AnomalyClass.CONTEXTUAL_POINT),
    "multivariate": tuple(INJECTIONS),
}


@dataclass(frozen=True)
class Drawing:
    """What a series is made of; a normal one has the channels of the anomalous one it might have been."""

    anomaly_class: AnomalyClass
    severity: float
    channels: tuple[Channel, ...]


def series_stream(task: DiverseTask, *, split: Split, count: int, seed: int) -> Iterator[Series]:
    """The first `count` series of one task and split."""
    return (draw_series(task, split=split, seed=seed, index=index) for index in range(count))


def draw_series(task: DiverseTask, *, split: Split, seed: int, index: int) -> Series:
    drawing = draw_parts(task, split=split, seed=seed, index=index)
    values = np.array([channel.values for channel in drawing.channels])
    intervals = (pair for channel in drawing.channels for pair in channel.intervals)
    return Series(
        id=f"{BENCHMARK}/{split}/{task}/{index:04d}",
        values=values if task == "multivariate" else values[0],
        intervals=tuple(merge_intervals(intervals, values.shape[1])),
        anomaly_class=drawing.anomaly_class,
        benchmark=BENCHMARK,
        task=task,
        split=split,
        anomalous_channels=_anomalous(drawing) if task == "multivariate" else (),
        metadata={"seed": seed, "index": index, **_facts(drawing)},
    )


def draw_parts(task: DiverseTask, *, split: Split, seed: int, index: int) -> Drawing:
    """The channels of one series, with the severity and class of their anomalies."""
    rng = np.random.default_rng([seed, get_args(Split).index(split), DIVERSE_TASKS.index(task), index])
    severity = round(rng.uniform(), SEVERITY_DECIMALS)
    normal = index % NORMAL_EVERY == NORMAL_EVERY - 1
    # The classes take turns among the anomalous series, and among the normal ones.
    turn = index // NORMAL_EVERY if normal else index - index // NORMAL_EVERY
    anomaly_class = CLASSES[task][turn % len(CLASSES[task])]
    if task == "multivariate":
        channels = _draw_several(rng, anomaly_class, severity)
    else:
        length = draw_length(rng)
        channels = (draw_channel(rng, anomaly_class, severity, length=length, boundary=task == "boundary"),)
    if normal:
        return Drawing(AnomalyClass.NORMAL, severity, tuple(replace(channel, events=()) for channel in channels))
    return Drawing(anomaly_class, severity, channels)


def _draw_several(rng: np.random.Generator, anomaly_class: AnomalyClass, severity: float) -> tuple[Channel, ...]:
    """Independent channels of one length; up to half of them have anomalies."""
    length = draw_length(rng)
    count = int(rng.integers(FEWEST_CHANNELS, MOST_CHANNELS + 1))
    anomalous = rng.permutation(count)[: rng.integers(1, count // 2 + 1)]
    return tuple(
        draw_channel(rng, anomaly_class, severity, length=length, most_events=MOST_EVENTS_OF_A_CHANNEL)
        if index in anomalous
        else draw_normal_channel(rng, length)
        for index in range(count)
    )


def _anomalous(drawing: Drawing) -> tuple[int, ...]:
    return tuple(index for index, channel in enumerate(drawing.channels) if channel.events)


def _facts(drawing: Drawing) -> dict[str, Any]:
    """Kinds of the bases (one word, or a list for several channels), and what the anomalies are like, if any."""
    kinds = [channel.base.kind for channel in drawing.channels]
    facts: dict[str, Any] = {"base": kinds if len(kinds) > 1 else kinds[0]}
    if _anomalous(drawing):
        facts["severity"] = drawing.severity
        if len(kinds) > 1:
            facts["channel_intervals"] = {
                str(index): [list(pair) for pair in drawing.channels[index].intervals] for index in _anomalous(drawing)
            }
    return facts
