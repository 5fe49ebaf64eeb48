"""One step's worth of experience on one rank: sampled groups, their rewards, and how near they reason to the expert.

Algorithm 1 of the paper, lines 5-15. All of it runs without gradients, under the policy that samples.

Legend: P prompts of this rank, G responses per prompt, B = P * G in prompt-major order, N response tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from anomseer_core.dialogue import parse_response
from anomseer_core.policy.model import Policy
from anomseer_core.policy.prompts import PromptBatch
from anomseer_core.policy.sampling import Responses, sample_responses, sampling_uniforms
from anomseer_core.policy.scoring import ResponseScorer, Scores
from anomseer_core.released_rewards import score_text
from anomseer_core.rewards import Reward, score
from anomseer_core.timerpo.alignment import TokenStates, alignment_distance
from anomseer_core.training.config import RewardWeights, TimerPOConfig
from anomseer_core.training.examples import Example
from anomseer_core.view import VIEW_UNITS


@dataclass(frozen=True)
class Rollout:
    """Examples and prompts [P], responses [B] with their texts and rewards."""

    examples: list[Example]
    prompts: PromptBatch
    responses: Responses
    texts: list[str]
    rewards: list[Reward]

    @property
    def group_size(self) -> int:
        return len(self.texts) // len(self.examples)

    def reward_matrix(self) -> torch.Tensor:
        """Total rewards, float64 [P, G]."""
        totals = torch.tensor([reward.total for reward in self.rewards], dtype=torch.float64)
        return totals.view(len(self.examples), -1)

    def part(self, start: int, stop: int) -> "Rollout":
        """The groups of prompts `[start, stop)`."""
        rows, drawn = slice(start * self.group_size, stop * self.group_size), self.responses
        return Rollout(
            self.examples[start:stop],
            self.prompts.slice(start, stop),
            Responses(drawn.ids[rows], drawn.mask[rows], drawn.finished[rows]),
            self.texts[rows],
            self.rewards[rows],
        )


@dataclass(frozen=True)
class Chunk:
    """Consecutive prompts and all of their responses: what goes through a model at once."""

    prompts: PromptBatch
    rows: slice
    prompt_index: torch.Tensor


def collect_rollout(policy: Policy, examples: Sequence[Example], config: TimerPOConfig, step: int) -> Rollout:
    """Sample a group per example and score every response with Eq. 1."""
    prompts = policy.processor.prompts([example.picture() for example in examples]).to(policy.device)
    names = [example.name for example in examples]
    uniforms = sampling_uniforms(config.seed, step, names, config.group_size, config.max_response_tokens)
    responses = sample_responses(
        policy, prompts, max_tokens=config.max_response_tokens, uniforms=uniforms, temperature=config.temperature
    )
    texts = policy.processor.decode_responses(responses.ids, responses.mask)
    asked = [example for example in examples for _ in range(config.group_size)]
    rewards = [grade(text, example, config.rewards) for text, example in zip(texts, asked, strict=True)]
    return Rollout(list(examples), prompts, responses, texts, rewards)


def grade(text: str, example: Example, weights: RewardWeights) -> Reward:
    """Eq. 1 for one response, by the rule of `weights`."""
    if weights.rule == "released":
        return score_text(text, example.series, weights, example.view)
    return score(parse_response(text, VIEW_UNITS), example.series, weights, example.view)


def chunks(prompts: PromptBatch, group_size: int, max_responses: int) -> Iterator[Chunk]:
    """Cut prompts so that no chunk has more than `max_responses` responses, except that a group stays whole."""
    size = max(1, max_responses // group_size)
    for start in range(0, len(prompts), size):
        stop = min(start + size, len(prompts))
        index = torch.arange(stop - start, device=prompts.input_ids.device).repeat_interleave(group_size)
        yield Chunk(prompts.slice(start, stop), slice(start * group_size, stop * group_size), index)


@torch.no_grad()
def score_responses(
    scorer: ResponseScorer, rollout: Rollout, max_responses: int, *, keep_states: bool = False
) -> Scores:
    """Scores of all sampled responses, chunk by chunk."""
    ids, mask = rollout.responses.ids, rollout.responses.mask
    parts = [
        scorer(chunk.prompts, ids[chunk.rows], mask[chunk.rows], chunk.prompt_index, keep_states=keep_states)
        for chunk in chunks(rollout.prompts, rollout.group_size, max_responses)
    ]
    return _join(parts)


@torch.no_grad()
def reasoning_distances(
    policy: Policy, scorer: ResponseScorer, rollout: Rollout, scores: Scores, config: TimerPOConfig, max_responses: int
) -> torch.Tensor:
    """Eq. 3-4: W, float64 [B], between each sampled reasoning and its prompt's expert trace."""
    mask = rollout.responses.mask
    if config.transport.response_side == "reasoning":
        mask = policy.processor.reasoning_mask(rollout.responses.ids, mask)
    response = TokenStates(scores.states, scores.logprobs.exp(), mask)
    expert = embed_experts(policy, scorer, rollout, config, max_responses)
    index = torch.arange(len(rollout.examples), device=policy.device).repeat_interleave(rollout.group_size)
    return alignment_distance(config.transport, response, expert, index)


def embed_experts(
    policy: Policy, scorer: ResponseScorer, rollout: Rollout, config: TimerPOConfig, max_responses: int
) -> TokenStates:
    """The expert traces teacher-forced: under the same picture and prompt, or as bare text (the authors' code)."""
    transport, bare = config.transport, config.transport.expert_context == "text_only"
    texts = [example.trace if bare else f"<think>{example.trace}</think>" for example in rollout.examples]
    ids, mask = (part.to(policy.device) for part in policy.processor.encode_responses(texts, closed=False))
    if bare:
        index = torch.zeros(len(ids), dtype=torch.long, device=policy.device)
        scores = scorer(None, ids, mask, index, keep_states=True)
    else:
        scores = _join(
            [
                scorer(chunk.prompts, ids[chunk.rows], mask[chunk.rows], chunk.prompt_index, keep_states=True)
                for chunk in chunks(rollout.prompts, 1, max_responses)
            ]
        )
    compared = mask if bare else policy.processor.reasoning_mask(ids, mask)
    return TokenStates(scores.states, scores.logprobs.exp(), first_tokens(compared, transport.expert_tokens))


def first_tokens(mask: torch.Tensor, limit: int) -> torch.Tensor:
    """[B, T], True on the first `limit` tokens of each row of a mask; 0 keeps all."""
    return mask & (mask.cumsum(dim=1) <= limit) if limit else mask


def _join(parts: Sequence[Scores]) -> Scores:
    logprobs, entropy = (torch.cat([getattr(part, name) for part in parts]) for name in ("logprobs", "entropy"))
    kept = [part.states for part in parts if part.states is not None]
    return Scores(logprobs, entropy, torch.cat(kept) if kept else None)
