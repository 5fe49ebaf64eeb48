"""What each step of a cold start teaches, and the batches it is taught in.

A policy born from random weights learns in this order, each part a number of steps (0 leaves it out): where anomalies
begin and end, on its image tokens alone (`borders.py`); then answers without reasoning; then reasoning and answers.
What comes later needs what came before, and the first part reads no text at all: a step takes less than half of the
time. Where texts begin to be taught, the optimiser's moments start over and the learning rate rises again
(`engine.forget_moments`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from anomseer_core.training.borders import BorderTargets, border_targets
from anomseer_core.training.config import ColdStartConfig
from anomseer_core.training.examples import Example

if TYPE_CHECKING:
    from anomseer_core.policy.prompts import PolicyProcessor, PromptBatch


@dataclass(frozen=True)
class Lesson:
    """answers: whether responses are taught, or borders alone. direct: bool [batch], answers without reasoning."""

    answers: bool
    direct: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Examples as tensors: ids and mask [B, N] of their responses; targets where borders are taught."""

    prompts: "PromptBatch"
    ids: torch.Tensor
    mask: torch.Tensor
    index: torch.Tensor
    targets: BorderTargets | None

    def __len__(self) -> int:
        return len(self.ids)


def lesson_of(config: ColdStartConfig, step: int) -> Lesson:
    """What a 0-based step teaches: a function of the step alone, so that a resumed run needs no stored state."""
    answers_from = config.borders.alone_steps
    if step < answers_from + config.direct_steps:
        direct = np.ones(config.batch_size, dtype=bool)
    else:
        # A stream of its own: the order of the examples has [seed, epoch].
        direct = np.random.default_rng([config.seed, step, 1]).random(config.batch_size) < config.direct_share
    return Lesson(step >= answers_from, direct)


def build_batch(
    processor: "PolicyProcessor",
    examples: Sequence[Example],
    direct: Sequence[bool],
    device: torch.device,
    *,
    borders: bool,
) -> Batch:
    prompts = processor.prompts([example.picture() for example in examples]).to(device)
    targets = [
        example.direct_target if is_direct else example.target
        for example, is_direct in zip(examples, direct, strict=True)
    ]
    ids, mask = processor.encode_responses(targets)
    index = torch.arange(len(examples), device=device)
    taught = border_targets(examples).to(device) if borders else None
    return Batch(prompts, ids.to(device), mask.to(device), index, taught)
