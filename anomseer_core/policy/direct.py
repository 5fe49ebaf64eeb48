"""Answers without reasoning: a response is begun for the policy, `<think></think>` and the opening of its answer.

The tokens that are forced are those with which every direct answer begins, and no more: a tokenizer may write the
bracket after `<answer` and the first bracket of the list as one token, so that a bracket forced alone would be text
that the policy was never taught. They are part of the response, in its text, its length and its limit.

They reach the model as the end of the prompt, in one pass instead of one for each.
"""

import torch

from anomseer_core.dialogue import format_response
from anomseer_core.policy.prompts import PolicyProcessor, PromptBatch
from anomseer_core.policy.sampling import Responses
from anomseer_core.series import AnomalyClass

# One answer of each kind: none, one digit, several digits and pairs.
ANSWERS = (
    format_response("", [], AnomalyClass.NORMAL),
    format_response("", [(3, 9)], AnomalyClass.TREND),
    format_response("", [(120, 400), (510, 600)], AnomalyClass.SHAPELET),
)


def direct_beginning(processor: PolicyProcessor, max_tokens: int) -> list[int]:
    """The ids with which every direct answer begins. Raises ValueError where a response of `max_tokens` ends in them.

    max_tokens: of the whole response, these included.
    """
    rows = [processor.tokenizer(text, add_special_tokens=False)["input_ids"] for text in ANSWERS]
    beginning: list[int] = []
    for first, *others in zip(*rows, strict=False):
        if any(token != first for token in others):
            break
        beginning.append(first)
    if len(beginning) >= max_tokens:
        raise ValueError(
            f"max_response_tokens = {max_tokens} leaves nothing to answer: with reasoning skipped, {len(beginning)} "
            "tokens are written for the policy"
        )
    return beginning


def empty_answer_token(processor: PolicyProcessor, beginning: list[int]) -> int:
    """The id behind that beginning with which the answer without an interval goes on, and no other does."""
    row: list[int] = processor.tokenizer(ANSWERS[0], add_special_tokens=False)["input_ids"]
    return row[len(beginning)]


def begin_responses(prompts: PromptBatch, beginning: list[int]) -> PromptBatch:
    """The prompts with the beginning of a response after each."""
    ids = prompts.input_ids.new_tensor(beginning).expand(len(prompts), -1)
    mask = prompts.prompt_mask.new_ones(ids.shape)
    return PromptBatch(
        torch.cat([prompts.input_ids, ids], dim=1),
        torch.cat([prompts.prompt_mask, mask], dim=1),
        prompts.pixel_values,
        prompts.image_grid,
    )


def whole_responses(beginning: list[int], rest: Responses) -> Responses:
    """The beginning and what the policy went on with, as responses."""
    ids = rest.ids.new_tensor(beginning).expand(len(rest.ids), -1)
    mask = rest.mask.new_ones(ids.shape)
    return Responses(torch.cat([ids, rest.ids], dim=1), torch.cat([mask, rest.mask], dim=1), rest.finished)
