"""ZeRO stages and offload: three steps on two ranks end with the same weights, whatever the ranks share out."""

import json
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from anomseer_core.observer import SILENT
from anomseer_core.policy.birth import create_policy
from anomseer_core.policy.config import PolicyConfig, WeightsConfig
from anomseer_core.policy.model import load_policy, save_policy
from anomseer_core.policy.scoring import ResponseScorer
from anomseer_core.recipe import digest_json
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, TimerPOConfig
from anomseer_core.training.job import METRICS
from anomseer_core.training.stages import TrainingRecipe, cold_start, reinforce
from anomseer_core.training.trainee import training_mode
from anomseer_core.training.zero import read_settings, settings_name
from tests.training.conftest import TrainingInputs

STEPS = 3
WHOLE = LaunchConfig(ranks=2, zero_stage=0)
LEARNING_RATE = 1e-3
COLD_START = ColdStartConfig(steps=STEPS, batch_size=4, learning_rate=LEARNING_RATE)
# Slower: after one step at full speed all responses of a group are alike, and have no gradient; and two policies that
# differ by what AdamW makes of rounding are so close that they draw the same tokens.
SLOW_RATE = LEARNING_RATE / 50
TIMERPO = TimerPOConfig(steps=STEPS, prompts_per_step=4, group_size=6, max_response_tokens=12, learning_rate=SLOW_RATE)
# The default tests run the one that differs most from the others; the rest takes minutes.
LAUNCHES = [
    pytest.param(LaunchConfig(ranks=2, **fields), id="-".join(map(str, fields.values())), marks=marks)
    for fields, *marks in (
        ({"zero_stage": 3},),
        ({"zero_stage": 1}, pytest.mark.slow),
        ({"zero_stage": 2}, pytest.mark.slow),
        ({"zero_stage": 1, "offload": "optimizer"}, pytest.mark.slow),
        ({"zero_stage": 2, "offload": "optimizer"}, pytest.mark.slow),
        ({"zero_stage": 3, "offload": "optimizer"}, pytest.mark.slow),
        ({"zero_stage": 3, "offload": "parameters"}, pytest.mark.slow),
        ({"zero_stage": 3, "gradient_checkpointing": True}, pytest.mark.slow),
    )
]
# Seven of seven million weights; one was seen.
ASTRAY = 1e-6
ADAPTERS = WeightsConfig(lora_rank=4, lora_dropout=0.1)


class Trained(NamedTuple):
    """A checkpoint, and the norm of the gradient at each step towards it."""

    checkpoint: Artifact
    norms: list[float]


def train(stage, inputs, folder: Path, config, launch: LaunchConfig) -> Artifact:
    settings = launch.model_copy(update={"precision": "float32", "micro_responses": 3})
    arguments = {"policy": inputs.policy, "series": inputs.series, "traces": inputs.traces}
    return stage(ArtifactStore(folder), **arguments, config=config, launch=settings, observer=SILENT)


def gradient_norms(folder: Path) -> list[float]:
    (path,) = folder.glob(f"runs/*/{METRICS}")
    return [json.loads(line)["metrics"]["grad_norm"] for line in path.read_text().splitlines()]


def weights(checkpoint: Artifact) -> dict[str, torch.Tensor]:
    return load_file(checkpoint.file("model.safetensors"))


def assert_same_weights(
    checkpoint: Artifact, expected: Artifact, start: Artifact, rate: float, astray: float = 0.0
) -> None:
    """Sums over ranks are taken in another order: every tensor as a whole is right to a five-hundredth of its way, and
    every weight to a hundredth of the way that AdamW goes at most.

    AdamW divides by the size of a gradient: where that is rounding, `astray` of all weights may be off by more, up to a
    tenth of one step.
    """
    ours, theirs, before = weights(checkpoint), weights(expected), weights(start)
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert (ours[name] - tensor).norm() <= (tensor - before[name]).norm() / 500, name
        torch.testing.assert_close(ours[name], tensor, atol=rate / 10, rtol=0)
    off = torch.cat([(ours[name] - tensor).abs().flatten() for name, tensor in theirs.items()])
    assert (off > STEPS * rate / 100).sum() <= astray * off.numel()


@pytest.fixture(scope="module")
def taught(inputs, tmp_path_factory: pytest.TempPathFactory) -> TrainingInputs:
    """A policy that opens with `<think>`: responses that reason differ in their distance to the expert, and only a
    group whose members differ has a gradient."""
    policy = load_policy(inputs.policy.path)
    scorer = ResponseScorer(policy)
    prompts = policy.processor.prompts([Image.new("RGB", (805, 124), "white")])
    ids, mask = policy.processor.encode_responses(["<think>"], closed=False)
    optimizer = torch.optim.AdamW(policy.model.parameters(), lr=LEARNING_RATE)
    for _ in range(10):
        (-scorer(prompts, ids, mask, torch.tensor([0])).logprobs.sum()).backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("taught")
    save_policy(policy, folder / "policy", "taught", {})
    store = ArtifactStore(folder / "home")
    return replace(inputs, policy=create_policy(store, None, PolicyConfig(source=str(folder / "policy"))))


