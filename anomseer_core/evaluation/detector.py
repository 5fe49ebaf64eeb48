"""What every detector looks like from outside, and how one is run and timed over some series."""

import time
from collections.abc import Iterable, Iterator
from typing import Protocol

from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.series import Series

SERIES_FILE = "series.parquet"


class Detector(Protocol):
    """Answers about series, one prediction for each, in their order; it may read ahead to work in batches."""

    name: str

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]: ...


def timed(predictions: Iterator[Prediction]) -> Iterator[tuple[Prediction, float]]:
    """Each prediction with the time waited for it [s].

    A detector that works in batches spends a batch's time on its first answer, so only sums are comparable.
    """
    started = time.perf_counter()
    for prediction in predictions:
        yield prediction, round(time.perf_counter() - started, 6)
        started = time.perf_counter()
