"""Pictures in, texts out: one batch through a policy, for the evaluation as for the server."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from anomseer_core.policy.direct import begin_responses, direct_beginning, empty_answer_token, whole_responses
from anomseer_core.policy.model import Policy
from anomseer_core.policy.precision import autocast
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.sampling import Responses, sample_responses, sampling_uniforms
from anomseer_core.policy.scoring import ResponseScorer


@dataclass(frozen=True)
class Sampling:
    """How a batch is decoded. temperature: 0 is greedy; seed: of the draws otherwise; direct: reasoning is skipped.

    told: with `direct`, the policy is told that there is an event, and may not answer without an interval.
    answers: to each picture; several are sampled.
    """

    temperature: float
    max_tokens: int
    seed: int = 0
    direct: bool = False
    told: bool = False
    answers: int = 1


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
    """`sampling.answers` to each picture, one picture after another, decoded together.

    names: of the pictures; draws depend on seed and name, not on the batch. conversations: each with one picture in
    it; our prompt if not given.
    """
    prompts = policy.processor.prompts(pictures, conversations).to(policy.device)
    with torch.inference_mode(), autocast(policy.device, precision):
        responses = _respond(policy, prompts, names, sampling)
    texts = policy.processor.decode_responses(responses.ids, responses.mask)
    rows = zip(
        texts,
        responses.lengths.tolist(),
        prompts.prompt_mask.sum(dim=1).repeat_interleave(sampling.answers).tolist(),
        responses.finished.tolist(),
        strict=True,
    )
    return [PictureAnswer(*row) for row in rows]


def normal_logprobs(policy: Policy, pictures: Sequence[Image.Image], precision: str) -> list[float]:
    """How sure the policy is of each picture that nothing is anomalous: the logarithm of the probability with which a
    direct answer goes on to name no interval.
    """
    beginning = direct_beginning(policy.processor, sys.maxsize)
    prompts = begin_responses(policy.processor.prompts(pictures).to(policy.device), beginning)
    ids = torch.full((len(pictures), 1), empty_answer_token(policy.processor, beginning), device=policy.device)
    index = torch.arange(len(pictures), device=policy.device)
    with torch.inference_mode(), autocast(policy.device, precision):
        scores = ResponseScorer(policy)(prompts, ids, torch.ones_like(ids, dtype=torch.bool), index)
    return [float(value) for value in scores.logprobs[:, 0]]


def _respond(policy: Policy, prompts: PromptBatch, names: Sequence[str], sampling: Sampling) -> Responses:
    beginning = direct_beginning(policy.processor, sampling.max_tokens) if sampling.direct else []
    max_tokens = sampling.max_tokens - len(beginning)
    warm = sampling.temperature > 0
    rest = sample_responses(
        policy,
        begin_responses(prompts, beginning) if beginning else prompts,
        max_tokens=max_tokens,
        uniforms=sampling_uniforms(sampling.seed, 0, names, sampling.answers, max_tokens) if warm else None,
        temperature=sampling.temperature or 1.0,
        not_first=[empty_answer_token(policy.processor, beginning)] if sampling.told else (),
    )
    return whole_responses(beginning, rest) if beginning else rest
