"""Attention over packed groups against one dense attention whose mask says who sees whom."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.policy.attention import grouped_attention, pack_groups

HEADS, SIZE = 2, 8
MODULE = SimpleNamespace(is_causal=True, training=False)


def left_mask(lengths: list[int]) -> torch.Tensor:
    return torch.stack([torch.arange(max(lengths)) >= max(lengths) - length for length in lengths])


def right_mask(lengths: list[int]) -> torch.Tensor:
    return torch.stack([torch.arange(max(max(lengths), 1)) < length for length in lengths])


def owners(prompt_lengths: list[int], response_lengths: list[int], prompt_index: list[int]) -> torch.Tensor:
    """bool [T, T]: query sees key, token by token."""
    tokens = [("prompt", index, index, place) for index, length in enumerate(prompt_lengths) for place in range(length)]
    for row, (index, length) in enumerate(zip(prompt_index, response_lengths, strict=True)):
        tokens += [("response", row, index, place) for place in range(length)]
    sees = torch.zeros(len(tokens), len(tokens), dtype=torch.bool)
    for query, (kind, row, asked, place) in enumerate(tokens):
        for key, (other_kind, other_row, other_asked, other_place) in enumerate(tokens):
            own = (kind, row) == (other_kind, other_row) and other_place <= place
            prompt_of_response = kind == "response" and other_kind == "prompt" and asked == other_asked
            sees[query, key] = own or prompt_of_response
    return sees


lengths = st.lists(st.integers(1, 5), min_size=1, max_size=3)
responses = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(prompt_lengths=lengths, rows=responses, seed=st.integers(0, 1000))
def test_packed_groups_equal_one_dense_attention(prompt_lengths, rows, seed) -> None:
    response_lengths = [length for length, _ in rows]
    prompt_index = [index % len(prompt_lengths) for _, index in rows]
    layout = pack_groups(left_mask(prompt_lengths), right_mask(response_lengths), torch.tensor(prompt_index))
    generator = torch.Generator().manual_seed(seed)
    tokens = sum(prompt_lengths) + sum(response_lengths)
    packed = torch.randn(3, 1, HEADS, tokens, SIZE, dtype=torch.float64, generator=generator).requires_grad_()
    ours, _ = grouped_attention(MODULE, *packed, None, layout=layout)
    mask = owners(prompt_lengths, response_lengths, prompt_index)
    dense = torch.nn.functional.scaled_dot_product_attention(*packed, attn_mask=mask).transpose(1, 2)
    torch.testing.assert_close(ours, dense, atol=1e-12, rtol=1e-12)
    weights = torch.randn(ours.shape, dtype=torch.float64, generator=generator)
    gradients = [torch.autograd.grad((value * weights).sum(), packed)[0] for value in (ours, dense)]
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=1e-12)


def test_the_state_before_a_token_predicts_it() -> None:
    # Packed: prompts of 2 and 3 tokens at 0-1 and 2-4, responses of 2, 0 and 1 tokens at 5-6 and 7.
    layout = pack_groups(left_mask([2, 3]), right_mask([2, 0, 1]), torch.tensor([1, 0, 0]))
    assert layout.predicting.tolist() == [4, 5, 1]


def test_responses_of_like_length_attend_together_and_short_ones_apart() -> None:
    layout = pack_groups(left_mask([4, 4]), right_mask([100, 80, 20, 76]), torch.tensor([0, 0, 1, 1]))
    # Both prompts; then 100, 80 and 76, at least 3/4 of 100, filled up to it; then 20 alone.
    assert [tuple(part.queries.shape) for part in layout.parts] == [(2, 4), (3, 100), (1, 20)]


@pytest.mark.parametrize("key_heads", [1, 2])
def test_grouped_query_heads(key_heads: int) -> None:
    """Four query heads over fewer key heads, as the pretrained policies have."""
    module = SimpleNamespace(is_causal=True, training=False, num_key_value_groups=4 // key_heads)
    layout = pack_groups(left_mask([3, 2]), right_mask([4, 2, 3]), torch.tensor([0, 1, 1]))
    query = torch.randn(1, 4, 14, SIZE, dtype=torch.float64)
    key, value = torch.randn(2, 1, key_heads, 14, SIZE, dtype=torch.float64)
    ours, _ = grouped_attention(module, query, key, value, None, layout=layout)
    repeated = [tensor.repeat_interleave(4 // key_heads, dim=1) for tensor in (key, value)]
    expected, _ = grouped_attention(MODULE, query, *repeated, None, layout=layout)
    torch.testing.assert_close(ours, expected, atol=1e-12, rtol=1e-12)
