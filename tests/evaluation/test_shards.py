"""Predictions made shard by shard: equal however they are cut and spread, kept when a run is stopped."""

import json
import logging
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from anomseer_core.baselines.trivial import TrivialDetector
from anomseer_core.evaluation import shards
from anomseer_core.evaluation.baseline_predictions import predict_baseline
from anomseer_core.evaluation.config import BaselineConfig
from anomseer_core.evaluation.prediction import PREDICTIONS_FILE, read_predictions
from anomseer_core.evaluation.shards import cut_by_count, cut_by_samples, detect_shard, predict_in_shards
from anomseer_core.fan_out import in_process
from anomseer_core.observer import SILENT, SilentObserver
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.store import VOLATILE, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize

CONFIG = BaselineConfig(name="last-fifth")
PAIRS = cut_by_count(2)
STAGE = Stage("baseline predictions", "predictions", modules=())


@dataclass
class Listener(SilentObserver):
    seen: list[tuple[int, int]] = field(default_factory=list)

    def progress(self, done, total, unit):
        self.seen.append((done, total))


class Answering:
    """Answers shards until it has answered enough; remembers which."""

    def __init__(self, most=99):
        self.most = most
        self.rows = []

    def __call__(self, shard):
        if len(self.rows) == self.most:
            raise RuntimeError("stopped")
        self.rows.append(shard.rows)
        return detect_shard(TrivialDetector("last-fifth"), shard)


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path)


@pytest.fixture
def series(store):
    return synthesize(store, AnomLLMConfig(tasks=("point", "trend"), count=3))


def predict(store, series, answer, observer=SILENT, cut=PAIRS, **options):
    recipe = Recipe(STAGE, {"series": series.reference}, CONFIG)
    return predict_in_shards(store, recipe, series, answer, observer, cut=cut, **options)


def kept(store):
    return sorted(path.name for path in (store.home / "runs").rglob("*") if path.is_file())


def test_shards_hold_consecutive_rows():
    assert cut_by_count(2)([7] * 5) == [range(0, 2), range(2, 4), range(4, 5)]
    assert cut_by_samples([]) == cut_by_count(3)([]) == []
    assert cut_by_samples([5, 5, 5], most=10) == [range(0, 2), range(2, 3)]
    assert cut_by_samples([99], most=10) == [range(0, 1)]


def test_a_stopped_run_goes_on_with_what_is_missing(store, series, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(RuntimeError, match="stopped"):
        predict(store, series, Answering(most=2))
    assert kept(store) == ["0-2.parquet", "2-4.parquet"]
    again, listener = Answering(), Listener()
    predictions = predict(store, series, again, listener)
    assert again.rows == [range(4, 6)]
    assert "4 of 6 series were answered before this run was started again" in caplog.messages
    assert listener.seen == [(4, 6), (6, 6)]
    assert kept(store) == []
    whole = predict(ArtifactStore(store.home / "elsewhere"), series, Answering(), cut=cut_by_samples)
    assert predictions.digest == whole.digest
    seconds = json.loads(predictions.file(VOLATILE).read_text())["seconds"]
    assert sorted(seconds) == sorted(row.series_id for row in read_predictions(predictions.file(PREDICTIONS_FILE)))


def test_a_torn_shard_is_computed_again(store, series):
    with pytest.raises(RuntimeError, match="stopped"):
        predict(store, series, Answering(most=2))
    (first,) = (store.home / "runs").rglob("0-2.parquet")
    first.write_bytes(first.read_bytes()[:100])
    again = Answering()
    predict(store, series, again)
    assert again.rows == [range(0, 2), range(4, 6)]


def test_a_finished_artifact_is_reused(store, series):
    predict(store, series, Answering())
    again = Answering()
    assert predict(store, series, again).reused
    assert again.rows == []


def test_much_work_is_spread_and_little_is_not(store, series, monkeypatch):
    """The first two shards are always worked on here: they tell what the others will take."""
    spread = []

    def fan_out(function, parts):
        spread.append(len(parts))
        yield from in_process(function, parts)

    here = predict(store, series, Answering(), fan_out=fan_out)
    assert spread == []
    monkeypatch.setattr(shards, "WORTH_SPREADING_SECONDS", -1.0)
    elsewhere = predict(ArtifactStore(store.home / "other"), series, Answering(), fan_out=fan_out)
    assert spread == [1]
    assert here.digest == elsewhere.digest


SLOWLY = """
import sys, time
from pathlib import Path
from anomseer_core.baselines.isolation_forest import IsolationForestDetector
from anomseer_core.evaluation import shards
from anomseer_core.evaluation.baseline_predictions import predict_baseline
from anomseer_core.evaluation.config import BaselineConfig
from anomseer_core.store import ArtifactStore

shards.cut_by_samples = shards.cut_by_count(1)
detect = IsolationForestDetector.detect
def slow(self, series):
    for prediction in detect(self, series):
        if len(list(Path(sys.argv[1], "runs").rglob("*.parquet"))) == 3:
            time.sleep(60)
        yield prediction
IsolationForestDetector.detect = slow
store = ArtifactStore(Path(sys.argv[1]))
predict_baseline(store, store.open(Path(sys.argv[2])), BaselineConfig(name="isolation-forest"))
"""


def test_a_killed_process_leaves_its_finished_shards(store, series, monkeypatch):
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, str(store.home), str(series.path)])
    deadline = time.monotonic() + 120
    while len(kept(store)) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(kept(store)) == 3
    monkeypatch.setattr(shards, "cut_by_samples", cut_by_count(1))
    listener = Listener()
    predictions = predict_baseline(store, series, BaselineConfig(name="isolation-forest"), listener)
    assert listener.seen == [(done, 6) for done in (3, 4, 5, 6)]
    assert Counter(row.detector for row in read_predictions(predictions.file(PREDICTIONS_FILE))) == {
        "isolation-forest": 6
    }
