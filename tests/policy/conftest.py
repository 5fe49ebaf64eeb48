"""A freshly born nano policy, small and quick, for every test that needs real weights."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration

from anomseer_core.dialogue import format_response, prompt_text
from anomseer_core.policy.model import Policy, build_policy, load_policy, save_policy
from anomseer_core.policy.presets import build_nano_config, build_nano_image_processor
from anomseer_core.policy.prompts import PolicyProcessor, PromptBatch
from anomseer_core.policy.tokenizer import SPECIAL_TOKENS, train_tokenizer
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Series

CORPUS = [
    text
    for step in range(60)
    for text in (
        prompt_text(),
        format_response(f"Max |z| is 4.{step} near {step}; the period is 33.", [(step, step + 9)], AnomalyClass.TREND),
    )
]


@pytest.fixture(scope="session")
def nano_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nano")
    tokenizer = train_tokenizer(CORPUS, 400)
    token_ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    torch.manual_seed(0)
    # More ids than the tokenizer knows, as pretrained models have.
    model = Qwen2_5_VLForConditionalGeneration(build_nano_config(448, token_ids))
    policy = build_policy(model, PolicyProcessor(tokenizer, build_nano_image_processor()))
    save_policy(policy, folder, "born", {"seed": 0})
    return folder


@pytest.fixture(scope="session")
def policy(nano_folder: Path) -> Policy:
    return load_policy(nano_folder)


@pytest.fixture(scope="session")
def prompts(policy: Policy) -> PromptBatch:
    """Three prompts with different pictures."""
    waves = [np.sin(np.arange(200) * rate) for rate in (0.05, 0.2, 0.6)]
    return policy.processor.prompts([render(Series(id=str(index), values=wave)) for index, wave in enumerate(waves)])


@pytest.fixture(scope="session")
def unequal_prompts(policy: Policy) -> PromptBatch:
    """Three prompts; the first and the last have narrower pictures, hence padding on the left."""
    pictures = [render(Series(id=str(rate), values=np.sin(np.arange(200) * rate))) for rate in (0.05, 0.2, 0.6)]
    return policy.processor.prompts([pictures[0].resize((420, 124)), pictures[1], pictures[2].resize((308, 112))])


@pytest.fixture(scope="session")
def small_policy(policy: Policy) -> Policy:
    """Smaller than nano, for slow references; like the pretrained policies, and unlike nano, it has fewer key heads
    than query heads and a vision block with windows.
    """
    config = type(policy.model.config)(**policy.model.config.to_dict())
    text, vision = config.text_config, config.vision_config
    text.hidden_size, text.intermediate_size, text.num_hidden_layers = 128, 192, 2
    text.num_attention_heads, text.num_key_value_heads, text.layer_types = 2, 1, ["full_attention"] * 2
    vision.hidden_size, vision.out_hidden_size, vision.intermediate_size = 64, 128, 96
    vision.depth, vision.num_heads, vision.fullatt_block_indexes = 2, 2, [1]
    torch.manual_seed(1)
    model = Qwen2_5_VLForConditionalGeneration._from_config(config, attn_implementation="sdpa").eval()
    return build_policy(model, policy.processor)


@pytest.fixture(scope="session")
def double_policy(small_policy: Policy) -> Policy:
    """The same weights in double precision: what is left of a difference is one of method, not of rounding."""
    return replace(small_policy, model=copy.deepcopy(small_policy.model).double())
