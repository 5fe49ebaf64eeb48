"""The matrices as pictures; that they read well was judged by looking at them."""

import pandas as pd

from anomseer_core.baselines.trivial import TrivialDetector
from anomseer_core.evaluation.confusion import class_confusion
from anomseer_core.evaluation.prediction import Prediction
from anomseer_core.evaluation.scores import evaluate
from anomseer_core.reports.confusion_figure import confusion_figures, matrix_figure
from anomseer_core.series import AnomalyClass
from anomseer_core.synthesis import generate


class Guess:
    """Names a class for every series."""

    name = "guess"

    def detect(self, series):
        for item in series:
            yield Prediction(item.id, self.name, intervals=((1, 2),), anomaly_class=AnomalyClass.TREND)


def scores():
    series = [item for task in ("trend", "point") for item in generate("anomllm", task, count=6)]
    return pd.concat([evaluate(detector, series) for detector in (TrivialDetector("whole-series"), Guess())])


def test_every_detector_has_a_panel_where_it_answers():
    rows = scores()
    figures = confusion_figures(rows)
    titles = {kind: [axes.get_title(loc="left") for axes in figure.axes] for kind, figure in figures.items()}
    right = 100 * (rows["truth_events"] > 0).mean()
    assert titles["detection"] == [f"whole-series: {right:.1f} %", f"guess: {right:.1f} %"]
    correct = 100 * rows.loc[rows["detector"] == "guess", "class_correct"].mean()
    assert titles["classes"] == [f"guess: {correct:.1f} %"]
    assert "anomllm, profile strict" in figures["classes"].get_suptitle()


def test_the_counts_are_written_into_the_cells():
    rows = scores()
    matrix = class_confusion(rows[rows["detector"] == "guess"])
    (axes,) = matrix_figure({"guess": matrix}, "x").axes
    written = [int(text.get_text()) for text in axes.texts if text.get_text()]
    assert sorted(written) == sorted(count for count in matrix.to_numpy().flatten().tolist() if count)
    assert [label.get_text() for label in axes.get_yticklabels()] == matrix.index.tolist()


def test_the_title_of_a_single_panel_is_not_cut_off():
    rows = scores().assign(benchmark="visual_time_anomaly", profile="visual_time_anomaly")
    figure = confusion_figures(rows[rows["detector"] == "guess"])["classes"]
    figure.draw_without_rendering()
    assert figure._suptitle.get_window_extent().x1 < figure.bbox.x1


def test_detectors_that_name_no_class_have_no_class_panel():
    rows = scores()
    assert set(confusion_figures(rows[rows["detector"] == "whole-series"])) == {"detection"}
