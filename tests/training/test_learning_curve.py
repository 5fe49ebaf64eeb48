"""The learning curve: which series it asks, what it makes of the answers, and that training does not feel it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from anomseer_core.dialogue import format_response
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.training.config import ColdStartConfig, RewardWeights, TimerPOConfig
from anomseer_core.training.examples import Example, hold_out
from anomseer_core.training.job import METRICS, append_line
from anomseer_core.training.learning_curve import LearningCurve, grade_answer
from anomseer_core.training.reinforcement import train_timerpo
from anomseer_core.training.supervised import train_supervised
from anomseer_core.view import View
from tests.training.conftest import build_job, read_metrics

EVALUATION = {"eval/reward", "eval/affiliation_f1", "eval/pointwise_f1", "eval/class_accuracy", "eval/unparsable"}


def examples(count: int, views: int = 1) -> list[Example]:
    length = 1000 * views
    return [
        Example(
            Series(f"s{index}", np.zeros(length), ((10, 20),), AnomalyClass.TREND),
            "why",
            View(1000 * view, 1000 * view + 1000),
        )
        for index in range(count)
        for view in range(views)
    ]


def test_held_out_series_are_shown_by_no_training_example():
    training, asked = hold_out(examples(10, views=3), 4)
    ids = {example.series.id for example in asked}
    # One view of each, and all three of the others.
    assert len(asked) == len(ids) == 4
    assert {example.view.start for example in asked} == {0}
    assert not ids & {example.series.id for example in training}
    assert len(training) == 6 * 3


def test_fewer_are_a_subset_of_more_whatever_the_order():
    few, many = hold_out(examples(20), 3)[1], hold_out(examples(20)[::-1], 7)[1]
    assert {example.series.id for example in few} < {example.series.id for example in many}


def test_none_are_held_out_by_default_and_all_are_refused():
    everything = examples(5)
    assert hold_out(everything, 0) == (everything, [])
    with pytest.raises(ValueError, match="evaluation_prompts = 5 leaves none of 5 series to train on"):
        hold_out(everything, 5)


def test_a_perfect_answer_and_an_unreadable_one():
    (example,) = examples(1)
    perfect = grade_answer(format_response("a", example.intervals, AnomalyClass.TREND), example, RewardWeights())
    assert perfect == {
        "reward": pytest.approx(1.0),
        "format": 1,
        "affiliation_f1": pytest.approx(1.0),
        "pointwise_f1": pytest.approx(1.0),
        "class_accuracy": 1,
        "detection_accuracy": 1,
        "unparsable": 0,
    }
    lost = grade_answer("no idea", example, RewardWeights())
    assert {name: value for name, value in lost.items() if value} == {"unparsable": 1}


def test_a_run_that_goes_on_has_its_first_point_already(inputs, tmp_path: Path) -> None:
    """Nothing is asked: this curve has nobody to answer."""
    config = TimerPOConfig(evaluate_every=1, evaluation_prompts=2)
    job = build_job(inputs, tmp_path / "job", config)
    curve = LearningCurve(None, None, [], job, 0, max_tokens=8, weights=config.rewards)
    with pytest.raises(AttributeError):
        curve.record_start()
    append_line(job.folder / METRICS, {"step": 1, "metrics": {}})
    curve.record_start()
    assert [line["step"] for line in read_metrics(job.folder)] == [1]


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "checkpoint" / "model.safetensors").read_bytes()).hexdigest()


def test_evaluation_does_not_disturb_timerpo(inputs, one_process, tmp_path: Path) -> None:
    """Bit for bit the same weights with a point at every step as with none; the same series are kept out in both."""
    config = TimerPOConfig(
        steps=1, prompts_per_step=2, group_size=2, max_response_tokens=8, learning_rate=1e-3, evaluation_prompts=2
    )
    jobs = [
        build_job(inputs, tmp_path / str(every), config.model_copy(update={"evaluate_every": every}))
        for every in (0, 1)
    ]
    for job in jobs:
        train_timerpo(job, 0, one_process)
    assert digest(jobs[0].folder) == digest(jobs[1].folder)
    silent, asked = (read_metrics(job.folder) for job in jobs)
    assert [line["step"] for line in asked] == [0, 1]
    assert all(set(line["metrics"]) >= EVALUATION for line in asked)
    assert not any(EVALUATION & set(line["metrics"]) for line in silent)
    assert silent[-1]["metrics"]["loss"] == asked[-1]["metrics"]["loss"]


@pytest.mark.slow
def test_evaluation_does_not_disturb_a_cold_start(inputs, one_process, tmp_path: Path) -> None:
    config = ColdStartConfig(steps=1, batch_size=2, evaluation_prompts=2, evaluation_tokens=8)
    jobs = [
        build_job(inputs, tmp_path / str(every), config.model_copy(update={"evaluate_every": every}))
        for every in (0, 1)
    ]
    for job in jobs:
        train_supervised(job, 0, one_process)
    assert digest(jobs[0].folder) == digest(jobs[1].folder)
    lines = read_metrics(jobs[1].folder)
    assert [line["step"] for line in lines if set(line["metrics"]) >= EVALUATION] == [0, 1]
    assert lines[-1]["metrics"]["num_tokens"] > 0
