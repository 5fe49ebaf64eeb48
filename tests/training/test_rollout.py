"""How near a sampled reasoning is to the expert's: which tokens of either side are compared."""

import pytest
import torch

from anomseer_core.policy.model import load_policy
from anomseer_core.policy.scoring import ResponseScorer
from anomseer_core.timerpo import compose
from anomseer_core.training.config import RewardWeights, TimerPOConfig, TransportConfig
from anomseer_core.training.examples import load_examples
from anomseer_core.training.metrics import completion_rows
from anomseer_core.training.rollout import collect_rollout, first_tokens, grade, reasoning_distances, score_responses

CONFIG = TimerPOConfig(group_size=2, max_response_tokens=8)


@pytest.fixture(scope="module")
def sampled(inputs):
    policy = load_policy(inputs.policy.path)
    examples = load_examples(inputs.series.file("series.parquet"), inputs.traces.file("traces.parquet"))[:2]
    rollout = collect_rollout(policy, examples, CONFIG, 0)
    scorer = ResponseScorer(policy)
    return policy, scorer, rollout, score_responses(scorer, rollout, 100, keep_states=True)


def distances(sampled, max_responses: int = 100, **transport) -> torch.Tensor:
    config = CONFIG.model_copy(update={"transport": TransportConfig(**transport)})
    return reasoning_distances(*sampled, config, max_responses)


def test_first_tokens_by_hand():
    mask = torch.tensor([[False, True, True, False, True], [True, False, False, False, False]])
    assert first_tokens(mask, 2).tolist() == [[False, True, True, False, False], [True, False, False, False, False]]
    assert torch.equal(first_tokens(mask, 0), mask)


def test_one_expert_token_forces_the_plan(sampled):
    """W is the mean cosine distance of all response tokens to that one: computed here from states alone."""
    policy, scorer, rollout, scores = sampled
    found = distances(sampled, response_side="whole", expert_context="text_only", expert_tokens=1, marginals="uniform")
    for row in range(4):
        text = rollout.examples[row // 2].trace
        ids, mask = policy.processor.encode_responses([text], closed=False)
        with torch.no_grad():
            first = scorer(None, ids, mask, torch.zeros(1, dtype=torch.long), keep_states=True).states[0, 0]
        own = scores.states[row][rollout.responses.mask[row]]
        expected = (1 - torch.nn.functional.cosine_similarity(own.double(), first.double(), dim=-1)).mean()
        assert found[row].item() == pytest.approx(expected.item(), abs=1e-5)


def test_a_response_without_reasoning_is_as_far_as_orthogonal_states(sampled):
    """A policy from random weights writes no tags; as a whole its response is nearer than nothing."""
    assert distances(sampled).tolist() == [1.0] * 4
    assert (distances(sampled, response_side="whole") < 1.0).all()


def test_a_limit_beyond_the_trace_changes_nothing(sampled):
    for context in ("image_and_prompt", "text_only"):
        free = distances(sampled, response_side="whole", expert_context=context)
        assert torch.equal(distances(sampled, response_side="whole", expert_context=context, expert_tokens=4096), free)
        cut = distances(sampled, response_side="whole", expert_context=context, expert_tokens=3)
        assert not torch.allclose(cut, free, atol=1e-6)


def test_chunks_change_no_distance(sampled):
    whole = distances(sampled, response_side="whole")
    torch.testing.assert_close(distances(sampled, 1, response_side="whole"), whole, atol=1e-5, rtol=0)


def test_a_part_of_a_rollout_holds_its_groups(sampled):
    rollout = sampled[2]
    part = rollout.part(1, 2)
    assert part.texts == rollout.texts[2:]
    assert part.examples == rollout.examples[1:]
    assert torch.equal(part.prompts.input_ids, rollout.prompts.input_ids[1:])
    assert torch.equal(part.responses.finished, rollout.responses.finished[2:])
    assert part.group_size == rollout.group_size == 2


def test_completions_show_what_drove_each_response(sampled):
    """Rewards of our choice: a policy from random weights earns nothing, in all of its responses alike."""
    rollout = sampled[2]
    rewards, reasoning = torch.tensor([[[0.0, 1.0], [0.4, 0.4]], [[0.9, 0.2], [0.1, 0.3]]], dtype=torch.float64)
    composition = compose(rewards, reasoning, alpha=0.3)
    rows = completion_rows(rollout, composition, torch.arange(4.0))
    assert [row["series_id"] for row in rows] == [example.name for example in rollout.examples for _ in range(2)]
    assert [row["response"] for row in rows] == rollout.texts
    assert [row["transport_cost"] for row in rows] == [0.0, 1.0, 2.0, 3.0]
    for row in rows:
        assert row["advantage"] == pytest.approx(row["advantage_main"] + 0.3 * row["advantage_orthogonal"])
    # Groups of two: opposed advantages leave nothing beside the task, equal rewards leave the reasoning alone.
    assert [row["advantage_main"] for row in rows] == pytest.approx([-1, 1, 0, 0], abs=1e-6)
    assert [row["advantage_reasoning"] for row in rows] == pytest.approx([1, -1, -1, 1], abs=1e-6)
    assert [row["advantage_orthogonal"] for row in rows] == pytest.approx([0, 0, -1, 1], abs=1e-6)


def test_the_rule_of_the_weights_reads_the_response(sampled):
    """The same text: by the grammar an answer that cannot be read earns nothing, in the released code its class."""
    example = sampled[2].examples[0]
    text = f"<think>a</think><answer>none</answer><class>{example.anomaly_class}</class>"
    assert grade(text, example, RewardWeights()).total == 0
    assert grade(text, example, RewardWeights(rule="released")).total == pytest.approx(0.2)
