"""The configuration of a run: which series it trains on and holds out."""

import pytest

from anomseer_core.configurations import nano
from anomseer_core.pipeline import SynthesisConfig
from anomseer_core.synthesis.config import FIELD_TASKS, UNIVARIATE_DIVERSE_TASKS
from flows.evaluation_config import evaluation_of


def test_a_run_trains_on_anomllm_and_on_diverse_by_choice():
    assert nano().synthesis.training == nano().synthesis.train
    anomllm, diverse = SynthesisConfig(train_diverse=5).training.parts
    assert anomllm == SynthesisConfig().train
    assert (diverse.split, diverse.count, diverse.tasks) == ("train", 5, UNIVARIATE_DIVERSE_TASKS)
    _, field = SynthesisConfig(train_field=7).training.parts
    assert (field.benchmark, field.split, field.count, field.tasks) == ("field", "train", 7, FIELD_TASKS)
    _, brief = SynthesisConfig(train_field=7, train_field_form="brief").training.parts
    assert (field.form, brief.form) == ("plain", "brief")
    with pytest.raises(ValueError, match="train_field_form = brief has no effect with train_field = 0"):
        SynthesisConfig(train_field_form="brief")
    _, *visual = SynthesisConfig(train_visual_time_anomaly=2).training.parts
    assert [(part.split, part.seed, part.form) for part in visual] == [("train", 1, "fixed"), ("train", 2, "fixed")]


def test_the_benchmarks_of_the_paper_are_held_out_and_diverse_by_choice():
    assert nano().synthesis.benchmarks == ("anomllm", "visual_time_anomaly", "archive")
    config = nano().model_copy(update={"synthesis": SynthesisConfig(benchmarks=("diverse",))})
    assert evaluation_of(config).benchmarks == ("diverse",)
    assert evaluation_of(config).diverse == config.synthesis.diverse
