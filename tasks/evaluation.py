"""Tasks that run detectors over held-out series and score their answers."""

import logging
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE

from anomseer_core.endpoint.client import name
from anomseer_core.endpoint.config import EndpointConfig
from anomseer_core.evaluation.baseline_predictions import predict_baseline
from anomseer_core.evaluation.config import BaselineConfig, DecodingConfig, ScoringConfig
from anomseer_core.evaluation.detector import SERIES_FILE
from anomseer_core.evaluation.endpoint_predictions import predict_endpoint
from anomseer_core.evaluation.scored import read_scored
from anomseer_core.evaluation.scores import SCORES_FILE, read_scores, score_predictions
from anomseer_core.policy.detector import predict_policy
from anomseer_core.reports.answer_table import answer_table
from anomseer_core.reports.confusion_figure import confusion_figures
from anomseer_core.reports.figures import example_sheet
from anomseer_core.reports.summary import summarise
from anomseer_core.series import read_series
from anomseer_core.store import Artifact
from tasks.fan_out import fan_out
from tasks.observer import StageObserver
from tasks.stages import StageResult, run_stage

# What of a summary row becomes metrics; n, intervals and the group means stay in the table.
MEASURES = (
    "affiliation_precision",
    "affiliation_recall",
    "affiliation_f1",
    "affiliation_f1_anomalous",
    "pointwise_f1",
    "pointwise_f1_anomalous",
    "event_f1",
    "event_f1_anomalous",
    "interval_iou",
    "interval_iou_anomalous",
    "class_accuracy",
    "class_accuracy_anomalous",
    "detection_accuracy",
    "detection_accuracy_anomalous",
    "unparsable",
    "claims",
    "claims_verified",
    "chance_verified",
    "numbers_unread",
)


@task(
    name="policy-predictions",
    description="Responses of a policy to held-out series, parsed.",
    task_run_name="{detector} on {series.name}",
    cache_policy=NO_CACHE,
)
def predict_with_policy(
    mlflow_run: str, policy: StageResult, series: StageResult, config: DecodingConfig, detector: str
) -> StageResult:
    return run_stage(
        mlflow_run,
        f"{detector} on {series.name}",
        lambda store, inputs, observer: predict_policy(
            store, inputs["policy"], inputs["series"], config, observer, name=detector
        ),
        {"policy": policy, "series": series},
    )


@task(
    name="baseline-predictions",
    description="Answers of a trivial or classical detector to held-out series.",
    task_run_name="{config.name} on {series.name}",
    cache_policy=NO_CACHE,
)
def predict_with_baseline(mlflow_run: str, series: StageResult, config: BaselineConfig) -> StageResult:
    return run_stage(
        mlflow_run,
        f"{config.name} on {series.name}",
        lambda store, inputs, observer: predict_baseline(store, inputs["series"], config, observer, fan_out=fan_out),
        {"series": series},
    )


@task(
    name="endpoint-predictions",
    description="Answers of a model behind an OpenAI-compatible API to held-out series, parsed.",
    task_run_name="{config.model} on {series.name}",
    cache_policy=NO_CACHE,
)
def predict_with_endpoint(
    mlflow_run: str, series: StageResult, config: EndpointConfig, decoding: DecodingConfig
) -> StageResult:
    return run_stage(
        mlflow_run,
        f"{name(config)} on {series.name}",
        lambda store, inputs, observer: predict_endpoint(store, inputs["series"], config, decoding, observer),
        {"series": series},
    )


@task(
    name="scores",
    description="One row of metrics per series: affiliation, point-wise and event-level P, R, F1, IoU, class.",
    task_run_name="score {predictions.name}",
    cache_policy=NO_CACHE,
)
def score(
    mlflow_run: str,
    predictions: StageResult,
    series: StageResult,
    config: ScoringConfig,
    *,
    examples: bool = False,
    answers: bool = False,
) -> StageResult:
    """With `examples`, the best, the median and the worst answer are drawn; with `answers`, many become a table."""
    return run_stage(
        mlflow_run,
        f"scores of {predictions.name}",
        lambda store, inputs, observer: score_predictions(
            store, inputs["predictions"], inputs["series"], config, observer
        ),
        {"predictions": predictions, "series": series},
        measure=measure_scores,
        draw=draw_examples if examples else None,
        tabulate=tabulate_answers if answers else None,
        log_level=logging.DEBUG,
    )


def draw_examples(
    scores: Artifact, inputs: Mapping[str, Artifact], _: StageObserver
) -> dict[str, Figure | Image.Image]:
    rows = read_scores(scores.file(SCORES_FILE))
    series = read_series(inputs["series"].file(SERIES_FILE))
    answers = read_scored(scores, inputs)
    confusion = {f"confusion-{kind}.png": figure for kind, figure in confusion_figures(rows).items()}
    return {"examples.png": example_sheet(rows, series, answers), **confusion}


def tabulate_answers(scores: Artifact, inputs: Mapping[str, Artifact]) -> dict[str, pd.DataFrame]:
    series = read_series(inputs["series"].file(SERIES_FILE))
    answers = read_scored(scores, inputs)
    return {"answers.json": answer_table(read_scores(scores.file(SCORES_FILE)), series, answers)}


def measure_scores(scores: Artifact) -> dict[str, float]:
    """The means of one detector on one benchmark, as metrics; a measure that is missing for it is left out."""
    row = summarise(read_scores(scores.file(SCORES_FILE))).iloc[0]
    return {name: float(row[name]) for name in MEASURES if row[name] == row[name]}
