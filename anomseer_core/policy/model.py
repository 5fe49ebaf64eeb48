"""A policy in memory: model, processor, and what may be sampled. Loaded from a Hugging Face folder, saved as one."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForImageTextToText, PreTrainedModel

from anomseer_core.policy.attention import use_grouped_attention
from anomseer_core.policy.card import build_card, read_card, warn_about_drift, write_card
from anomseer_core.policy.folder import require_weights
from anomseer_core.policy.patch_embedding import use_linear_patch_embedding
from anomseer_core.policy.prompts import PolicyProcessor
from anomseer_core.policy.rms_norm import use_fused_rms_norm

log = logging.getLogger(__name__)
# Progress bars of half a second garble a log that is read line by line.
transformers.logging.disable_progress_bar()


@dataclass(frozen=True)
class Policy:
    """forbidden: token ids whose logits are suppressed, the same way in sampling and in scoring."""

    model: PreTrainedModel
    processor: PolicyProcessor
    forbidden: torch.Tensor

    @property
    def device(self) -> torch.device:
        return self.model.device


def build_policy(model: PreTrainedModel, processor: PolicyProcessor) -> Policy:
    use_linear_patch_embedding(model)
    use_fused_rms_norm(model)
    use_grouped_attention(model)
    forbidden = processor.forbidden_token_ids(model.config.text_config.vocab_size)
    return Policy(model, processor, torch.tensor(forbidden))


def load_policy(
    folder: Path | str, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> Policy:
    """Load a checkpoint folder, warning when this code draws, prompts or parses unlike the code that trained it.

    Raises FileNotFoundError or ValueError naming the file when it is not a whole checkpoint.
    """
    folder = Path(folder)
    require_weights(folder)
    card = read_card(folder)
    if card:
        warn_about_drift(card, log)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa")
    return build_policy(model.to(device), PolicyProcessor.load(folder))


def save_policy(policy: Policy, folder: Path, stage: str, facts: Mapping[str, Any], parent: Path | None = None) -> None:
    """Write a Hugging Face folder and its card; `facts` say how the policy came to be, `parent` from which folder."""
    folder.mkdir(parents=True, exist_ok=True)
    policy.model.save_pretrained(folder)
    policy.processor.save(folder)
    size = {"parameters": count_parameters(policy.model)}
    write_card(build_card(stage, {**facts, **size}, folder, parent), folder)


def count_parameters(model: PreTrainedModel) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
