"""The report of a whole evaluation, from artifacts."""

import re

import pytest
from PIL import Image

from anomseer_core.dialogue import format_response
from anomseer_core.evaluation.baseline_predictions import predict_baseline
from anomseer_core.evaluation.config import BaselineConfig, ScoringConfig
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.evaluation.scores import score_predictions
from anomseer_core.evaluation.shards import detect_shard, predict_in_shards
from anomseer_core.observer import SILENT
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.reports.evaluation_report import build_report, picture_name
from anomseer_core.series import AnomalyClass
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import VisualTimeAnomalyConfig
from anomseer_core.synthesis.dataset import synthesize


class Talker:
    """Says the same of every series, and that the reasoning is in the numbers."""

    def __init__(self, name):
        self.name = name

    def detect(self, series):
        for item in series:
            said = format_response("max |z| reaches 4.00 at 10", [(10, 20)], AnomalyClass.TREND)
            yield Prediction(item.id, self.name, intervals=((10, 20),), anomaly_class=AnomalyClass.TREND, response=said)


def evaluated(store, series, name):
    config = BaselineConfig(name="whole-series")
    if name == "whole-series":
        predictions = predict_baseline(store, series, config)
    else:
        recipe = Recipe(Stage(f"{name} predictions", "predictions", modules=()), {"series": series.reference}, config)
        predictions = predict_in_shards(
            store, recipe, series, lambda shard: detect_shard(Talker(name), shard), SILENT, machine="an abacus"
        )
    return score_predictions(store, predictions, series, ScoringConfig()).path


@pytest.fixture
def made(tmp_path):
    store = ArtifactStore(tmp_path)
    series = synthesize(store, VisualTimeAnomalyConfig(form="fixed", count=1))
    names = ("talker", "talker-direct", "whole-series")
    return store, {name: evaluated(store, series, name) for name in names}


def test_a_policy_has_every_section(made):
    store, paths = made
    report = build_report(store, list(paths.values()), {"archive": "no folder"})
    text = report.markdown({"talker": "talker.png"})
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Goals",
        "Every detector on the same series",
        "Paired tests",
        "Kinds of mistakes",
        "Failures",
        "Speed",
        "What was evaluated",
        "All tables",
    ]
    assert "| visual_time_anomaly (fixed) | Affiliation-F1 |" in text
    assert "![The worst cases of talker](talker.png)" in text
    assert re.search(r"\| talker-direct \| visual_time_anomaly \(fixed\) \| an abacus \| 5 \| [\d.]+ \|", text)
    assert "First: talker. Second: talker-direct." in text
    assert "Skipped: no folder" in text
    assert "| whole-series |" in text


def test_each_policy_has_a_sheet_of_its_failures(made):
    store, paths = made
    sheets = build_report(store, list(paths.values())).failures()
    assert list(sheets) == ["talker", "talker-direct"]
    assert all(isinstance(sheet, Image.Image) for sheet in sheets.values())


def test_without_a_policy_there_are_tables_alone(made):
    store, paths = made
    report = build_report(store, [paths["whole-series"]])
    assert report.failures() == {}
    assert report.markdown().startswith("### visual_time_anomaly, profile strict\n")
    assert "\n## " not in report.markdown()


def test_scores_whose_series_are_gone_are_told(made):
    store, paths = made
    (series,) = (item for item in store.all() if item.kind == "series")
    (series.path / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"the series of .* are not in"):
        build_report(store, [paths["talker"]])


def test_a_picture_can_be_named_after_any_model():
    assert picture_name("/models/a@b at host:1") == "failures--models-a-b-at-host-1.png"
