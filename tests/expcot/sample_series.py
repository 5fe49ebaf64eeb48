"""A few series of every task, and the awkward ones, for the tests of traces and their verification."""

from collections.abc import Iterator

import numpy as np

from anomseer_core.series import AnomalyClass, Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS, VISUAL_TASKS


def sample_series() -> Iterator[Series]:
    for task in ANOMLLM_TASKS:
        yield from generate("anomllm", task, count=3)
    for task in VISUAL_TASKS:
        yield from generate("visual_time_anomaly", task, count=2)
    yield from awkward_series()


def awkward_series() -> Iterator[Series]:
    """Gaps, no spread, a straight line, tiny and huge values, an offset that dwarfs the spread, the shortest length."""
    rng = np.random.default_rng(0)
    gaps = np.sin(np.arange(1200) / 9)
    gaps[rng.integers(0, 1200, 200)] = np.nan
    yield Series("gaps", gaps, ((300, 360),), AnomalyClass.SHAPELET)
    yield Series("constant", np.full(64, -2.5))
    yield Series("constant-labelled", np.full(64, -2.5), ((3, 9),), AnomalyClass.SEASONAL)
    yield Series("line", np.arange(2000.0), ((0, 1), (1998, 2000)), AnomalyClass.TREND)
    yield Series("noise", rng.normal(size=30) * 1e-12, ((7, 8),), AnomalyClass.SEASONAL)
    yield Series("huge", rng.normal(size=300) * 1e200, ((7, 8),), AnomalyClass.CONTEXTUAL_POINT)
    yield Series("offset", 12345.6 + 0.01 * rng.normal(size=500), ((40, 45),), AnomalyClass.GLOBAL_POINT)
