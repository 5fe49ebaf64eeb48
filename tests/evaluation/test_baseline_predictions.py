"""The stages from series over predictions to scores."""

import json
from collections import Counter
from typing import get_args

import pytest

from anomseer_core.baselines.catalogue import create_baseline
from anomseer_core.evaluation.baseline_predictions import predict_baseline
from anomseer_core.evaluation.config import Baseline, BaselineConfig, ScoringConfig
from anomseer_core.evaluation.prediction import PREDICTIONS_FILE, read_predictions
from anomseer_core.evaluation.scores import SCORES_FILE, read_scores, score_predictions
from anomseer_core.observer import SilentObserver
from anomseer_core.store import VOLATILE, ArtifactStore, DamagedArtifact
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize

LAST_FIFTH = BaselineConfig(name="last-fifth")


class Counting(SilentObserver):
    """Remembers the progress it is told."""

    def __init__(self):
        self.seen = []

    def progress(self, done, total, unit):
        self.seen.append((done, total, unit))


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path)


def held_out(store, seed=42):
    return synthesize(store, AnomLLMConfig(tasks=("point", "trend"), count=3, seed=seed))


@pytest.mark.parametrize("name", get_args(Baseline))
def test_every_configured_baseline_exists(name):
    assert create_baseline(name).name == name


def test_predictions_of_a_baseline(store):
    series, observer = held_out(store), Counting()
    predictions = predict_baseline(store, series, LAST_FIFTH, observer)
    assert (predictions.kind, dict(predictions.rows)) == ("predictions", {PREDICTIONS_FILE: 6})
    assert predictions.inputs == {"series": series.reference}
    rows = list(read_predictions(predictions.file(PREDICTIONS_FILE)))
    assert Counter(row.intervals for row in rows) == {((800, 1000),): 6}
    assert observer.seen == [(0, 6, "series"), (6, 6, "series")]


def test_latency_stays_out_of_the_digest(store, tmp_path_factory):
    predictions = predict_baseline(store, held_out(store), LAST_FIFTH)
    seconds = json.loads(predictions.file(VOLATILE).read_text())["seconds"]
    rows = list(read_predictions(predictions.file(PREDICTIONS_FILE)))
    assert sorted(seconds) == sorted(row.series_id for row in rows)
    assert all(value >= 0 for value in seconds.values())
    elsewhere = ArtifactStore(tmp_path_factory.mktemp("elsewhere"))
    assert predict_baseline(elsewhere, held_out(elsewhere), LAST_FIFTH).digest == predictions.digest


def test_a_second_run_is_reused_and_another_baseline_is_not(store):
    series = held_out(store)
    first = predict_baseline(store, series, LAST_FIFTH)
    assert predict_baseline(store, series, LAST_FIFTH).reused
    assert predict_baseline(store, series, BaselineConfig(name="always-empty")).key != first.key


def test_scores_of_a_baseline(store):
    series, observer = held_out(store), Counting()
    predictions = predict_baseline(store, series, LAST_FIFTH)
    scores = score_predictions(store, predictions, series, ScoringConfig(), observer)
    assert (scores.kind, dict(scores.rows)) == ("scores", {SCORES_FILE: 6})
    assert scores.inputs == {"predictions": predictions.reference, "series": series.reference}
    frame = read_scores(scores.file(SCORES_FILE))
    # The first three series of `trend` are normal, those of `point` are not.
    assert frame["truth_events"].gt(0).tolist() == [True] * 3 + [False] * 3
    assert frame["detection_correct"].tolist() == [True] * 3 + [False] * 3
    assert frame["affiliation_f1"].eq(0).tolist() == [False] * 3 + [True] * 3
    assert observer.seen[-1] == (6, 6, "series")
    assert score_predictions(store, predictions, series, ScoringConfig()).reused
    assert not score_predictions(store, predictions, series, ScoringConfig(affiliation="discrete")).reused


def test_predictions_are_scored_on_their_own_series_only(store):
    predictions = predict_baseline(store, held_out(store), LAST_FIFTH)
    other = held_out(store, seed=7)
    with pytest.raises(ValueError, match="were not made on the series"):
        score_predictions(store, predictions, other, ScoringConfig())


def test_damaged_inputs_are_refused(store):
    series = held_out(store)
    predictions = predict_baseline(store, series, LAST_FIFTH)
    predictions.file(PREDICTIONS_FILE).write_bytes(b"")
    with pytest.raises(DamagedArtifact, match=r"predictions\.parquet was changed"):
        score_predictions(store, predictions, series, ScoringConfig())
    series.file("series.parquet").write_bytes(b"")
    with pytest.raises(DamagedArtifact, match=r"series\.parquet was changed"):
        predict_baseline(store, series, BaselineConfig(name="always-empty"))
