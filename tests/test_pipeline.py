"""The configuration of a run: which series it trains on and holds out."""

from anomseer_core.configurations import nano
from anomseer_core.pipeline import SynthesisConfig
from anomseer_core.synthesis.config import UNIVARIATE_DIVERSE_TASKS
from flows.evaluation_config import evaluation_of


def test_a_run_trains_on_anomllm_and_on_diverse_by_choice():
    assert nano().synthesis.training == nano().synthesis.train
    mixed = SynthesisConfig(train_diverse=5).training
    assert mixed.anomllm == SynthesisConfig().train
    assert (mixed.diverse.split, mixed.diverse.count, mixed.diverse.tasks) == ("train", 5, UNIVARIATE_DIVERSE_TASKS)


def test_the_benchmarks_of_the_paper_are_held_out_and_diverse_by_choice():
    assert nano().synthesis.benchmarks == ("anomllm", "visual_time_anomaly", "archive")
    config = nano().model_copy(update={"synthesis": SynthesisConfig(benchmarks=("diverse",))})
    assert evaluation_of(config).benchmarks == ("diverse",)
    assert evaluation_of(config).diverse == config.synthesis.diverse
