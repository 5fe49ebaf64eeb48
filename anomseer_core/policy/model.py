"""A policy in memory: model, processor, and what may be sampled. Loaded from a Hugging Face folder, saved as one.

Cards and processors are imported by the functions that read and write folders: they draw, and a benchmark of the model
alone needs no plotting library.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from transformers import AutoModelForImageTextToText, PreTrainedModel

from anomseer_core.policy.attention import use_grouped_attention
from anomseer_core.policy.folder import require_loaded, require_weights
from anomseer_core.policy.patch_embedding import use_linear_patch_embedding
from anomseer_core.policy.rms_norm import use_fused_rms_norm

if TYPE_CHECKING:
    from anomseer_core.policy.prompts import PolicyProcessor

log = logging.getLogger(__name__)
# Progress bars of half a second garble a log that is read line by line.
transformers.logging.disable_progress_bar()


@dataclass(frozen=True)
class Policy:
    """forbidden: token ids whose logits are suppressed, the same way in sampling and in scoring."""

    model: PreTrainedModel
    processor: "PolicyProcessor"
    forbidden: torch.Tensor

    @property
    def device(self) -> torch.device:
        return self.model.device


def build_policy(model: PreTrainedModel, processor: "PolicyProcessor") -> Policy:
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
    from anomseer_core.policy.card import read_card, warn_about_drift
    from anomseer_core.policy.prompts import PolicyProcessor

    folder = Path(folder)
    require_weights(folder)
    card = read_card(folder)
    if card:
        warn_about_drift(card, log)
    model, loading_info = AutoModelForImageTextToText.from_pretrained(
        folder, dtype=dtype, attn_implementation="sdpa", ignore_mismatched_sizes=True, output_loading_info=True
    )
    require_loaded(folder, loading_info)
    return build_policy(model.to(device), PolicyProcessor.load(folder))


def save_policy(
    policy: Policy,
    folder: Path,
    stage: str,
    facts: Mapping[str, Any],
    parent: Path | None = None,
    weights: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write a Hugging Face folder and its card; `facts` say how the policy came to be, `parent` from which folder.

    weights: by name, a tied one once; the model's own where they are not given.
    """
    from anomseer_core.policy.card import build_card, write_card

    folder.mkdir(parents=True, exist_ok=True)
    weights = dict(weights or policy.model.named_parameters())
    policy.model.save_pretrained(folder, state_dict=weights)
    policy.processor.save(folder)
    size = {"parameters": sum(weight.numel() for weight in weights.values())}
    write_card(build_card(stage, {**facts, **size}, folder, parent), folder)


def count_parameters(model: PreTrainedModel) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
