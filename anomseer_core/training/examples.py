"""Training examples: a view of a series, its trace and the answer an expert would give; and the order they come in.

A series of more than 4,000 samples gives one example per view. The answer is always the label's, also behind a blind
or foreign trace: clipped to the view, and `normal` where the view shows no interval.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from anomseer_core.dialogue import format_response
from anomseer_core.expcot.trace_table import read_traces
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Interval, Series, read_series
from anomseer_core.view import View


@dataclass(frozen=True)
class Example:
    """One view of a series, with the reasoning about it."""

    series: Series
    trace: str
    view: View

    @property
    def name(self) -> str:
        """The id of the series, and the samples shown where these are not all of it; it seeds sampling."""
        whole = len(self.view) == len(self.series)
        return self.series.id if whole else f"{self.series.id}[{self.view.start}:{self.view.stop}]"

    @property
    def intervals(self) -> list[Interval]:
        """The labelled intervals in view units, half-open."""
        return self.view.to_units(self.series.intervals)

    @property
    def anomaly_class(self) -> AnomalyClass:
        """The label of what the view shows."""
        return self.series.anomaly_class if self.intervals else AnomalyClass.NORMAL

    @property
    def target(self) -> str:
        """The response an expert would give: trace, intervals, class. Raises ValueError for an unknown class."""
        return format_response(self.trace, self.intervals, self.anomaly_class)

    @property
    def direct_target(self) -> str:
        """The same answer with nothing before it: the fast mode."""
        return format_response("", self.intervals, self.anomaly_class)

    def picture(self) -> Image.Image:
        return render(self.series, self.view)


def load_examples(series_path: Path, traces_path: Path) -> list[Example]:
    """Every trace with its series: in the order of the series file, then of the traces."""
    told: dict[str, list[tuple[str, View]]] = {}
    for row in read_traces(traces_path):
        told.setdefault(row.series_id, []).append((row.text, row.view))
    return [
        Example(series, text, view) for series in read_series(series_path) for text, view in told.get(series.id, ())
    ]


def load_answered_examples(series_path: Path, traces_path: Path) -> list[Example]:
    """The examples whose answer is known. Raises ValueError when the label of every one of them lacks a class."""
    examples = load_examples(series_path, traces_path)
    answered = [example for example in examples if example.anomaly_class is not AnomalyClass.UNKNOWN]
    if not answered:
        raise ValueError(
            "no series with a trace has a known class, so no answer can be taught; set cold_start.steps to 0"
        )
    return answered


def hold_out(examples: Sequence[Example], count: int) -> tuple[list[Example], list[Example]]:
    """Examples to train on, and one example of each of `count` series that none of the former shows.

    Raises ValueError when no series is left to train on.
    """
    series = sorted({example.series.id for example in examples}, key=_place)
    if count and count >= len(series):
        raise ValueError(f"evaluation_prompts = {count} leaves none of {len(series)} series to train on; choose fewer")
    kept_out = set(series[:count])
    asked: dict[str, Example] = {}
    for example in examples:
        if example.series.id in kept_out:
            asked.setdefault(example.series.id, example)
    return [example for example in examples if example.series.id not in kept_out], list(asked.values())


def _place(series_id: str) -> bytes:
    """Where an id stands in a fixed shuffled order of all ids."""
    return hashlib.sha256(f"learning curve {series_id}".encode()).digest()


def step_indices(seed: int, step: int, batch: int, count: int) -> np.ndarray:
    """The `batch` example indices of a 0-based step: one shuffled pass over all examples after another.

    A function of the step alone, so that a resumed run needs no stored sampler.
    """
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = np.unique(positions // count)
    orders = {epoch: np.random.default_rng([seed, int(epoch)]).permutation(count) for epoch in epochs}
    return np.array([orders[position // count][position % count] for position in positions])


def rank_examples(examples: Sequence[Example], indices: np.ndarray, rank: int, ranks: int) -> list[Example]:
    """This rank's share of a step: consecutive, equal in size on every rank."""
    share = len(indices) // ranks
    return [examples[index] for index in indices[rank * share : (rank + 1) * share]]
