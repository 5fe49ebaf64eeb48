"""Attention over packed groups: a prompt's keys and values are made once, and all of its responses attend to them.

A pass over groups is one row of tokens without padding: the prompts one after another, then the responses. Linear
layers and norms see each token once, whatever its sequence. Only attention has to know who sees whom: every prompt
itself, every response its prompt and itself, all of it causally. `GroupLayout` says where the tokens lie, and the
function registered here with transformers computes the attention part by part, through transformers' own `sdpa`.
Without a layout it is `sdpa`.

No key-value cache is involved: layers are called once with all tokens, so that gradient checkpointing and ZeRO work as
they do for a plain pass.

Legend: P prompts, B responses, T tokens of the packed row, D head size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "grouped_sdpa"

# Responses share one padded attention call when the shortest has at least this share of the longest's tokens: a call
# costs about as much as the padding it saves.
LIKE_LENGTH = 0.75


@dataclass(frozen=True)
class AttentionPart:
    """One attention call: queries int64 [S, N] and keys int64 [S, M], places in the packed row, S sequences at once.

    mask: bool [N, M], True where a query sees a key; None for a causal call on equal queries and keys. Rows are filled
    up with the place of some real token: behind the last real key, where no real query looks.
    """

    queries: torch.Tensor
    keys: torch.Tensor
    mask: torch.Tensor | None


@dataclass(frozen=True)
class GroupLayout:
    """The packed row of P prompts and B responses.

    prompt_mask [P, L] and response_mask [B, N] are True on tokens: in row-major order these are the packed tokens.
    predicting: int64 [number of response tokens], the place whose state predicts each of them, in packed order.
    restore: int64 [T], where each packed token lies among the outputs of all parts.
    """

    prompt_mask: torch.Tensor
    response_mask: torch.Tensor
    parts: Sequence[AttentionPart]
    predicting: torch.Tensor
    restore: torch.Tensor


def use_grouped_attention(model: nn.Module) -> None:
    """Let the language model of a Qwen2.5-VL policy take a `layout`; all else stays `sdpa`."""
    model.set_attn_implementation({"text_config": NAME})


def pack_groups(prompt_mask: torch.Tensor, response_mask: torch.Tensor, prompt_index: torch.Tensor) -> GroupLayout:
    """Lay out prompts [P, L] and the responses [B, N] to them; prompt_index [B] says which prompt each answers.

    Tokens of a response stand before its padding, of a prompt behind it or before.
    """
    device = prompt_mask.device
    prompt_lengths, response_lengths = prompt_mask.sum(dim=1).tolist(), response_mask.sum(dim=1).tolist()
    starts = _starts(prompt_lengths + response_lengths)
    prompts = [torch.arange(start, start + length) for start, length in zip(starts, prompt_lengths, strict=False)]
    responses = [
        torch.arange(start, start + length)
        for start, length in zip(starts[len(prompts) :], response_lengths, strict=False)
    ]
    asked = [prompts[index] for index in prompt_index.tolist()]
    parts = [*_prompt_parts(prompts), *_response_parts(asked, responses)]
    before = [torch.cat([prompt[-1:], response])[:-1] for prompt, response in zip(asked, responses, strict=True)]
    return GroupLayout(
        prompt_mask,
        response_mask,
        [_moved(part, device) for part in parts],
        torch.cat(before).to(device),
        _restoring(parts, starts[-1]).to(device),
    )


def _starts(lengths: Sequence[int]) -> list[int]:
    """Where each of several sequences starts, and where the last one ends."""
    return [0, *torch.tensor(lengths).cumsum(0).tolist()]


def _prompt_parts(prompts: Sequence[torch.Tensor]) -> Iterator[AttentionPart]:
    """Prompts of one length attend together, without a mask: attention takes its fast causal path."""
    for _, same in groupby(sorted(prompts, key=len), key=len):
        places = torch.stack(list(same))
        yield AttentionPart(places, places, None)


def _response_parts(asked: Sequence[torch.Tensor], responses: Sequence[torch.Tensor]) -> Iterator[AttentionPart]:
    """Responses of like length, to prompts of one length, attend together."""
    order = sorted(range(len(responses)), key=lambda row: (len(asked[row]), -len(responses[row])))
    bucket: list[int] = []
    for row in order:
        if bucket and not _alike(row, bucket[0], asked, responses):
            yield _response_part(bucket, asked, responses)
            bucket = []
        if len(responses[row]):
            bucket.append(row)
    if bucket:
        yield _response_part(bucket, asked, responses)


def _alike(row: int, first: int, asked: Sequence[torch.Tensor], responses: Sequence[torch.Tensor]) -> bool:
    same_prompt = len(asked[row]) == len(asked[first])
    return same_prompt and len(responses[row]) >= LIKE_LENGTH * len(responses[first])


def _response_part(
    rows: Sequence[int], asked: Sequence[torch.Tensor], responses: Sequence[torch.Tensor]
) -> AttentionPart:
    width = len(responses[rows[0]])
    queries = torch.stack([_fill(responses[row], width) for row in rows])
    keys = torch.cat([torch.stack([asked[row] for row in rows]), queries], dim=1)
    seen = torch.ones(width, keys.shape[1], dtype=torch.bool).tril(keys.shape[1] - width)
    return AttentionPart(queries, keys, seen)


def _fill(places: torch.Tensor, width: int) -> torch.Tensor:
    return torch.cat([places, places[-1:].expand(width - len(places))])


def _restoring(parts: Sequence[AttentionPart], tokens: int) -> torch.Tensor:
    computed = torch.cat([part.queries.flatten() for part in parts])
    # The filling of a row repeats its last token.
    steps = [torch.diff(part.queries, dim=1, prepend=part.queries[:, :1] - 1) for part in parts]
    is_real = torch.cat([step.flatten() for step in steps]) != 0
    restore = torch.empty(tokens, dtype=torch.long)
    restore[computed[is_real]] = is_real.nonzero().squeeze(1)
    return restore


def _moved(part: AttentionPart, device: torch.device) -> AttentionPart:
    mask = None if part.mask is None else part.mask.to(device)
    return AttentionPart(part.queries.to(device), part.keys.to(device), mask)


def grouped_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    layout: GroupLayout | None = None,
    **settings: object,
) -> tuple[torch.Tensor, None]:
    """query, key, value [1, heads, T, D] of a packed row -> [1, T, heads, D]; as `sdpa` where there is no layout."""
    if layout is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
    # Converted first: autocast would convert the gathered copies, which are larger.
    dtype = attention_type(query)
    query_THD, key_THD, value_THD = (packed[0].transpose(0, 1).to(dtype) for packed in (query, key, value))
    outputs = [
        sdpa_attention_forward(
            module,
            _gather(query_THD, part.queries),
            _gather(key_THD, part.keys),
            _gather(value_THD, part.keys),
            part.mask,
            **settings,
        )[0].flatten(0, 1)
        for part in layout.parts
    ]
    return torch.cat(outputs).index_select(0, layout.restore).unsqueeze(0), None


def attention_type(states: torch.Tensor) -> torch.dtype:
    """The type attention computes in: autocast's, or that of the states."""
    device = states.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else states.dtype


def _gather(packed_THD: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """[T, heads, D] at places [S, N] -> [S, heads, N, D]."""
    return packed_THD.index_select(0, places.flatten()).unflatten(0, places.shape).transpose(1, 2)


AttentionInterface.register(NAME, grouped_attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
