from pathlib import Path

from anomseer_core.evaluation.config import BaselineConfig, ScoringConfig
from anomseer_core.synthesis.config import AnomLLMConfig
from tasks.connection import Tracking
from tasks.evaluation import predict_with_baseline, score
from tasks.reports import draw_confusion, read_all_scores
from tasks.synthesis import synthesize_series
from tests.tasks.test_tracking import parent_of


def test_scores_leave_measures_examples_and_confusion_matrices(tracking: Tracking):
    parent = parent_of(tracking)
    series = synthesize_series.fn(parent, AnomLLMConfig(tasks=("point", "trend"), count=3))
    answers = predict_with_baseline.fn(parent, series, BaselineConfig(name="always-empty"))
    scores = score.fn(parent, answers, series, ScoringConfig(profile="anomllm"), examples=True)
    run = tracking.client.get_run(scores.run_id)
    # Three of six series are normal, the others all missed.
    assert run.data.metrics["affiliation_f1"] == run.data.metrics["detection_accuracy"] == 0.5
    assert run.data.metrics["event_f1_anomalous"] == run.data.metrics["interval_iou_anomalous"] == 0
    assert run.data.params["profile"] == "anomllm"
    pictures = {Path(item.path).name for item in tracking.client.list_artifacts(scores.run_id, "pictures")}
    assert pictures == {"examples.png", "confusion-classes.png", "confusion-detection.png"}
    assert set(draw_confusion(read_all_scores([scores.path]))) == {
        "confusion-anomllm-anomllm-classes.png",
        "confusion-anomllm-anomllm-detection.png",
    }
