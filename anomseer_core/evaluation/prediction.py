"""What a detector said about one series, and its Parquet form.

The file holds only what two equal runs share; how long an answer took goes to the artifact's side file
(`evaluation/speed.py`), which no digest covers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anomseer_core.dialogue import ParseStatus
from anomseer_core.series import AnomalyClass, Interval, Series, merge_intervals

PREDICTIONS_FILE = "predictions.parquet"
ROWS_PER_GROUP = 1024
# A form feed; one that a model writes is stored as the end of a line.
VIEW_SEPARATOR = "\f"

PREDICTIONS_SCHEMA = pa.schema(
    [
        ("series_id", pa.string()),
        ("detector", pa.string()),
        ("status", pa.string()),
        ("intervals", pa.list_(pa.struct([("start", pa.int64()), ("stop", pa.int64())]))),
        ("anomaly_class", pa.string()),
        ("response", pa.string()),
        ("tokens", pa.int64()),
        ("prompt_tokens", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Prediction:
    """The answer of one detector about one series.

    intervals: half-open, in samples of the series. anomaly_class: None when no class is stated.
    response: the raw text, empty for a detector that computes its answer, and one text after another, parted by
    `VIEW_SEPARATOR`, for a series of several views; tokens: what was written for it, every answer of a vote included;
    prompt_tokens: what was read for it, pictures included.
    An answer read from a text claims a class even where it fails to name one (`claims_class`).
    """

    series_id: str
    detector: str
    status: ParseStatus = ParseStatus.OK
    intervals: tuple[Interval, ...] = ()
    anomaly_class: AnomalyClass | None = None
    response: str = ""
    tokens: int = 0
    prompt_tokens: int = 0

    @property
    def claims_class(self) -> bool:
        return self.anomaly_class is not None or bool(self.response) or self.status is not ParseStatus.OK


def view_texts(prediction: Prediction) -> list[str]:
    """The response to each view of the series."""
    return prediction.response.split(VIEW_SEPARATOR)


def located(series: Series, detector: str, intervals: Iterable[Interval]) -> Prediction:
    """The answer of a detector that finds places and names no kind: no class, except `normal` when it finds none."""
    found = tuple(merge_intervals(intervals, len(series)))
    return Prediction(series.id, detector, intervals=found, anomaly_class=None if found else AnomalyClass.NORMAL)


def write_predictions(predictions: Iterable[Prediction], path: Path) -> int:
    """Stream predictions into one Parquet file; returns the number of rows."""
    rows = map(to_row, predictions)
    count = 0
    with pq.ParquetWriter(path, PREDICTIONS_SCHEMA) as writer:
        while batch := list(islice(rows, ROWS_PER_GROUP)):
            writer.write_table(pa.Table.from_pylist(batch, schema=PREDICTIONS_SCHEMA))
            count += len(batch)
    return count


def read_predictions(path: Path) -> Iterator[Prediction]:
    """Stream the predictions of one file written by `write_predictions`, in order."""
    with pq.ParquetFile(path) as file:
        if not file.schema_arrow.equals(PREDICTIONS_SCHEMA):
            raise ValueError(f"{path}: not a predictions file (its columns are {file.schema_arrow.names})")
        for batch in file.iter_batches(batch_size=ROWS_PER_GROUP):
            for row in batch.to_pylist():
                yield from_row(row)


def to_row(prediction: Prediction) -> dict[str, Any]:
    """The columns of one prediction."""
    return {
        "series_id": prediction.series_id,
        "detector": prediction.detector,
        "status": str(prediction.status),
        "intervals": [{"start": start, "stop": stop} for start, stop in prediction.intervals],
        "anomaly_class": None if prediction.anomaly_class is None else str(prediction.anomaly_class),
        "response": prediction.response,
        "tokens": prediction.tokens,
        "prompt_tokens": prediction.prompt_tokens,
    }


def from_row(row: dict[str, Any]) -> Prediction:
    """The prediction of one row."""
    stated = row["anomaly_class"]
    return Prediction(
        series_id=row["series_id"],
        detector=row["detector"],
        status=ParseStatus(row["status"]),
        intervals=tuple((item["start"], item["stop"]) for item in row["intervals"]),
        anomaly_class=None if stated is None else AnomalyClass(stated),
        response=row["response"],
        tokens=row["tokens"],
        prompt_tokens=row["prompt_tokens"],
    )
