"""Group sampling: G responses per prompt, picture and prompt encoded once.

The prompts are run through the model once, their key-value cache is repeated for the group (`cache.py`), and finished
responses leave the batch. The randomness of a response is a row of uniform numbers drawn from (seed, step, prompt id)
before anything runs, so that ranks, batch sizes and resumed runs agree on it without any stored generator state.

Legend: P prompts, G responses per prompt, B = P * G, N response tokens, V vocabulary.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from transformers import Cache, DynamicCache

from anomseer_core.policy.cache import expand_to_groups
from anomseer_core.policy.model import Policy
from anomseer_core.policy.scoring import EncodedPrompts, encode_prompts, suppress

if TYPE_CHECKING:
    # Prompts bring pictures and their libraries along, which the mathematics here has no use for.
    from anomseer_core.policy.prompts import PromptBatch

# Rows are dropped from the batch once this share of them has finished: each drop copies the cache.
COMPACT_SHARE = 0.2


@dataclass(frozen=True)
class Responses:
    """ids [B, N] padded on the right; mask [B, N], True up to and including the stop token. Prompt-major order.

    finished: bool [B], False where the length limit cut the response.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    finished: torch.Tensor

    @property
    def lengths(self) -> torch.Tensor:
        return self.mask.sum(dim=1)


def sampling_uniforms(seed: int, step: int, prompt_ids: Sequence[str], group_size: int, tokens: int) -> np.ndarray:
    """Uniform numbers in [0, 1), float64 `[P * G, tokens]`, a function of each prompt's id alone."""
    rows = []
    for prompt_id in prompt_ids:
        identity = int.from_bytes(hashlib.sha256(prompt_id.encode()).digest()[:8], "big")
        rows.append(np.random.default_rng([seed, step, identity]).random((group_size, tokens)))
    return np.concatenate(rows)


@torch.no_grad()
def sample_responses(
    policy: Policy,
    prompts: "PromptBatch",
    *,
    max_tokens: int,
    uniforms: np.ndarray | None = None,
    temperature: float = 1.0,
    not_first: Sequence[int] = (),
) -> Responses:
    """Sample one response per row of `uniforms` [P * G, max_tokens], or the greedy one per prompt when it is None.

    not_first: ids that no response begins with.
    """
    model = policy.model
    encoded = encode_prompts(model, prompts)
    outputs = model.model.language_model(
        inputs_embeds=encoded.embeddings,
        attention_mask=None if bool(encoded.mask.all()) else encoded.mask,
        position_ids=encoded.positions,
        past_key_values=DynamicCache(config=model.config.text_config),
        use_cache=True,
    )
    group = 1 if uniforms is None else len(uniforms) // len(prompts)
    batch = _Batch.start(encoded, outputs.past_key_values, group)
    states = outputs.last_hidden_state[:, -1].repeat_interleave(group, dim=0)
    ids = torch.full((len(prompts) * group, max_tokens), policy.processor.tokenizer.pad_token_id, device=policy.device)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    forbidden_first = torch.cat([policy.forbidden, policy.forbidden.new_tensor(not_first)])
    for step in range(max_tokens):
        logits = suppress(model.lm_head(states), policy.forbidden if step else forbidden_first)
        draws = None if uniforms is None else uniforms[batch.rows.cpu().numpy(), step]
        tokens = choose_tokens(logits, draws, temperature)
        live = batch.rows[batch.alive]
        ids[live, step] = tokens[batch.alive]
        mask[live, step] = True
        batch.alive = batch.alive & (tokens != policy.processor.stop_token_id)
        if not bool(batch.alive.any()):
            break
        tokens = batch.compact(tokens)
        states = batch.advance(model, tokens)
    width = max(int(mask.sum(dim=1).max()), 1)
    finished = ((ids == policy.processor.stop_token_id) & mask).any(dim=1)
    return Responses(ids[:, :width], mask[:, :width], finished)


def choose_tokens(logits: torch.Tensor, draws: np.ndarray | None, temperature: float) -> torch.Tensor:
    """[B, V] logits and one uniform number per row -> [B] ids, by inverting the cumulative distribution."""
    if draws is None:
        return logits.argmax(dim=-1)
    cumulative = (logits.double() / temperature).softmax(dim=-1).cumsum(dim=-1)
    targets = torch.from_numpy(draws).to(logits.device) * cumulative[:, -1]
    # The first id whose cumulative probability exceeds the draw: never one of probability zero.
    return torch.searchsorted(cumulative, targets.unsqueeze(-1), right=True).squeeze(-1)


class _Batch:
    """The responses still being decoded: which rows they are, their cache, positions and attention mask."""

    def __init__(self, cache: Cache, rows: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor) -> None:
        self.cache = cache
        self.rows = rows
        self.positions = positions
        self.mask = mask
        self.alive = torch.ones_like(rows, dtype=torch.bool)
        self.padded = not bool(mask.all())

    @classmethod
    def start(cls, encoded: EncodedPrompts, prefilled: DynamicCache, group: int) -> "_Batch":
        positions = encoded.following.repeat_interleave(group)
        rows = torch.arange(len(positions), device=positions.device)
        cache = expand_to_groups(prefilled, group)
        return cls(cache, rows, positions, encoded.mask.repeat_interleave(group, dim=0))

    def compact(self, tokens: torch.Tensor) -> torch.Tensor:
        """Drop finished rows once enough have gathered; returns the tokens of the rows that stay."""
        finished = int((~self.alive).sum())
        if finished < COMPACT_SHARE * len(self.rows):
            return tokens
        keep = self.alive.nonzero().squeeze(-1)
        self.cache.batch_select_indices(keep)
        self.rows, self.positions, self.mask = self.rows[keep], self.positions[keep], self.mask[keep]
        self.alive = self.alive[keep]
        return tokens[keep]

    def advance(self, model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
        """Feed one token per row; returns the states [rows, H] that predict the next."""
        if self.padded:
            self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], dim=1)
        outputs = model.model.language_model(
            inputs_embeds=model.get_input_embeddings()(tokens).unsqueeze(1),
            attention_mask=self.mask if self.padded else None,
            position_ids=self.positions.view(1, -1, 1).expand(3, -1, -1),
            past_key_values=self.cache,
            use_cache=True,
        )
        self.positions = self.positions + 1
        return outputs.last_hidden_state[:, -1]
