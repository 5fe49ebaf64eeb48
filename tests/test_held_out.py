"""No series that the shipped policy is trained on is among the held-out ones, whatever their ids and labels say.

By content: the values as they are stored, rounded. What differs in one sample is another series.
"""

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from anomseer_core.configurations import nano_timerpo
from anomseer_core.series import STORED_DECIMALS, Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import (
    DIVERSE_TASKS,
    AnomLLMConfig,
    BenchmarkConfig,
    DiverseConfig,
    VisualTimeAnomalyConfig,
)

# Every split that the project evaluates on, in its published size or the larger one of nano-timerpo.
HELD_OUT: tuple[BenchmarkConfig, ...] = (
    AnomLLMConfig(),
    VisualTimeAnomalyConfig(form="faithful"),
    VisualTimeAnomalyConfig(form="fixed"),
    DiverseConfig(tasks=DIVERSE_TASKS, count=167),
)
TRAINED = nano_timerpo().synthesis.training.parts


def fingerprint(series: Series) -> bytes:
    # Adding zero turns -0.0 into 0.0.
    values = np.round(series.values, STORED_DECIMALS) + 0.0
    return hashlib.blake2b(values.tobytes(), digest_size=16).digest()


def draw(parts: Iterable[BenchmarkConfig], most: int | None = None) -> Iterator[Series]:
    """The series of every task of every part, or the first `most` of each task."""
    for part in parts:
        form = part.form if isinstance(part, VisualTimeAnomalyConfig) else "faithful"
        for task in part.tasks:
            count = min(part.count, most or part.count)
            yield from generate(part.benchmark, task, split=part.split, count=count, seed=part.seed, form=form)


def shared(trained: Iterable[Series], held_out: Iterable[Series]) -> set[bytes]:
    return {fingerprint(item) for item in trained} & {fingerprint(item) for item in held_out}


def test_a_series_under_another_name_is_found() -> None:
    (item,) = draw([DiverseConfig(tasks=("trend",), count=1)])
    renamed = Series(id="other", values=item.values + 1e-9)
    changed = Series(id="other", values=item.values + np.eye(1, len(item), 5)[0] * 1e-3)
    assert shared([renamed], [item]) == {fingerprint(item)}
    assert shared([changed], [item]) == set()


def test_the_mixture_is_the_one_that_was_meant() -> None:
    assert sum(part.count * len(part.tasks) for part in TRAINED) == 45_000
    configured = nano_timerpo().synthesis
    sizes = {part.benchmark: part.count for part in HELD_OUT}
    for part in (configured.anomllm, configured.visual_time_anomaly, configured.diverse):
        assert part.count <= sizes[part.benchmark]


def test_the_first_training_series_are_not_held_out() -> None:
    assert shared(draw(TRAINED, 20), draw(HELD_OUT, 40)) == set()


@pytest.mark.slow
def test_no_training_series_is_held_out() -> None:
    assert shared(draw(TRAINED), draw(HELD_OUT)) == set()
