"""The named configurations: each is valid, says who it is, and the commands' help lists it."""

import pytest

from anomseer_core.configurations import CONFIGURATIONS
from anomseer_core.pipeline import PipelineConfig
from anomseer_core.training.config import ColdStartConfig, TimerPOConfig
from flows.cli import run


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_configuration_is_valid_and_named(name: str):
    config = CONFIGURATIONS[name]()
    assert config.name == name
    assert PipelineConfig.model_validate(config.model_dump()) == config


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_help_of_run_lists_it(name: str):
    listed = run.__doc__.split("start from:")[1].split(";")[0].replace(",", " ").replace(" or ", " ").split()
    assert name in listed


@pytest.mark.parametrize(
    ("name", "taught", "reinforced", "guided"),
    [
        ("sft", True, False, None),
        ("grpo", False, True, False),
        ("sft+grpo", True, True, False),
        ("timerpo", False, True, True),
        ("sft+timerpo", True, True, True),
        ("paper", False, True, True),
        ("released", False, True, True),
    ],
)
def test_a_method_is_what_its_name_says(name: str, taught: bool, reinforced: bool, guided: bool | None):
    config = CONFIGURATIONS[name]()
    assert bool(config.cold_start.steps) == taught
    assert bool(config.training.steps) == reinforced
    if reinforced:
        assert config.training.is_guided == guided
    assert config.policy.preset == "qwen2.5-vl-3b"


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_no_setting_of_a_configuration_is_idle(name: str):
    assert CONFIGURATIONS[name]().training.idle_settings() == []


def test_a_cold_start_may_not_teach_what_the_learning_curve_asks():
    asked = TimerPOConfig(evaluation_prompts=8, evaluate_every=2)
    with pytest.raises(ValueError, match="the cold start would be taught the answers; set both to 8"):
        PipelineConfig(cold_start=ColdStartConfig(steps=1), training=asked)
    PipelineConfig(cold_start=ColdStartConfig(steps=1, evaluation_prompts=8), training=asked)
    PipelineConfig(training=asked)
