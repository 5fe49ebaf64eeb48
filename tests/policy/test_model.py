"""Loading, the linear patch embedding, the card, and the tokenizer."""

import logging
import shutil
from pathlib import Path

import pytest
import torch

from anomseer_core.policy.card import read_card, surroundings_digests, write_card
from anomseer_core.policy.model import Policy, load_policy
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.tokenizer import train_tokenizer


def test_linear_patch_embedding_equals_the_convolution(policy: Policy, prompts: PromptBatch) -> None:
    embedding = policy.model.model.visual.patch_embed
    convolution = embedding.proj
    patches = prompts.pixel_values[:100]
    with torch.no_grad():
        convolved = type(convolution).forward(convolution, patches.view(-1, 3, 1, 28, 28)).flatten(1)
        torch.testing.assert_close(embedding(patches), convolved, atol=1e-5, rtol=1e-5)


def test_fused_norms_equal_the_elementwise_ones(policy: Policy) -> None:
    norm = policy.model.model.language_model.norm
    states = (torch.randn(7, 3, 256, generator=torch.Generator().manual_seed(0)) * 5).requires_grad_()
    values, gradients = [], []
    for forward in (norm, lambda inputs: type(norm).forward(norm, inputs)):
        result = forward(states)
        values.append(result)
        gradients.append(torch.autograd.grad(result.sin().sum(), [states, norm.weight]))
    torch.testing.assert_close(*values, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-5)


def test_a_norm_of_bfloat16_states_is_in_the_weights_type(policy: Policy) -> None:
    norm = policy.model.model.language_model.norm
    states = torch.randn(7, 256, generator=torch.Generator().manual_seed(0)).bfloat16()
    with torch.no_grad():
        fused, elementwise = norm(states), type(norm).forward(norm, states)
    assert fused.dtype == elementwise.dtype == torch.float32
    # transformers rounds to bfloat16 in between, 8 bits.
    torch.testing.assert_close(fused, elementwise, atol=0, rtol=2**-8)


def test_a_folder_without_weights_is_refused_by_name(nano_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "half"
    shutil.copytree(nano_folder, copy, ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(FileNotFoundError, match=r"half holds no \*.safetensors"):
        load_policy(copy)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_policy(tmp_path / "nowhere")


def test_the_card_says_what_the_policy_was_trained_with(nano_folder: Path) -> None:
    card = read_card(nano_folder)
    assert card["stage"] == "born"
    assert card["parameters"] > 5_000_000
    assert card["digests"].items() >= surroundings_digests().items()
    assert set(card["digests"]) == {"renderer", "prompt", "grammar", "tokenizer"}


def test_drift_is_warned_about(nano_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    copy = tmp_path / "drifted"
    shutil.copytree(nano_folder, copy)
    card = read_card(copy)
    card["digests"]["prompt"] = "0" * 64
    write_card(card, copy)
    with caplog.at_level(logging.WARNING):
        load_policy(copy)
    assert "the prompt has changed since this checkpoint was trained" in caplog.text
    assert "renderer" not in caplog.text


def test_the_tokenizer_spells_numbers_digit_by_digit() -> None:
    tokenizer = train_tokenizer(["a period of 1234 samples"] * 50, 400)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("1234")["input_ids"])
    assert pieces == ["1", "2", "3", "4"]


def test_the_tokenizer_is_deterministic_and_lossless() -> None:
    texts = ["Max |z| is 4.5 at 120", "period 33, discord at 871"] * 20
    first, second = train_tokenizer(texts, 380), train_tokenizer(texts, 380)
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str()
    for text in ("tabs\tand\nlines", "\u00fcber \u2192 3.14", "  spaces  "):
        assert first.decode(first(text)["input_ids"]) == text
