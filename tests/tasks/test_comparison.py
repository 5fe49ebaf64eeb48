"""Comparisons of real score artifacts, by folder and by MLflow run."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from anomseer_core.evaluation.config import BaselineConfig, ScoringConfig
from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore, DamagedArtifact
from anomseer_core.synthesis.config import AnomLLMConfig
from tasks import tags
from tasks.comparison import TABLE, TEXT, compare_and_record, find_run
from tasks.connection import Tracking
from tasks.evaluation import predict_with_baseline, score
from tasks.stages import StageResult
from tasks.synthesis import synthesize_series
from tasks.tracking import open_child
from tests.tasks.test_tracking import parent_of


@dataclass(frozen=True)
class Evaluated:
    """A flow run's record, and the scores of two detectors below it."""

    parent: str
    series: StageResult
    whole: StageResult
    last: StageResult


@pytest.fixture
def evaluated(tracking: Tracking) -> Evaluated:
    parent = parent_of(tracking)
    series = draw(parent)
    return Evaluated(parent, series, *(scored(parent, series, name) for name in ("whole-series", "last-fifth")))


def draw(parent: str, seed: int = 42) -> StageResult:
    return synthesize_series.fn(parent, AnomLLMConfig(tasks=("point", "trend"), count=4, seed=seed))


def scored(parent: str, series: StageResult, name: str, **rules: str) -> StageResult:
    answers = predict_with_baseline.fn(parent, series, BaselineConfig(name=name))
    return score.fn(parent, answers, series, ScoringConfig(**rules))


def compared(tracking: Tracking, first: str, second: str):
    return compare_and_record(tracking, ArtifactStore(load_settings().home), first, second, seed=0)


def test_folders_are_compared_and_the_result_stands_under_their_flow_run(tracking: Tracking, evaluated: Evaluated):
    result = compared(tracking, evaluated.whole.path, evaluated.last.path)
    run = tracking.client.get_run(result.mlflow_run)
    assert run.info.status == "FINISHED"
    assert run.data.tags[tags.PARENT] == evaluated.parent
    row = result.table.iloc[0]
    assert (row["part"], row["measure"], row["n"]) == ("all", "affiliation_f1", 8)
    assert run.data.metrics["anomllm/all/affiliation_f1/difference"] == pytest.approx(row["difference"])
    content = json.loads(Path(tracking.client.download_artifacts(result.mlflow_run, TABLE)).read_text())
    assert len(content["data"]) == len(result.table)
    assert "| all | Aff. F1 | 8 |" in Path(tracking.client.download_artifacts(result.mlflow_run, TEXT)).read_text()
    read = {tag.value for item in run.inputs.dataset_inputs for tag in item.tags if tag.key == tags.DIGEST}
    assert read == {evaluated.whole.digest, evaluated.last.digest}


def test_detectors_of_one_flow_run_are_chosen_by_name(tracking: Tracking, evaluated: Evaluated):
    by_folder = compared(tracking, evaluated.whole.path, evaluated.last.path).table
    by_run = compared(tracking, f"{evaluated.parent}:whole-series", f"{evaluated.parent}:last-fifth")
    by_stage = compared(tracking, evaluated.whole.run_id, evaluated.last.run_id)
    assert by_folder.equals(by_run.table)
    assert by_folder.equals(by_stage.table)
    assert tracking.client.get_run(by_stage.mlflow_run).data.tags[tags.PARENT] == evaluated.parent
    # Seeds are joined by commas; here the same scores stand for two of them.
    twice = compared(tracking, f"{evaluated.whole.path}, {evaluated.whole.run_id}", evaluated.last.path).table
    assert twice["first_sd"].eq(0).all()
    assert twice["second_sd"].isna().all()
    # What a comparison recorded is no score.
    found = find_run(tracking, ArtifactStore(load_settings().home), evaluated.parent)
    assert [item.key for item in found.scored.artifacts] == [evaluated.whole.key, evaluated.last.key]


def test_scores_that_no_flow_run_knows_are_compared_all_the_same(tracking: Tracking, evaluated: Evaluated):
    for result in (evaluated.whole, evaluated.last):
        tracking.client.delete_run(result.run_id)
    result = compared(tracking, evaluated.whole.path, evaluated.last.path)
    assert tags.PARENT not in tracking.client.get_run(result.mlflow_run).data.tags


def test_what_cannot_be_compared_is_refused_in_one_line(tracking: Tracking, evaluated: Evaluated):
    parent, whole = evaluated.parent, evaluated.whole.path
    others = scored(parent, draw(parent, seed=7), "whole-series")
    rounded = scored(parent, evaluated.series, "whole-series", profile="anomllm")
    with open_child(tracking, parent, name="empty", about={}) as empty:
        pass
    for second, message in (
        (parent, f"{parent} holds scores of last-fifth, whole-series; choose one, as {parent}:last-fifth"),
        (f"{parent}:nano", f"{parent} holds no scores of nano; it has those of last-fifth, whole-series"),
        ("0123abc", "0123abc is neither a folder nor a run that MLflow at sqlite"),
        ("/no/scores", "/no/scores is neither a folder nor a run"),
        ("", "'' names no scores; give the folder"),
        (evaluated.series.path, "is a series artifact; name the folder of scores"),
        (empty, f"MLflow run {empty} recorded no scores"),
        (others.path, "were scored on different series of anomllm"),
        (rounded.path, r"were scored in different ways \(profile strict and anomllm\)"),
    ):
        with pytest.raises(ValueError, match=message):
            compared(tracking, whole, second)
    Path(evaluated.last.path, "scores.parquet").write_bytes(b"")
    with pytest.raises(DamagedArtifact, match=r"scores\.parquet was changed"):
        compared(tracking, whole, evaluated.last.path)
