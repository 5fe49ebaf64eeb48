"""Pictures in, texts out: one batch through a policy, for the evaluation as for the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from anomseer_core.policy.model import Policy
from anomseer_core.policy.precision import autocast
from anomseer_core.policy.sampling import sample_responses, sampling_uniforms


@dataclass(frozen=True)
class Sampling:
    """How a batch is decoded. temperature: 0 is greedy; seed: of the draws otherwise."""

    temperature: float
    max_tokens: int
    seed: int = 0


@dataclass(frozen=True)
class PictureAnswer:
    """A response with its length and that of its prompt [tokens]; finished: False where the limit cut it."""

    text: str
    tokens: int
    prompt_tokens: int
    finished: bool


def answer_pictures(
    policy: Policy,
    pictures: Sequence[Image.Image],
    names: Sequence[str],
    sampling: Sampling,
    precision: str,
    conversations: Sequence[list[dict[str, Any]]] | None = None,
) -> list[PictureAnswer]:
    """One answer per picture, decoded together.

    names: of the pictures; draws depend on seed and name, not on the batch. conversations: each with one picture in
    it; our prompt if not given.
    """
    prompts = policy.processor.prompts(pictures, conversations).to(policy.device)
    uniforms = None
    if sampling.temperature > 0:
        uniforms = sampling_uniforms(sampling.seed, 0, names, 1, sampling.max_tokens)
    with torch.inference_mode(), autocast(policy.device, precision):
        responses = sample_responses(
            policy,
            prompts,
            max_tokens=sampling.max_tokens,
            uniforms=uniforms,
            temperature=sampling.temperature or 1.0,
        )
    texts = policy.processor.decode_responses(responses.ids, responses.mask)
    rows = zip(
        texts,
        responses.lengths.tolist(),
        prompts.prompt_mask.sum(dim=1).tolist(),
        responses.finished.tolist(),
        strict=True,
    )
    return [PictureAnswer(*row) for row in rows]
