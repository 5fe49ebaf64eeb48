"""Answers against labels: one row of metrics per series, from which every table is computed.

Nothing is dropped: every series has a row, and a series without an answer is an error. The rules are those of the
scoring profile (`profiles.py`), which each row names. Of `strict`, the default:

- Location: both sides empty scores 1, exactly one empty scores 0, else affiliation and point-wise precision, recall and
  F1. A contradiction (`normal` with intervals, a class without) keeps its location score; an unparsable answer has 0.
- Class: an unparsable, contradictory or unnamed class is wrong. It is not judged where the label knows no kind of
  anomaly (real archives) or where the detector names places only.
- Events and intervals: overlap matching and the mean IoU (`metrics/events.py`).
- Detection, normal against anomalous: what counts is whether any interval was given.
- Grounding: how many of the reasoning's numbers hold (`grounding.py`); missing for answers without reasoning.

A row that a published evaluation leaves out of its means has `counted` false, and the numbers of a lost answer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.config import ScoringConfig
from anomseer_core.evaluation.detector import SERIES_FILE, Detector
from anomseer_core.evaluation.grounding import CLAIM_COLUMNS, Grounding, GroundingScorer
from anomseer_core.evaluation.prediction import PREDICTIONS_FILE, Prediction, read_predictions
from anomseer_core.evaluation.profiles import choose_profile, reread
from anomseer_core.metrics import NO_EVENTS, PRF, detection_correct, event_scores
from anomseer_core.metrics.localization import NO_ANSWER
from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.series import STORED_DECIMALS, Series, read_series
from anomseer_core.store import Artifact, ArtifactStore

SCORES_FILE = "scores.parquet"
STAGE = Stage(
    name="scores",
    kind="scores",
    modules=("anomseer_core.evaluation.scores",),
    libraries=("numba", "numpy", "pyarrow", "scipy", "stumpy"),
    version=3,
)

SCORES_SCHEMA = pa.schema(
    [
        ("detector", pa.string()),
        ("benchmark", pa.string()),
        ("task", pa.string()),
        ("split", pa.string()),
        ("series_id", pa.string()),
        ("profile", pa.string()),
        ("counted", pa.bool_()),
        ("length", pa.int64()),
        ("truth_class", pa.string()),
        ("predicted_class", pa.string()),
        ("status", pa.string()),
        ("truth_events", pa.int64()),
        ("predicted_events", pa.int64()),
        ("affiliation_precision", pa.float64()),
        ("affiliation_recall", pa.float64()),
        ("affiliation_f1", pa.float64()),
        ("pointwise_precision", pa.float64()),
        ("pointwise_recall", pa.float64()),
        ("pointwise_f1", pa.float64()),
        ("event_precision", pa.float64()),
        ("event_recall", pa.float64()),
        ("event_f1", pa.float64()),
        ("interval_iou", pa.float64()),
        ("class_correct", pa.bool_()),
        ("detection_correct", pa.bool_()),
        ("tokens", pa.int64()),
        ("claims", pa.int64()),
        ("claims_verified", pa.int64()),
        ("numbers_unread", pa.int64()),
        ("chance_claims", pa.int64()),
        ("chance_verified", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Score:
    """One row of `scores.parquet`: what one detector's answer about one series is worth. Shares lie in [0, 1].

    profile: the rules it was scored by. counted: whether these rules let it into their means.
    """

    detector: str
    benchmark: str
    task: str
    split: str
    series_id: str
    profile: str
    counted: bool
    length: int
    truth_class: str
    predicted_class: str | None
    status: str
    truth_events: int
    predicted_events: int
    affiliation_precision: float
    affiliation_recall: float
    affiliation_f1: float
    pointwise_precision: float
    pointwise_recall: float
    pointwise_f1: float
    event_precision: float
    event_recall: float
    event_f1: float
    interval_iou: float
    class_correct: bool | None
    detection_correct: bool
    tokens: int
    claims: int | None = None
    claims_verified: int | None = None
    numbers_unread: int | None = None
    chance_claims: int | None = None
    chance_verified: int | None = None


def score(
    series: Series,
    prediction: Prediction,
    config: ScoringConfig | None = None,
    grounding: Grounding | None = None,
) -> Score:
    """The row of one answer. grounding: None for an answer without reasoning, or about a series that has no scan."""
    config = config or ScoringConfig()
    profile = choose_profile(config.profile, series.benchmark)
    if config.reading == "response":
        prediction = reread(profile, prediction, series)
    usable = prediction.status is not ParseStatus.UNPARSABLE
    counted = profile.counts(series, prediction)
    location = profile.location(series, prediction, config.affiliation) if counted else NO_ANSWER
    events = event_scores(series.intervals, prediction.intervals, len(series)) if usable and counted else NO_EVENTS
    return Score(
        detector=prediction.detector,
        benchmark=series.benchmark,
        task=series.task,
        split=series.split,
        series_id=series.id,
        profile=profile.name,
        counted=counted,
        length=len(series),
        truth_class=str(series.anomaly_class),
        predicted_class=None if prediction.anomaly_class is None else str(prediction.anomaly_class),
        status=str(prediction.status),
        truth_events=len(series.intervals),
        predicted_events=len(prediction.intervals),
        **_flatten("affiliation", location.affiliation),
        **_flatten("pointwise", location.pointwise),
        **_flatten("event", events.overlap),
        interval_iou=round(events.iou, STORED_DECIMALS),
        class_correct=profile.class_correct(series, prediction),
        detection_correct=detection_correct(series.intervals, prediction.intervals if usable else None),
        tokens=prediction.tokens,
        **(asdict(grounding) if grounding else {}),
    )


def evaluate(detector: Detector, series: Iterable[Series], config: ScoringConfig | None = None) -> pd.DataFrame:
    """Run a detector over series in memory and score it, one row per series as `read_scores` gives them."""
    series = list(series)
    return _frame(_table(match_scores(series, detector.detect(series), config)))


def score_predictions(
    store: ArtifactStore,
    predictions: Artifact,
    series: Artifact,
    config: ScoringConfig,
    observer: Observer = SILENT,
) -> Artifact:
    """The scores of the predictions made on an artifact of series.

    Raises ValueError when the predictions were made on other series, or when they are not one for each of them;
    DamagedArtifact when a file of either was changed.
    """
    predictions.verify()
    series.verify()
    made_on = predictions.inputs.get("series")
    if made_on is None or made_on.digest != series.digest:
        raise ValueError(f"predictions {predictions.path} were not made on the series {series.path}; score them there")

    def write(directory: Path) -> dict[str, int]:
        answers = read_predictions(predictions.file(PREDICTIONS_FILE))
        rows = match_scores(read_series(series.file(SERIES_FILE)), answers, config)
        table = _table(_observed(rows, series.rows[SERIES_FILE], observer))
        pq.write_table(table, directory / SCORES_FILE)
        return {SCORES_FILE: table.num_rows}

    recipe = Recipe(STAGE, {"predictions": predictions.reference, "series": series.reference}, config)
    return store.produce(recipe, write)


def match_scores(
    series: Iterable[Series],
    predictions: Iterable[Prediction],
    config: ScoringConfig | None = None,
) -> Iterator[Score]:
    """One score per series, in their order. Raises ValueError, naming the ids, unless both sides pair up exactly."""
    answers: dict[str, Prediction] = {}
    for prediction in predictions:
        if prediction.series_id in answers:
            raise ValueError(f"two predictions for series {prediction.series_id!r}; one is allowed")
        answers[prediction.series_id] = prediction
    seen: set[str] = set()
    grounding = GroundingScorer()
    for item in series:
        if item.id in seen:
            raise ValueError(f"two series have the id {item.id!r}; ids must differ")
        seen.add(item.id)
        if item.id not in answers:
            raise ValueError(f"no prediction for series {item.id!r}; run the detector over all of them")
        answer = answers[item.id]
        yield score(item, answer, config, grounding.score(item, answer))
    if strangers := [identifier for identifier in answers if identifier not in seen]:
        raise ValueError(f"{len(strangers)} predictions belong to no series, the first to {strangers[0]!r}")


def read_scores(path: Path) -> pd.DataFrame:
    """The rows of a `scores.parquet`; `class_correct` is a nullable boolean, and the claims are nullable integers."""
    table = pq.read_table(path)
    if not table.schema.equals(SCORES_SCHEMA):
        raise ValueError(f"{path}: not a scores file of this version (its columns are {', '.join(table.schema.names)})")
    return _frame(table)


def _flatten(name: str, values: PRF) -> dict[str, float]:
    return {f"{name}_{part}": round(float(getattr(values, part)), STORED_DECIMALS) for part in PRF._fields}


def _observed(rows: Iterable[Score], total: int, observer: Observer) -> Iterator[Score]:
    for done, row in enumerate(rows, start=1):
        observer.progress(done, total, "series")
        yield row


def _table(rows: Iterable[Score]) -> pa.Table:
    return pa.Table.from_pylist([vars(row) for row in rows], schema=SCORES_SCHEMA)


def _frame(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas().astype({"class_correct": "boolean"} | dict.fromkeys(CLAIM_COLUMNS, "Int64"))
