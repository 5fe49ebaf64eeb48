"""One forward pass over prompts and their responses: log-probabilities, entropies and, where asked, final states.

A prompt and its picture go through the model once, however many responses they have (`attention.py`), and nothing is
computed for padding. Logits are made for response tokens alone, a bounded number at once: over a whole prompt they
would be the largest tensor of a training step, and with a vocabulary of 150,000 they are even so.

Legend: P prompts, L prompt tokens, B responses, N response tokens, H hidden size, V vocabulary, T tokens of a pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from anomseer_core.policy.attention import GroupLayout, pack_groups
from anomseer_core.policy.model import Policy

if TYPE_CHECKING:
    # Prompts bring pictures and their libraries along, which the mathematics here has no use for.
    from anomseer_core.policy.prompts import PromptBatch

# Logits held at once: 2^25 float32 are 128 MiB, 220 tokens of Qwen's vocabulary. About four tensors of that size exist
# at a time. Beyond it the backward pass makes the logits again, part by part, instead of keeping all of them.
LOGITS_AT_ONCE = 2**25

Projection = Callable[[torch.Tensor], torch.Tensor]
ReadLogits = Callable[[Projection, torch.Tensor], Any]


@dataclass(frozen=True)
class Scores:
    """Of each response token, 0 on padding: logprobs [B, N], entropy [B, N] of its distribution, states [B, N, H].

    states are the final-layer states at the tokens, or None when they were not asked for.
    """

    logprobs: torch.Tensor
    entropy: torch.Tensor
    states: torch.Tensor | None


@dataclass(frozen=True)
class EncodedPrompts:
    """embeddings [P, L, H] with the pictures in place; positions [3, P, L]; following [P], the first free position.

    pictures: [image tokens of all prompts, H], what the vision tower made of them.
    """

    embeddings: torch.Tensor
    positions: torch.Tensor
    following: torch.Tensor
    mask: torch.Tensor
    pictures: torch.Tensor


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
    return EncodedPrompts(embeddings, positions, positions.amax(dim=(0, 2)) + 1, prompts.prompt_mask, pictures)


def encode_bare_start(model: nn.Module, token_id: int) -> EncodedPrompts:
    """No picture and no prompt: one start token, shared by every response scored without context."""
    ids = torch.tensor([[token_id]], device=model.device)
    positions = torch.zeros((3, 1, 1), dtype=torch.long, device=model.device)
    following = torch.ones(1, dtype=torch.long, device=model.device)
    embeddings = model.get_input_embeddings()(ids)
    return EncodedPrompts(embeddings, positions, following, torch.ones_like(ids, dtype=torch.bool), embeddings[0, :0])


def suppress(logits: torch.Tensor, forbidden: torch.Tensor) -> torch.Tensor:
    """Logits, at least in float32, with the forbidden ids at minus infinity."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return logits.index_fill(-1, forbidden.to(logits.device), float("-inf"))


def use_partwise_head(model: nn.Module) -> None:
    """Let the head be called once, however many parts its logits are made in.

    ZeRO stage 3 exchanges a weight at every call of its module, on all ranks at once, and ranks have unequal numbers
    of tokens.
    """
    model.lm_head.forward = MethodType(_apply_head, model.lm_head)


def _apply_head(self: nn.Linear, states: torch.Tensor, *, read: ReadLogits | None = None) -> Any:
    """Logits of the states; or what `read` makes of the head's product and the states."""
    project = partial(functional.linear, weight=self.weight, bias=self.bias)
    return project(states) if read is None else read(project, states)


