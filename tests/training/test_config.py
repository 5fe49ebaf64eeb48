"""Settings that contradict each other are refused, and those that nothing feels are told."""

import pytest
from pydantic import ValidationError

from anomseer_core.policy.config import WeightsConfig
from anomseer_core.training.config import ColdStartConfig, TimerPOConfig, TransportConfig


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            lambda: TransportConfig(alignment="cosine", iterations=9),
            "iterations has no effect under alignment",
        ),
        (lambda: TransportConfig(alignment="clip", regularisation=0.5), "regularisation has no effect under alignment"),
        (lambda: TimerPOConfig(integration="none", alpha=0.5), "alpha = 0.5 has no effect under integration = none"),
        (lambda: TimerPOConfig(kl_cap=10, kl_weight=0), "kl_cap = 10.0 has no effect with kl_weight = 0"),
        (lambda: TimerPOConfig(evaluate_every=5), "evaluate_every = 5 has nothing to ask; set evaluation"),
        (
            lambda: ColdStartConfig(evaluate_every=5),
            "evaluate_every = 5 has nothing to ask; set evaluation",
        ),
    ],
)
def test_a_setting_without_effect_is_refused(make, line):
    with pytest.raises(ValidationError, match=line):
        make()


def test_what_has_an_effect_is_not():
    assert TransportConfig(alignment="transport", iterations=9, regularisation=0.5).iterations == 9
    assert not TimerPOConfig(integration="none", alpha=0.0).is_guided
    assert not TimerPOConfig(integration="none").is_guided
    assert TimerPOConfig(integration="pcgrad").is_guided
    assert TimerPOConfig(evaluation_prompts=8).evaluate_every == 0


def test_idle_settings_are_told():
    assert TimerPOConfig().idle_settings() == []
    idle = TimerPOConfig(alpha=0.0, transport=TransportConfig(tau=1.0, marginals="uniform"), clip=0.1).idle_settings()
    assert [line.split(":")[-1].strip() for line in idle] == ["marginals, tau", "every ratio is 1"]
    assert TimerPOConfig(clip=0.1, mini_batches=2).idle_settings() == []
    (line,) = TimerPOConfig(alpha=0.0, integration="pcgrad").idle_settings()
    assert line == "integration = pcgrad has no effect with alpha = 0"


def test_defaults_are_table_4():
    """Paper, Table 4 and section 5; `paper` is these defaults on Qwen2.5-VL-3B."""
    config = TimerPOConfig()
    assert (config.max_response_tokens, config.prompts_per_step, config.mini_batches) == (1024, 128, 1)
    assert (config.kl_weight, config.group_size, config.learning_rate, config.clip) == (0.001, 5, 1e-6, 0.2)
    assert (config.rewards.format, config.rewards.classification, config.rewards.location) == (0.1, 0.2, 0.7)
    assert config.alpha == 0.3
    assert (config.integration, config.normalisation, config.loss_mean) == ("orthogonal", "z_score", "response")
    assert (config.entropy_weight, config.kl_cap, config.transport.response_side) == (0.0, 0.0, "reasoning")


def test_what_shapes_adapters_needs_adapters():
    with pytest.raises(ValueError, match="lora_alpha has no effect with lora_rank = 0; set lora_rank too"):
        WeightsConfig(lora_alpha=64)
    assert WeightsConfig(lora_rank=8, lora_alpha=64).lora_rank == 8
