"""What every detector looks like from outside, and where its series are."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.series import Series

SERIES_FILE = "series.parquet"


class Detector(Protocol):
    """Answers about series, one prediction for each, in their order; it may read ahead to work in batches."""

    name: str

    def detect(self, series: Iterable[Series]) -> Iterator[Prediction]: ...
