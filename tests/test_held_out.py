"""Which series that the shipped policy is trained on are among the held-out ones, whatever their ids and labels say.

By content: the values as they are stored, rounded. What differs in one sample is another series.

None, but for what AnomLLM's generator cannot draw twice in different ways, in its published splits too. The normal
series of its tasks without noise are one curve each, and its `freq` is a function of a few whole numbers (where the
frequency changes, for how long, up or down), so that short lists of them come up again.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from anomseer_core.configurations import (
    nano_brief,
    nano_cold_start,
    nano_continued,
    nano_field,
    nano_timerpo,
    nano_window,
)
from anomseer_core.series import STORED_DECIMALS, Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import (
    DIVERSE_TASKS,
    AnomLLMConfig,
    BenchmarkConfig,
    DiverseConfig,
    FieldConfig,
    VisualTimeAnomalyConfig,
)

# Every split that the project evaluates on, in its published size or the larger one of nano-timerpo.
HELD_OUT: tuple[BenchmarkConfig, ...] = (
    AnomLLMConfig(),
    VisualTimeAnomalyConfig(form="faithful"),
    VisualTimeAnomalyConfig(form="fixed"),
    DiverseConfig(tasks=DIVERSE_TASKS, count=167),
)
# How many of them are trained on too, by benchmark, task and being normal: what AnomLLM cannot draw differently.
REPEATED = {
    ("anomllm", "point", True): 117,
    ("anomllm", "freq", True): 40,
    ("anomllm", "freq", False): 11,
    ("anomllm", "trend", True): 230,
    ("anomllm", "flat-trend", True): 230,
}
# What ships began with the first and went on with the others, whose series of Diverse begin with the same ones.
BIRTH = (nano_cold_start, nano_continued, nano_field, nano_brief, nano_window, nano_timerpo)
TRAINED = tuple(part for stage in BIRTH for part in stage().synthesis.training.parts)


def fingerprint(series: Series) -> bytes:
    # Adding zero turns -0.0 into 0.0.
    values = np.round(series.values, STORED_DECIMALS) + 0.0
    return hashlib.blake2b(values.tobytes(), digest_size=16).digest()


def draw(parts: Iterable[BenchmarkConfig], most: int | None = None) -> Iterator[Series]:
    """The series of every task of every part, or the first `most` of each task."""
    for part in parts:
        form = part.form if isinstance(part, VisualTimeAnomalyConfig | FieldConfig) else None
        for task in part.tasks:
            count = min(part.count, most or part.count)
            yield from generate(part.benchmark, task, split=part.split, count=count, seed=part.seed, form=form)


def repeated(trained: Iterable[Series], held_out: Iterable[Series]) -> Counter[tuple[str, str, bool]]:
    """Held-out series whose values are among those trained on: how many by benchmark, task and being normal."""
    known = {fingerprint(item) for item in trained}
    return Counter((item.benchmark, item.task, item.is_normal) for item in held_out if fingerprint(item) in known)


def test_a_series_under_another_name_is_found() -> None:
    (item,) = draw([DiverseConfig(tasks=("trend",), count=1)])
    # Half a unit of the last stored decimal is far away from what is stored.
    stored = np.round(item.values, STORED_DECIMALS)
    renamed = Series(id="other", values=stored + 1e-9)
    changed = Series(id="other", values=stored + np.eye(1, len(item), 5)[0] * 1e-3)
    assert repeated([renamed], [item]) == {("diverse", "trend", item.is_normal): 1}
    assert repeated([changed], [item]) == {}


def test_the_mixture_is_the_one_that_was_meant() -> None:
    assert sum(part.count * len(part.tasks) for part in TRAINED) == 36_000 + 43_600 + 24_700 + 21_000 + 21_000 + 4_120
    configured = nano_timerpo().synthesis
    sizes = {part.benchmark: part.count for part in HELD_OUT}
    for part in (configured.anomllm, configured.visual_time_anomaly, configured.diverse):
        assert part.count <= sizes[part.benchmark]


def test_of_the_first_training_series_only_one_curve_a_task_is_held_out() -> None:
    found = repeated(draw(TRAINED, 20), draw(HELD_OUT, 40))
    assert found
    assert set(found) <= {kind for kind in REPEATED if kind[-1]}


@pytest.mark.slow
def test_of_all_training_series_no_other_is_held_out() -> None:
    assert repeated(draw(TRAINED), draw(HELD_OUT)) == REPEATED
