"""What every detector looks like from outside, and how one is run and timed over the series of an artifact."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from anomseer_core.evaluation.prediction import PREDICTIONS_FILE, Prediction, write_predictions
from anomseer_core.observer import Observer
from anomseer_core.series import Series, read_series
from anomseer_core.store import Artifact

SERIES_FILE = "series.parquet"


class Detector(Protocol):
    """Answers about series, one prediction for each, in their order; it may read ahead to work in batches."""

    name: str

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]: ...


def record_predictions(
    detector: Detector, series: Artifact, directory: Path, observer: Observer, seconds: dict[str, float]
) -> dict[str, int]:
    """Write `predictions.parquet` for every series of an artifact; returns the rows of the file.

    seconds: filled with the waiting time for each answer, by series id [s]. A detector that works in batches spends
    a batch's time on its first answer, so only the sum is comparable between detectors.
    """
    total = series.rows[SERIES_FILE]
    answers = _timed(detector.detect(read_series(series.file(SERIES_FILE))), total, observer, seconds)
    return {PREDICTIONS_FILE: write_predictions(answers, directory / PREDICTIONS_FILE)}


def _timed(
    predictions: Iterator[Prediction], total: int, observer: Observer, seconds: dict[str, float]
) -> Iterator[Prediction]:
    started = time.perf_counter()
    for done, prediction in enumerate(predictions, start=1):
        seconds[prediction.series_id] = round(time.perf_counter() - started, 6)
        observer.progress(done, total, "series")
        yield prediction
        started = time.perf_counter()