class ResponseScorer(nn.Module):
    """The module a training engine wraps: everything trainable runs inside its `forward`."""

    def __init__(self, policy: Policy, *, temperature: float = 1.0) -> None:
        super().__init__()
        self.model = policy.model
        use_partwise_head(self.model)
        self.temperature = temperature
        self.start_id = policy.processor.tokenizer.pad_token_id
        self.register_buffer("forbidden", policy.forbidden.to(policy.device), persistent=False)

    def forward(
        self,
        prompts: "PromptBatch | None",
        response_ids: torch.Tensor,
        response_mask: torch.Tensor,
        prompt_index: torch.Tensor,
        *,
        keep_states: bool = False,
    ) -> Scores:
        """response_ids, response_mask [B, N]; prompt_index [B], the prompt each response answers.

        Without prompts the responses are scored as bare text, all after one start token (prompt_index is 0).
        """
        encoded = encode_prompts(self.model, prompts) if prompts else encode_bare_start(self.model, self.start_id)
        return self.score(encoded, response_ids, response_mask, prompt_index, keep_states=keep_states)

    def score(
        self,
        encoded: EncodedPrompts,
        response_ids: torch.Tensor,
        response_mask: torch.Tensor,
        prompt_index: torch.Tensor,
        *,
        keep_states: bool = False,
    ) -> Scores:
        """`forward` for prompts that are already encoded."""
        layout = pack_groups(encoded.mask, response_mask, prompt_index)
        states = self._states(encoded, response_ids, prompt_index, layout)
        logprobs, entropy = self._token_scores(states[layout.predicting], response_ids[response_mask])
        of_responses = states[len(states) - len(logprobs) :]
        return Scores(
            _unpack(logprobs, response_mask),
            _unpack(entropy, response_mask),
            _unpack(of_responses, response_mask) if keep_states else None,
        )

    def _states(
        self, encoded: EncodedPrompts, response_ids: torch.Tensor, prompt_index: torch.Tensor, layout: GroupLayout
    ) -> torch.Tensor:
        """Final-layer states [T, H] of the packed row."""
        prompts = encoded.embeddings[layout.prompt_mask]
        responses = self.model.get_input_embeddings()(response_ids[layout.response_mask])
        offsets = torch.arange(response_ids.shape[1], device=response_ids.device)
        following = (encoded.following[prompt_index].unsqueeze(1) + offsets)[layout.response_mask]
        positions = torch.cat([encoded.positions[:, layout.prompt_mask], following.expand(3, -1)], dim=1)
        outputs = self.model.model.language_model(
            inputs_embeds=torch.cat([prompts, responses.to(prompts.dtype)]).unsqueeze(0),
            # No mask of the model's own: the layout says who sees whom.
            attention_mask={"full_attention": None},
            position_ids=positions.unsqueeze(1),
            use_cache=False,
            layout=layout,
        )
        return outputs.last_hidden_state.squeeze(0)

    def _token_scores(self, states: torch.Tensor, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities and entropies [R] of R response tokens, from the states [R, H] that predict them."""
        size = max(1, LOGITS_AT_ONCE // self.model.config.text_config.vocab_size)

        def read(project: Projection, states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            score = partial(self._score_tokens, project)
            if len(ids) <= size:
                return score(states, ids)
            parts = [
                checkpoint(score, *part, use_reentrant=False, preserve_rng_state=False)
                for part in zip(states.split(size), ids.split(size), strict=True)
            ]
            logprobs, entropy = zip(*parts, strict=True)
            return torch.cat(logprobs), torch.cat(entropy)

        return self.model.lm_head(states, read=read)

    def _score_tokens(
        self, project: Projection, states: torch.Tensor, ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        logits = suppress(project(states), self.forbidden) / self.temperature
        logprobs_all = logits.log_softmax(dim=-1)
        logprobs = logprobs_all.gather(-1, ids.unsqueeze(-1)).squeeze(-1)
        # A suppressed id has probability 0 and log-probability minus infinity; its entropy term is 0.
        terms = logprobs_all.exp() * logprobs_all.masked_fill(logprobs_all == float("-inf"), 0.0)
        return logprobs, -terms.sum(dim=-1)


def _unpack(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Packed values [R, ...] at the R true places of a mask [B, N]; 0 elsewhere."""
    places = mask.flatten().nonzero().squeeze(1)
    padded = values.new_zeros((mask.numel(), *values.shape[1:]))
    return padded.index_copy(0, places, values).unflatten(0, mask.shape)
