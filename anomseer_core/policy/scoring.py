"""One forward pass over prompts and their responses: log-probabilities, entropies and final-layer states.

The pictures of a prompt are encoded once and shared by all of its responses. Logits are made for response tokens
alone: over the whole prompt they would be the largest tensor of a training step.

Legend: P prompts, L prompt tokens, B responses, N response tokens, H hidden size, V vocabulary.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from anomseer_core.policy.model import Policy

if TYPE_CHECKING:
    # Prompts bring pictures and their libraries along, which the mathematics here has no use for.
    from anomseer_core.policy.prompts import PromptBatch


@dataclass(frozen=True)
class Scores:
    """Of each response token: logprobs [B, N], 0 on padding; entropy [B, N] of its distribution; states [B, N, H]."""

    logprobs: torch.Tensor
    entropy: torch.Tensor
    states: torch.Tensor


@dataclass(frozen=True)
class EncodedPrompts:
    """embeddings [P, L, H] with the pictures in place; positions [3, P, L]; following [P], the first free position."""

    embeddings: torch.Tensor
    positions: torch.Tensor
    following: torch.Tensor
    mask: torch.Tensor


def encode_prompts(model: nn.Module, prompts: "PromptBatch") -> EncodedPrompts:
    """Embed prompt tokens and pictures, with explicit rotary positions (the model's own keep state between calls)."""
    core = model.model
    is_image = prompts.input_ids == model.config.image_token_id
    features = core.get_image_features(prompts.pixel_values, prompts.image_grid, return_dict=True).pooler_output
    embeddings = core.get_input_embeddings()(prompts.input_ids)
    pictures = torch.cat(features).to(embeddings.dtype)
    embeddings = embeddings.masked_scatter(is_image.unsqueeze(-1), pictures)
    positions, _ = core.get_rope_index(
        prompts.input_ids,
        mm_token_type_ids=is_image.int(),
        image_grid_thw=prompts.image_grid,
        attention_mask=prompts.prompt_mask,
    )
    return EncodedPrompts(embeddings, positions, positions.amax(dim=(0, 2)) + 1, prompts.prompt_mask)


def encode_bare_start(model: nn.Module, token_id: int) -> EncodedPrompts:
    """No picture and no prompt: one start token, shared by every response scored without context."""
    ids = torch.tensor([[token_id]], device=model.device)
    positions = torch.zeros((3, 1, 1), dtype=torch.long, device=model.device)
    following = torch.ones(1, dtype=torch.long, device=model.device)
    return EncodedPrompts(
        model.get_input_embeddings()(ids), positions, following, torch.ones_like(ids, dtype=torch.bool)
    )


def suppress(logits: torch.Tensor, forbidden: torch.Tensor) -> torch.Tensor:
    """Logits in float32 with the forbidden ids at minus infinity."""
    return logits.float().index_fill(-1, forbidden.to(logits.device), float("-inf"))


class ResponseScorer(nn.Module):
    """The module a training engine wraps: everything trainable runs inside its `forward`."""

    def __init__(self, policy: Policy, *, temperature: float = 1.0) -> None:
        super().__init__()
        self.model = policy.model
        self.temperature = temperature
        self.start_id = policy.processor.tokenizer.pad_token_id
        self.register_buffer("forbidden", policy.forbidden.to(policy.device), persistent=False)

    def forward(
        self,
        prompts: "PromptBatch | None",
        response_ids: torch.Tensor,
        response_mask: torch.Tensor,
        prompt_index: torch.Tensor,
    ) -> Scores:
        """response_ids, response_mask [B, N]; prompt_index [B], the prompt each response answers.

        Without prompts the responses are scored as bare text, all after one start token (prompt_index is 0).
        """
        encoded = encode_prompts(self.model, prompts) if prompts else encode_bare_start(self.model, self.start_id)
        responses = self.model.get_input_embeddings()(response_ids)
        inputs = torch.cat([encoded.embeddings[prompt_index], responses.to(encoded.embeddings.dtype)], dim=1)
        offsets = torch.arange(response_ids.shape[1], device=inputs.device)
        following = (encoded.following[prompt_index].unsqueeze(1) + offsets).expand(3, -1, -1)
        positions = torch.cat([encoded.positions[:, prompt_index], following], dim=2)
        states = self._states(inputs, positions, encoded.mask[prompt_index], response_mask)
        # The state before a token predicts it.
        length = encoded.embeddings.shape[1]
        logprobs, entropy = self._token_scores(states[:, length - 1 : -1], response_ids)
        # Padding is a forbidden id: its log-probability of minus infinity must not reach a sum, even times zero.
        logprobs = logprobs.masked_fill(~response_mask, 0.0)
        return Scores(logprobs, entropy, states[:, length:])

    def _states(
        self, inputs: torch.Tensor, positions: torch.Tensor, prompt_mask: torch.Tensor, response_mask: torch.Tensor
    ) -> torch.Tensor:
        # Padding on the right is invisible to a causal model; without padding on the left no mask is needed at all,
        # and attention takes its fast path.
        mask = None if bool(prompt_mask.all()) else torch.cat([prompt_mask, torch.ones_like(response_mask)], dim=1)
        outputs = self.model.model.language_model(
            inputs_embeds=inputs, attention_mask=mask, position_ids=positions, use_cache=False
        )
        return outputs.last_hidden_state

    def _token_scores(self, states: torch.Tensor, response_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = suppress(self.model.lm_head(states), self.forbidden) / self.temperature
        logprobs_all = logits.log_softmax(dim=-1)
        logprobs = logprobs_all.gather(-1, response_ids.unsqueeze(-1)).squeeze(-1)
        # A suppressed id has probability 0 and log-probability minus infinity; its entropy term is 0.
        terms = logprobs_all.exp() * logprobs_all.masked_fill(logprobs_all == float("-inf"), 0.0)
        return logprobs, -terms.sum(dim=-1)
