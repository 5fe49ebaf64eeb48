"""A freshly born nano policy, small and quick, for every test that needs real weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from anomseer_core.dialogue import format_response, prompt_text
from anomseer_core.policy.model import Policy, build_policy, load_policy, save_policy
from anomseer_core.policy.presets import build_nano_config
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
    policy = build_policy(model, PolicyProcessor(tokenizer, Qwen2VLImageProcessorPil()))
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