@pytest.fixture(scope="module")
def whole_timerpo(taught: TrainingInputs, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("zero0")
    checkpoint = train(reinforce, taught, folder, TIMERPO, WHOLE)
    assert min(gradient_norms(folder)) > 0.01, "without gradients all stages are equal"
    return Trained(checkpoint, gradient_norms(folder))


@pytest.mark.parametrize("launch", LAUNCHES)
def test_timerpo_ends_with_the_weights_of_stage_0(
    taught: TrainingInputs, whole_timerpo: Trained, tmp_path: Path, launch: LaunchConfig
) -> None:
    checkpoint = train(reinforce, taught, tmp_path, TIMERPO, launch)
    assert gradient_norms(tmp_path) == pytest.approx(whole_timerpo.norms, rel=1e-3)
    assert_same_weights(checkpoint, whole_timerpo.checkpoint, taught.policy, SLOW_RATE, ASTRAY)
    load_policy(checkpoint.path)


@pytest.mark.slow
def test_a_cold_start_at_stage_3_ends_with_the_weights_of_stage_0(inputs, tmp_path: Path) -> None:
    whole = train(cold_start, inputs, tmp_path / "0", COLD_START, WHOLE)
    shared_out = train(cold_start, inputs, tmp_path / "3", COLD_START, LaunchConfig(ranks=2, zero_stage=3))
    assert_same_weights(shared_out, whole, inputs.policy, LEARNING_RATE)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed")
def test_adapters_end_alike_and_are_merged(taught: TrainingInputs, tmp_path: Path) -> None:
    """Plain checkpoints of linear layers alone changed, at stage 3 with gradient checkpointing as at stage 0."""
    config = TIMERPO.model_copy(update={"weights": ADAPTERS})
    whole = train(reinforce, taught, tmp_path / "0", config, WHOLE)
    launch = LaunchConfig(ranks=2, zero_stage=3, gradient_checkpointing=True)
    assert_same_weights(
        train(reinforce, taught, tmp_path / "3", config, launch), whole, taught.policy, SLOW_RATE, ASTRAY
    )
    before, after = weights(taught.policy), weights(whole)
    assert set(after) == set(before)
    changed = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert changed
    linear = ("_proj.weight", ".qkv.weight", ".proj.weight", ".mlp.0.weight", ".mlp.2.weight")
    assert all(name.endswith(linear) for name in changed)
    assert "model.visual.patch_embed.proj.weight" not in changed


def test_every_launch_has_a_file_that_says_what_its_name_says() -> None:
    names = set()
    for stage, offload in [(0, "none"), *((stage, offload) for stage in (1, 2) for offload in ("none", "optimizer"))]:
        names.add(check_settings(LaunchConfig(zero_stage=stage, offload=offload)))
    names |= {check_settings(LaunchConfig(zero_stage=3, offload=what)) for what in ("none", "optimizer", "parameters")}
    assert {path.name for path in (files("infra") / "deepspeed").iterdir()} == names


def check_settings(launch: LaunchConfig) -> str:
    """What the file of a launch must say; returns its name."""
    zero = read_settings(launch)["zero_optimization"]
    assert zero["stage"] == launch.zero_stage
    assert ("offload_optimizer" in zero) == (launch.offload != "none")
    assert ("offload_param" in zero) == (launch.offload == "parameters")
    assert all(zero[part]["device"] == "cpu" for part in zero if part.startswith("offload"))
    return settings_name(launch)


def test_offload_needs_a_stage_that_shares_out() -> None:
    with pytest.raises(ValueError, match="offload 'optimizer' needs zero_stage 1 or higher, not 0"):
        LaunchConfig(zero_stage=0, offload="optimizer")
    with pytest.raises(ValueError, match="offload 'parameters' needs zero_stage 3 or higher, not 2"):
        LaunchConfig(zero_stage=2, offload="parameters")


def test_deepspeeds_own_settings_enter_the_recipe() -> None:
    recipes = [
        TrainingRecipe(method=COLD_START, launch=WHOLE, deepspeed=settings).model_dump(mode="json")
        for settings in (read_settings(WHOLE), read_settings(WHOLE) | {"prescale_gradients": True})
    ]
    assert digest_json(recipes[0]) != digest_json(recipes[1])


def test_what_is_dropped_follows_from_the_numbers_given() -> None:
    layer = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Dropout(0.5)).eval()
    inputs, state, outputs = torch.ones(4, 8), torch.get_rng_state(), []
    for step in (1, 1, 2):
        with training_mode(layer, 0, step):
            outputs.append(layer(inputs))
    assert torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert not layer.training
    assert torch.equal(torch.get_rng_state(), state)
