"""ZeRO stages and offload: three steps on two ranks end with the same weights, whatever the ranks share out."""

from importlib.resources import files
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from anomseer_core.observer import SILENT
from anomseer_core.policy.model import load_policy
from anomseer_core.recipe import digest_json
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, TimerPOConfig
from anomseer_core.training.stages import cold_start, reinforce
from anomseer_core.training.zero import read_settings, settings_name

STEPS = 3
LEARNING_RATE = 1e-3
COLD_START = ColdStartConfig(steps=STEPS, batch_size=4, learning_rate=LEARNING_RATE)
TIMERPO = TimerPOConfig(
    steps=STEPS, prompts_per_step=4, group_size=3, max_response_tokens=12, learning_rate=LEARNING_RATE
)
# Sums over ranks are taken in another order: a hundredth of the way that AdamW goes at most.
TOLERANCE = STEPS * LEARNING_RATE / 100
SHARED_OUT = [
    (1, "none"),
    (2, "none"),
    (3, "none"),
    (1, "optimizer"),
    (2, "optimizer"),
    (3, "optimizer"),
    (3, "parameters"),
]


def train(stage, inputs, folder: Path, config, **launch) -> Artifact:
    settings = LaunchConfig(**{"ranks": 2, "precision": "float32", "micro_responses": 3} | launch)
    arguments = {"policy": inputs.policy, "series": inputs.series, "traces": inputs.traces}
    return stage(ArtifactStore(folder), **arguments, config=config, launch=settings, observer=SILENT)


def weights(checkpoint: Artifact) -> dict[str, torch.Tensor]:
    return load_file(checkpoint.file("model.safetensors"))


def assert_same_weights(checkpoint: Artifact, expected: Artifact) -> None:
    ours, theirs = weights(checkpoint), weights(expected)
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, atol=TOLERANCE, rtol=0)


@pytest.fixture(scope="module")
def whole_timerpo(inputs, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return train(reinforce, inputs, tmp_path_factory.mktemp("zero0"), TIMERPO, zero_stage=0)


@pytest.fixture(scope="module")
def whole_cold_start(inputs, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return train(cold_start, inputs, tmp_path_factory.mktemp("zero0"), COLD_START, zero_stage=0)


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "offload"), SHARED_OUT)
def test_timerpo_ends_with_the_weights_of_stage_0(
    inputs, whole_timerpo: Artifact, tmp_path: Path, stage: int, offload: str
) -> None:
    shared_out = train(reinforce, inputs, tmp_path, TIMERPO, zero_stage=stage, offload=offload)
    assert_same_weights(shared_out, whole_timerpo)
    load_policy(shared_out.path)
