"""Which weights gradients reach, adapters that start from the policy itself, and their merging into plain weights."""

import importlib.util
from pathlib import Path

import pytest
import torch

from anomseer_core.policy.config import WeightsConfig
from anomseer_core.policy.model import Policy, load_policy, save_policy
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.scoring import ResponseScorer
from anomseer_core.policy.trained_weights import (
    adapters_switched_off,
    choose_weights,
    merge_adapters,
    require_adapters,
)

needs_peft = pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="peft is not installed")
LORA = WeightsConfig(lora_rank=4, lora_alpha=8)


def logprobs(policy: Policy, prompts: PromptBatch) -> torch.Tensor:
    ids, mask = policy.processor.encode_responses(["<think>A period of 33.</think>"])
    return ResponseScorer(policy)(prompts.slice(0, 1), ids, mask, torch.tensor([0])).logprobs


def trained_names(policy: Policy) -> list[str]:
    return [name for name, weight in policy.model.named_parameters() if weight.requires_grad]


@pytest.fixture
def fresh(nano_folder: Path) -> Policy:
    return load_policy(nano_folder)


def test_every_weight_is_trained_unless_the_vision_tower_is_frozen(fresh: Policy) -> None:
    everything = [name for name, _ in fresh.model.named_parameters()]
    choose_weights(fresh.model, WeightsConfig(), seed=0)
    assert trained_names(fresh) == everything
    choose_weights(fresh.model, WeightsConfig(vision_tower="frozen"), seed=0)
    assert trained_names(fresh) == [name for name in everything if not name.startswith("model.visual.")]


def test_a_frozen_vision_tower_gets_no_gradient(fresh: Policy, prompts: PromptBatch) -> None:
    choose_weights(fresh.model, WeightsConfig(vision_tower="frozen"), seed=0)
    logprobs(fresh, prompts).sum().backward()
    reached = {name for name, weight in fresh.model.named_parameters() if weight.grad is not None}
    assert reached == set(trained_names(fresh))


def test_gradient_checkpointing_changes_no_gradient(fresh: Policy, nano_folder: Path, prompts: PromptBatch) -> None:
    again = load_policy(nano_folder)
    again.model.activation_checkpointing_enable({"use_reentrant": False})
    again.model.train()
    for policy in (fresh, again):
        logprobs(policy, prompts).sum().backward()
    for ours, theirs in zip(again.model.parameters(), fresh.model.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-4)


def test_merging_adds_the_scaled_product_and_drops_the_adapters() -> None:
    # alpha / rank = 8 / 4 = 2; B A = [[1], [2]] [[3, 4]] = [[3, 4], [6, 8]]; 1 + 2 B A.
    weights = {
        "a.base_layer.weight": torch.ones(2, 2, dtype=torch.float64),
        "a.base_layer.bias": torch.tensor([5.0, 6.0], dtype=torch.float64),
        "a.lora_A.default.weight": torch.tensor([[3.0, 4.0]], dtype=torch.float64),
        "a.lora_B.default.weight": torch.tensor([[1.0], [2.0]], dtype=torch.float64),
        "b.weight": torch.zeros(1, dtype=torch.float64),
    }
    merged = merge_adapters(weights, LORA)
    assert {name: weight.tolist() for name, weight in merged.items()} == {
        "a.weight": [[7, 9], [13, 17]],
        "a.bias": [5, 6],
        "b.weight": [0],
    }


def test_weights_without_adapters_are_left_alone() -> None:
    weights = {"a.weight": torch.ones(2)}
    assert merge_adapters(weights, WeightsConfig()) == weights


def test_a_missing_package_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anomseer_core.policy.trained_weights.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"lora_rank = 4 needs the package peft: pip install 'anomseer\[lora\]', or"):
        require_adapters(LORA)
    require_adapters(WeightsConfig())


@needs_peft
@pytest.mark.parametrize("vision_tower", ["trained", "frozen"])
def test_adapters_start_from_the_policy_and_alone_are_trained(
    fresh: Policy, prompts: PromptBatch, vision_tower: str
) -> None:
    before = logprobs(fresh, prompts)
    choose_weights(fresh.model, LORA.model_copy(update={"vision_tower": vision_tower}), seed=0)
    assert torch.equal(logprobs(fresh, prompts), before)
    names = trained_names(fresh)
    assert all("lora_" in name for name in names)
    # Seven linear layers in each of 4 language blocks; 5 in each of 4 vision blocks and 2 behind them; two matrices.
    assert len(names) == 2 * (4 * 7 + (4 * 5 + 2 if vision_tower == "trained" else 0))


@needs_peft
def test_adapters_follow_from_their_seed(nano_folder: Path) -> None:
    first, second, third = (load_policy(nano_folder) for _ in range(3))
    for policy, seed in ((first, 1), (second, 1), (third, 2)):
        torch.rand(seed)
        choose_weights(policy.model, LORA, seed)
    name = next(name for name in trained_names(first) if "lora_A" in name)
    one, two, other = (policy.model.get_parameter(name) for policy in (first, second, third))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@needs_peft
def test_merged_adapters_answer_alike_and_switched_off_they_leave_no_trace(
    fresh: Policy, prompts: PromptBatch, tmp_path: Path
) -> None:
    before = logprobs(fresh, prompts)
    choose_weights(fresh.model, LORA, seed=0)
    names = trained_names(fresh)
    with torch.no_grad():
        for name in names:
            fresh.model.get_parameter(name).normal_(std=0.05)
    adapted = logprobs(fresh, prompts)
    assert not torch.allclose(adapted, before, atol=1e-3)
    with adapters_switched_off(fresh.model):
        assert torch.equal(logprobs(fresh, prompts), before)
    assert trained_names(fresh) == names
    assert torch.equal(logprobs(fresh, prompts), adapted)
    weights = {name: weight.detach() for name, weight in fresh.model.named_parameters()}
    save_policy(fresh, tmp_path / "merged", "merged", {}, weights=merge_adapters(weights, LORA))
    merged = load_policy(tmp_path / "merged")
    assert not any("lora" in name for name, _ in merged.model.named_parameters())
    torch.testing.assert_close(logprobs(merged, prompts), adapted, atol=1e-4, rtol=1e-4)


@needs_peft
def test_nothing_is_dropped_before_the_first_update(fresh: Policy) -> None:
    """A resumed run samples first."""
    choose_weights(fresh.model, LORA.model_copy(update={"lora_dropout": 0.5}), seed=0)
    assert not any(module.training for module in fresh.model.modules())
