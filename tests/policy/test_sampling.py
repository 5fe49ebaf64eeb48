"""Group sampling: the inverse of a cumulative distribution, against transformers' generate, and row by row."""

import numpy as np
import pytest
import torch

from anomseer_core.policy import cache
from anomseer_core.policy.model import Policy
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.sampling import choose_tokens, sample_responses, sampling_uniforms
from tests import naive_policy


def test_choose_tokens_inverts_the_cumulative_distribution() -> None:
    # Probabilities 0.5, 0, 0.25, 0.25 -> cumulative 0.5, 0.5, 0.75, 1.
    logits = torch.tensor([0.5, 0.0, 0.25, 0.25]).log().repeat(5, 1)
    draws = np.array([0.0, 0.49, 0.51, 0.74, 0.99])
    assert choose_tokens(logits, draws, 1.0).tolist() == [0, 0, 2, 2, 3]
    assert choose_tokens(logits, None, 1.0).tolist() == [0] * 5


def test_temperature_sharpens() -> None:
    # p = 0.8, 0.2; at temperature 0.5 they become 0.64 / 0.68 = 0.941 and 0.059.
    logits = torch.tensor([[0.8, 0.2]]).log()
    assert choose_tokens(logits, np.array([0.9]), 1.0).item() == 1
    assert choose_tokens(logits, np.array([0.9]), 0.5).item() == 0


def test_uniforms_depend_on_seed_step_and_prompt_alone() -> None:
    both = sampling_uniforms(1, 2, ["a", "b"], 3, 4)
    assert both.shape == (6, 4)
    np.testing.assert_array_equal(both[3:], sampling_uniforms(1, 2, ["b"], 3, 4))
    # A longer limit prolongs each stream only when there is one response per prompt: rows are drawn one after another.
    assert not np.array_equal(both, sampling_uniforms(1, 3, ["a", "b"], 3, 4))
    assert not np.array_equal(both, sampling_uniforms(2, 2, ["a", "b"], 3, 4))


def test_greedy_equals_generate(policy: Policy, prompts: PromptBatch) -> None:
    ours = sample_responses(policy, prompts, max_tokens=12)
    generated = policy.model.generate(
        input_ids=prompts.input_ids,
        attention_mask=prompts.prompt_mask.long(),
        pixel_values=prompts.pixel_values,
        image_grid_thw=prompts.image_grid,
        mm_token_type_ids=(prompts.input_ids == policy.processor.image_token_id).int(),
        max_new_tokens=12,
        do_sample=False,
        suppress_tokens=policy.forbidden.tolist(),
    )[:, prompts.input_ids.shape[1] :]
    width = ours.ids.shape[1]
    assert torch.equal(ours.ids[ours.mask], generated[:, :width][ours.mask])


def test_a_response_does_not_depend_on_its_neighbours(policy: Policy, prompts: PromptBatch) -> None:
    names = ["a", "b", "c"]
    together = sample_responses(policy, prompts, max_tokens=20, uniforms=sampling_uniforms(0, 0, names, 4, 20))
    for index, name in enumerate(names):
        alone = sample_responses(
            policy, prompts.slice(index, index + 1), max_tokens=20, uniforms=sampling_uniforms(0, 0, [name], 4, 20)
        )
        width = min(alone.ids.shape[1], together.ids.shape[1])
        rows = slice(index * 4, index * 4 + 4)
        assert torch.equal(together.ids[rows, :width], alone.ids[:, :width])
        assert torch.equal(together.lengths[rows], alone.lengths)


def test_finished_rows_leave_and_the_rest_goes_on(policy: Policy, prompts: PromptBatch, monkeypatch) -> None:
    # With a huge probability of stopping, most responses end early and the batch is compacted many times.
    stop = policy.processor.stop_token_id
    head = policy.model.lm_head.forward
    monkeypatch.setattr(policy.model.lm_head, "forward", lambda states: _raise_logit(head(states), stop, 6.0))
    names = ["a", "b", "c"]
    responses = sample_responses(policy, prompts, max_tokens=30, uniforms=sampling_uniforms(0, 0, names, 8, 30))
    lengths = responses.lengths.tolist()
    assert min(lengths) < max(lengths)
    for row, length in enumerate(lengths):
        assert responses.mask[row, :length].all()
        assert not responses.mask[row, length:].any()
        assert stop not in responses.ids[row, : length - 1].tolist()
        assert responses.ids[row, length - 1].item() == stop or length == 30
    forbidden = set(policy.forbidden.tolist())
    assert not forbidden & set(responses.ids[responses.mask].tolist())


@pytest.mark.parametrize("greedy", [True, False])
def test_an_image_token_or_an_id_beyond_the_tokenizer_is_never_sampled(
    policy: Policy, prompts: PromptBatch, monkeypatch, greedy: bool
) -> None:
    """Not even where the model would choose nothing else."""
    wanted = [policy.processor.image_token_id, 447]
    head = policy.model.lm_head.forward
    monkeypatch.setattr(policy.model.lm_head, "forward", lambda states: _raise_logit(head(states), wanted, 1e4))
    uniforms = None if greedy else sampling_uniforms(0, 0, ["a", "b", "c"], 4, 8)
    responses = sample_responses(policy, prompts, max_tokens=8, uniforms=uniforms)
    assert not set(wanted) & set(responses.ids[responses.mask].tolist())
    assert responses.mask.any()


def as_lists(responses) -> list[list[int]]:
    return [row[mask].tolist() for row, mask in zip(responses.ids, responses.mask, strict=True)]


@pytest.mark.parametrize(("group", "temperature"), [(0, 1.0), (3, 1.0), (2, 0.6)])
def test_ids_equal_those_of_a_model_without_a_cache(
    small_policy: Policy, unequal_prompts: PromptBatch, monkeypatch, group: int, temperature: float
) -> None:
    """Greedy (group 0) and sampled; prompts padded on the left; likelier stopping, so that rows leave the batch."""
    policy = small_policy
    stop, head = policy.processor.stop_token_id, policy.model.lm_head.forward
    boost = 3.0 if group else 0.0
    monkeypatch.setattr(policy.model.lm_head, "forward", lambda states: _raise_logit(head(states), stop, boost))
    # The cache must grow, too.
    monkeypatch.setattr(cache, "ROOM", 2)
    uniforms = sampling_uniforms(7, 0, ["a", "b", "c"], group, 9) if group else None
    settings = {"max_tokens": 9, "uniforms": uniforms, "temperature": temperature}
    ours = as_lists(sample_responses(policy, unequal_prompts, **settings))
    expected = naive_policy.sample(policy.model, policy.forbidden, stop, unequal_prompts, **settings)
    assert ours == expected
    assert group == 0 or len({len(row) for row in ours}) > 1


def _raise_logit(logits: torch.Tensor, index: int | list[int], amount: float) -> torch.Tensor:
    logits = logits.clone()
    logits[..., index] += amount
    return logits
