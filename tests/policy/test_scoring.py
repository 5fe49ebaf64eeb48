"""Log-probabilities, entropies and states against transformers' own forward pass, and against padding."""

from dataclasses import replace

import pytest
import torch

from anomseer_core.policy.model import Policy
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.scoring import ResponseScorer, suppress

TEXTS = ["<think>A period of 33.</think>", "<answer>[[1, 2]]</answer>", "normal"]


def score(policy: Policy, prompts: PromptBatch, texts: list[str], index: list[int]):
    ids, mask = policy.processor.encode_responses(texts)
    with torch.no_grad():
        return ResponseScorer(policy)(prompts, ids, mask, torch.tensor(index)), ids, mask


def test_scores_equal_the_models_own_forward(policy: Policy, prompts: PromptBatch) -> None:
    scores, ids, mask = score(policy, prompts, TEXTS, [0, 1, 2])
    for row in range(3):
        count = int(mask[row].sum())
        single = prompts.slice(row, row + 1)
        inputs = torch.cat([single.input_ids, ids[row : row + 1, :count]], dim=1)
        with torch.no_grad():
            outputs = policy.model(
                input_ids=inputs,
                attention_mask=torch.ones_like(inputs),
                pixel_values=single.pixel_values,
                image_grid_thw=single.image_grid,
                mm_token_type_ids=(inputs == policy.processor.image_token_id).int(),
                output_hidden_states=True,
            )
        length = single.input_ids.shape[1]
        expected = suppress(outputs.logits[0, length - 1 : -1], policy.forbidden).log_softmax(-1)
        chosen = expected.gather(-1, ids[row, :count].unsqueeze(-1)).squeeze(-1)
        torch.testing.assert_close(scores.logprobs[row, :count], chosen, atol=1e-4, rtol=1e-4)
        states = outputs.hidden_states[-1][0, length:]
        torch.testing.assert_close(scores.states[row, :count], states, atol=1e-4, rtol=1e-4)
        probabilities = expected.exp()
        entropy = -(probabilities * expected.nan_to_num(neginf=0.0)).sum(-1)
        torch.testing.assert_close(scores.entropy[row, :count], entropy, atol=1e-4, rtol=1e-4)


def test_padding_and_batch_composition_change_nothing(policy: Policy, prompts: PromptBatch) -> None:
    together, _, mask = score(policy, prompts, [*TEXTS, TEXTS[0]], [0, 1, 2, 1])
    padded = replace(
        prompts,
        input_ids=torch.nn.functional.pad(prompts.input_ids, (5, 0), value=policy.processor.tokenizer.pad_token_id),
        prompt_mask=torch.nn.functional.pad(prompts.prompt_mask, (5, 0), value=False),
    )
    shifted, _, _ = score(policy, padded, [*TEXTS, TEXTS[0]], [0, 1, 2, 1])
    alone, _, _ = score(policy, prompts.slice(2, 3), TEXTS[2:], [0])
    torch.testing.assert_close(shifted.logprobs[mask], together.logprobs[mask], atol=1e-4, rtol=1e-4)
    count = int(mask[2].sum())
    torch.testing.assert_close(alone.logprobs[0, :count], together.logprobs[2, :count], atol=1e-4, rtol=1e-4)


def test_the_picture_matters(policy: Policy, prompts: PromptBatch) -> None:
    scores, _, mask = score(policy, prompts, [TEXTS[0]] * 2, [0, 1])
    assert not torch.allclose(scores.logprobs[0][mask[0]], scores.logprobs[1][mask[1]])


def test_forbidden_ids_have_no_probability(policy: Policy) -> None:
    logits = torch.full((1, 448), 3.0)
    probabilities = suppress(logits, policy.forbidden).softmax(-1)[0]
    allowed = 448 - len(policy.forbidden)
    # All allowed logits are equal: each id has probability 1 / allowed.
    assert probabilities[policy.forbidden].sum() == 0
    assert probabilities.max().item() == pytest.approx(1 / allowed)
    assert policy.processor.stop_token_id not in policy.forbidden.tolist()
    assert policy.processor.image_token_id in policy.forbidden.tolist()
    assert 447 in policy.forbidden.tolist()


def test_the_entropy_carries_a_gradient(policy: Policy, prompts: PromptBatch) -> None:
    """The authors' entropy bonus needs one."""
    ids, mask = policy.processor.encode_responses(TEXTS)
    ResponseScorer(policy)(prompts, ids, mask, torch.arange(3)).entropy[mask].sum().backward()
    assert sum(float(parameter.grad.norm()) for parameter in policy.model.lm_head.parameters()) > 0
    policy.model.zero_grad()


def test_padding_has_log_probability_zero_and_finite_gradients(policy: Policy, prompts: PromptBatch) -> None:
    ids, mask = policy.processor.encode_responses(["short", TEXTS[0]])
    scores = ResponseScorer(policy)(prompts, ids, mask, torch.tensor([0, 1]))
    assert (scores.logprobs[~mask] == 0).all()
    scores.logprobs.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in policy.model.parameters() if parameter.grad is not None)
    policy.model.zero_grad()
