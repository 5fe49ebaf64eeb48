"""Pictures in, texts out: one batch through a policy, for the evaluation as for the server."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image

from anomseer_core.policy.closing import closed_list
from anomseer_core.policy.direct import begin_responses, direct_beginning, empty_answer_token, whole_responses
from anomseer_core.policy.model import Policy
from anomseer_core.policy.precision import autocast
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.sampling import sample_responses, sampling_uniforms
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
        answers = _respond(policy, prompts, names, sampling)
        return [_closed(policy, prompts, names, sampling, row, answer) for row, answer in enumerate(answers)]


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


def _respond(policy: Policy, prompts: PromptBatch, names: Sequence[str], sampling: Sampling) -> list[PictureAnswer]:
    beginning = direct_beginning(policy.processor, sampling.max_tokens) if sampling.direct else []
    room = sampling.max_tokens - len(beginning)
    uniforms = sampling_uniforms(sampling.seed, 0, names, sampling.answers, room) if sampling.temperature else None
    not_first = [empty_answer_token(policy.processor, beginning)] if sampling.told else ()
    return _go_on(policy, prompts, beginning, uniforms, sampling, not_first)


def _closed(
    policy: Policy, prompts: PromptBatch, names: Sequence[str], sampling: Sampling, row: int, answer: PictureAnswer
) -> PictureAnswer:
    """The answer of that row; one whose list is left open goes on from the closed list, where the limit leaves room."""
    closed = closed_list(answer.text)
    beginning = policy.processor.tokenizer(closed, add_special_tokens=False)["input_ids"] if closed else []
    room = sampling.max_tokens - len(beginning)
    if not beginning or room < 1:
        return answer
    picture, draw = divmod(row, sampling.answers)
    uniforms = None
    if sampling.temperature:
        # Other numbers than those that the open list was drawn by.
        uniforms = sampling_uniforms(sampling.seed, 1, [names[picture]], sampling.answers, room)[draw : draw + 1]
    (answer,) = _go_on(policy, prompts.slice(picture, picture + 1), beginning, uniforms, sampling)
    return answer


def _go_on(
    policy: Policy,
    prompts: PromptBatch,
    beginning: list[int],
    uniforms: np.ndarray | None,
    sampling: Sampling,
    not_first: Sequence[int] = (),
) -> list[PictureAnswer]:
    """Responses that begin so. uniforms: a row for each, or None for greedy ones; not_first: ids none goes on with."""
    rest = sample_responses(
        policy,
        begin_responses(prompts, beginning),
        max_tokens=sampling.max_tokens - len(beginning),
        uniforms=uniforms,
        temperature=sampling.temperature or 1.0,
        not_first=not_first,
    )
    responses = whole_responses(beginning, rest)
    rows = zip(
        policy.processor.decode_responses(responses.ids, responses.mask),
        responses.lengths.tolist(),
        prompts.prompt_mask.sum(dim=1).repeat_interleave(len(rest.ids) // len(prompts)).tolist(),
        responses.finished.tolist(),
        strict=True,
    )
    return [PictureAnswer(*row) for row in rows]
