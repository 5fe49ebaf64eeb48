"""Log-probabilities, entropies and states against transformers' own forward pass, and against padding."""

from dataclasses import replace

import pytest
import torch

from anomseer_core.policy import scoring
from anomseer_core.policy.model import Policy
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.scoring import ResponseScorer, suppress
from tests import naive_policy

TEXTS = ["<think>A period of 33.</think>", "<answer>[[1, 2]]</answer>", "normal"]


def score(policy: Policy, prompts: PromptBatch, texts: list[str], index: list[int]):
    ids, mask = policy.processor.encode_responses(texts)
    with torch.no_grad():
        return ResponseScorer(policy)(prompts, ids, mask, torch.tensor(index), keep_states=True), ids, mask


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


GROUPS = ([*TEXTS, "a much longer answer that nobody else of the group gives", TEXTS[0]], [0, 2, 1, 1, 2])


def weighted_gradients(policy: Policy, logprobs: torch.Tensor, entropy: torch.Tensor) -> dict[str, torch.Tensor]:
    """Gradients of every parameter of a loss that weighs each token differently; the model is left without any."""
    weights = torch.sin(torch.arange(len(logprobs), dtype=logprobs.dtype))
    policy.model.zero_grad()
    ((logprobs * weights).sum() + 0.1 * (entropy * weights).sum()).backward()
    gradients = {name: parameter.grad for name, parameter in policy.model.named_parameters()}
    policy.model.zero_grad()
    return gradients


def assert_equal_gradients(ours, expected, relative: float) -> None:
    assert ours.keys() == expected.keys()
    for name, gradient in ours.items():
        difference = (gradient - expected[name]).norm() / expected[name].norm().clamp_min(1e-12)
        assert difference <= relative, f"{name}: {difference:.1e}"


@pytest.mark.parametrize("checkpointing", [False, True])
def test_groups_equal_one_response_at_a_time_in_value_and_gradient(
    double_policy: Policy, unequal_prompts: PromptBatch, checkpointing: bool
) -> None:
    policy, (texts, index) = double_policy, GROUPS
    prompts = replace(unequal_prompts, pixel_values=unequal_prompts.pixel_values.double())
    ids, mask = policy.processor.encode_responses(texts)
    expected = naive_policy.score(policy.model, policy.forbidden, prompts, ids, mask, index, 0.7)
    naive_gradients = weighted_gradients(policy, *expected[:2])
    if checkpointing:
        policy.model.train()
        policy.model.activation_checkpointing_enable()
        assert all(layer.gradient_checkpointing for layer in policy.model.model.language_model.layers)
    scores = ResponseScorer(policy, temperature=0.7)(prompts, ids, mask, torch.tensor(index), keep_states=True)
    for found, wanted in zip((scores.logprobs, scores.entropy, scores.states), expected, strict=True):
        torch.testing.assert_close(found[mask], wanted, atol=1e-9, rtol=1e-9)
        assert not found[~mask].any()
    assert_equal_gradients(
        weighted_gradients(policy, scores.logprobs[mask], scores.entropy[mask]), naive_gradients, 1e-8
    )
    policy.model.activation_checkpointing_disable()
    policy.model.eval()


def test_gradients_in_single_precision(small_policy: Policy, unequal_prompts: PromptBatch) -> None:
    policy, (texts, index) = small_policy, GROUPS
    ids, mask = policy.processor.encode_responses(texts)
    expected = naive_policy.score(policy.model, policy.forbidden, unequal_prompts, ids, mask, index)
    naive_gradients = weighted_gradients(policy, *expected[:2])
    scores = ResponseScorer(policy)(unequal_prompts, ids, mask, torch.tensor(index))
    torch.testing.assert_close(scores.logprobs[mask], expected[0], atol=2e-5, rtol=1e-5)
    assert_equal_gradients(
        weighted_gradients(policy, scores.logprobs[mask], scores.entropy[mask]), naive_gradients, 5e-6
    )


def test_chunks_of_logits_change_nothing(
    double_policy: Policy, prompts: PromptBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, (texts, index) = double_policy, GROUPS
    doubled = replace(prompts, pixel_values=prompts.pixel_values.double())
    ids, mask = policy.processor.encode_responses(texts)
    largest, calls, gradients = [], [], []
    monkeypatch.setattr(scoring, "suppress", lambda logits, ids: largest.append(len(logits)) or suppress(logits, ids))
    for limit in (2**25, 7 * 448):
        monkeypatch.setattr(scoring, "LOGITS_AT_ONCE", limit)
        scorer = ResponseScorer(policy)
        hook = policy.model.lm_head.register_forward_hook(lambda *_: calls.append(1))
        scores = scorer(doubled, ids, mask, torch.tensor(index))
        hook.remove()
        gradients.append(weighted_gradients(policy, scores.logprobs[mask], scores.entropy[mask]))
    assert_equal_gradients(*gradients, 1e-12)
    # ZeRO stage 3 needs equally many calls of the head on every rank, whatever its tokens.
    assert len(calls) == 2
    # All at once; then seven tokens of 448 logits at a time, made a second time for the backward pass.
    tokens = int(mask.sum())
    assert largest[0] == tokens
    assert max(largest[1:]) == 7
    assert sum(largest[1:]) == 2 * tokens


def test_states_are_kept_only_when_asked_for(policy: Policy, prompts: PromptBatch) -> None:
    ids, mask = policy.processor.encode_responses(TEXTS)
    with torch.no_grad():
        assert ResponseScorer(policy)(prompts, ids, mask, torch.tensor([0, 1, 2])).states is None


def test_bare_text_follows_one_start_token(policy: Policy) -> None:
    """Each text is scored as if it stood alone behind the start token, at positions from 0."""
    ids, mask = policy.processor.encode_responses(TEXTS)
    with torch.no_grad():
        scores = ResponseScorer(policy)(None, ids, mask, torch.zeros(3, dtype=torch.long), keep_states=True)
        for row in range(3):
            text = ids[row][mask[row]]
            whole = torch.cat([torch.tensor([policy.processor.tokenizer.pad_token_id]), text]).unsqueeze(0)
            positions = torch.arange(whole.shape[1]).expand(3, 1, -1)
            embedded = policy.model.get_input_embeddings()(whole)
            outputs = policy.model.model.language_model(inputs_embeds=embedded, position_ids=positions)
            states = outputs.last_hidden_state[0]
            torch.testing.assert_close(scores.states[row][mask[row]], states[1:], atol=1e-5, rtol=1e-4)
            logits = suppress(policy.model.lm_head(states[:-1]), policy.forbidden)
            chosen = logits.log_softmax(-1).gather(-1, text.unsqueeze(-1)).squeeze(-1)
            torch.testing.assert_close(scores.logprobs[row][mask[row]], chosen, atol=1e-5, rtol=1e-4)
