import pandas as pd

from anomseer_core.baselines.trivial import TrivialDetector
from anomseer_core.evaluation.scores import evaluate
from anomseer_core.reports.summary import summarise
from anomseer_core.synthesis import generate
from tasks.reports import _metrics, warn_of_unparsable


def test_a_policy_most_of_whose_answers_are_lost_is_warned_about():
    rows = [
        {"detector": "timerpo", "benchmark": "anomllm", "n": 2, "excluded": 6, "unparsable": 5},
        {"detector": "cold-start", "benchmark": "anomllm", "n": 8, "excluded": 0, "unparsable": 4},
        {"detector": "whole-series", "benchmark": "anomllm", "n": 8, "excluded": 0, "unparsable": 8},
    ]
    (line,) = warn_of_unparsable(pd.DataFrame(rows))
    assert line.startswith("timerpo on anomllm: 5 of 8 answers could not be read")


def test_a_model_of_any_name_has_metrics_that_mlflow_takes(tracking):
    """A model behind an endpoint is often called by a path."""
    detector = TrivialDetector("whole-series")
    rows = evaluate(detector, generate("anomllm", "point", count=2)).assign(detector="/models/a@b:1 at host")
    run = tracking.client.create_run(tracking.experiment_id)
    tracking.client.log_batch(run.info.run_id, metrics=_metrics(summarise(rows)))
    assert "anomllm/-models-a-b:1 at host/affiliation_f1" in tracking.client.get_run(run.info.run_id).data.metrics
