"""Means over seeds of real score artifacts, and what is no set of seeds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from anomseer_core.baselines.config import ClassicalConfig, IsolationForestConfig
from anomseer_core.evaluation.config import BaselineConfig, ScoringConfig
from anomseer_core.evaluation.scores import SCORES_FILE, read_scores
from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from tasks import tags
from tasks.connection import Tracking
from tasks.evaluation import predict_with_baseline, score
from tasks.repetition import TEXT, Repeated, average_and_record
from tasks.stages import StageResult
from tests.tasks.test_comparison import draw, scored
from tests.tasks.test_tracking import parent_of


@dataclass(frozen=True)
class Seeded:
    """Two flow runs' records: below each a trivial predictor, and a forest of its own seed."""

    parents: tuple[str, str]
    forests: tuple[StageResult, StageResult]


@pytest.fixture
def seeded(tracking: Tracking) -> Seeded:
    parents, forests = [], []
    for seed in (1, 2):
        parent = parent_of(tracking, f"flow-{seed}")
        series = draw(parent)
        scored(parent, series, "whole-series")
        parents.append(parent)
        forests.append(forest(parent, series, seed))
    return Seeded(tuple(parents), tuple(forests))


def forest(parent: str, series: StageResult, seed: int) -> StageResult:
    parameters = ClassicalConfig(isolation_forest=IsolationForestConfig(trees=5, seed=seed))
    answers = predict_with_baseline.fn(parent, series, BaselineConfig(name="isolation-forest", parameters=parameters))
    return score.fn(parent, answers, series, ScoringConfig())


def averaged(tracking: Tracking, *references: str) -> Repeated:
    return average_and_record(tracking, ArtifactStore(load_settings().home), references)


def test_evaluations_of_several_seeds_are_averaged_and_recorded(tracking: Tracking, seeded: Seeded):
    result = averaged(tracking, *seeded.parents)
    rows = result.table.set_index("detector")
    assert rows["runs"].to_dict() == {"whole-series": 2, "isolation-forest": 2}
    a, b = (read_scores(Path(item.path, SCORES_FILE))["pointwise_f1"].mean() for item in seeded.forests)
    assert a != b
    assert rows.loc["isolation-forest", "pointwise_f1"] == pytest.approx((a + b) / 2)
    # Of two numbers the deviation is their distance over the root of 2.
    deviation = rows.loc["isolation-forest", "pointwise_f1_sd"]
    assert deviation == pytest.approx(abs(a - b) / 2**0.5)
    assert rows.loc["whole-series", "pointwise_f1_sd"] == 0
    run = tracking.client.get_run(result.mlflow_run)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["anomllm/isolation-forest/pointwise_f1_sd"] == pytest.approx(deviation)
    assert "| isolation-forest | 2 |" in Path(tracking.client.download_artifacts(result.mlflow_run, TEXT)).read_text()
    # Three artifacts: the trivial predictor's is the same in both.
    read = [tag.value for item in run.inputs.dataset_inputs for tag in item.tags if tag.key == tags.DIGEST]
    assert len(read) == len(set(read)) == 3
    by_name = averaged(tracking, *(f"{parent}:isolation-forest" for parent in seeded.parents)).table
    assert by_name["detector"].tolist() == ["isolation-forest"]
    assert np.isclose(by_name["pointwise_f1_sd"][0], deviation)


def test_what_is_no_set_of_seeds_is_refused_in_one_line(tracking: Tracking, seeded: Seeded):
    first, second = seeded.parents
    elsewhere = scored(first, draw(first, seed=7), "last-fifth")
    with pytest.raises(ValueError, match="needs two evaluations or more"):
        averaged(tracking, first)
    run, chosen = seeded.forests[1].run_id, f"{second}:isolation-forest"
    with pytest.raises(ValueError, match=f"{run} and {chosen} hold the very same scores; name runs of different seeds"):
        averaged(tracking, run, chosen)
    with pytest.raises(ValueError, match="were scored on different series of anomllm"):
        averaged(tracking, second, elsewhere.path)
