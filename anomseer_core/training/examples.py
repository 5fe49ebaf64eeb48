"""Training examples: a series, its expert trace and the answer an expert would give; and the order they come in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from anomseer_core.dialogue import format_response
from anomseer_core.expcot.corpus import read_traces
from anomseer_core.rendering import render
from anomseer_core.series import Series, read_series
from anomseer_core.view import View


@dataclass(frozen=True)
class Example:
    """A series shown whole, with its expert reasoning."""

    series: Series
    trace: str

    @property
    def view(self) -> View:
        return View(0, len(self.series))

    @property
    def target(self) -> str:
        """The response an expert would give: trace, intervals, class."""
        return format_response(self.trace, self.view.to_units(self.series.intervals), self.series.anomaly_class)

    def picture(self) -> Image.Image:
        return render(self.series, self.view)


def load_examples(series_path: Path, traces_path: Path) -> list[Example]:
    """Every series that has a trace, in the order of the series file."""
    traces = {row.series_id: row.text for row in read_traces(traces_path)}
    return [Example(series, traces[series.id]) for series in read_series(series_path) if series.id in traces]


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
