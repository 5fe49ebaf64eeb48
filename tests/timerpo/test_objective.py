"""Eq. 8: value, metrics and gradient by hand, padding, and the mean over micro-batches."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.timerpo.objective import LOG_RATIO_BOUND, clipped_objective

F64 = torch.float64
CLIP, KL_WEIGHT = 0.2, 0.01

# Two responses of two and one tokens; the fourth place is padding.
NEW = torch.tensor([[0.6, 0.2], [0.3, 1.0]], dtype=F64).log()
OLD = torch.tensor([[0.4, 0.4], [0.2, 1.0]], dtype=F64).log()
REFERENCE = torch.tensor([[0.6, 0.4], [0.15, 1.0]], dtype=F64).log()
ADVANTAGES = torch.tensor([1.0, -1.0], dtype=F64)
RESPONSE_MASK = torch.tensor([[True, True], [True, False]])

# k3 = e^d - d - 1: d = 0; d = ln 2 -> 2 - ln 2 - 1; d = -ln 2 -> 0.5 + ln 2 - 1.
KL_FIRST = (0.0 + (1.0 - math.log(2))) / 2
KL_SECOND = math.log(2) - 0.5


def objective(new=NEW, old=OLD, reference=REFERENCE, advantages=ADVANTAGES, mask=RESPONSE_MASK):
    return clipped_objective(new, old, reference, advantages, mask, clip=CLIP, kl_weight=KL_WEIGHT)


def random_batch(rows, tokens, seed):
    generator = torch.Generator().manual_seed(seed)
    new, old, reference = (-3 * torch.rand(3, rows, tokens, dtype=F64, generator=generator)).unbind()
    lengths = torch.randint(0, tokens + 1, (rows, 1), generator=generator)
    advantages = torch.randn(rows, dtype=F64, generator=generator)
    return new, old, reference, advantages, torch.arange(tokens) < lengths


def test_value_by_hand():
    loss, metrics = objective()
    # Ratios 1.5 and 0.5 with A = 1: min(1.5, 1.2) = 1.2 and min(0.5, 0.8) = 0.5, mean 0.85.
    # Ratio 1.5 with A = -1: min(-1.5, -1.2) = -1.5.
    expected = ((0.85 - KL_WEIGHT * KL_FIRST) + (-1.5 - KL_WEIGHT * KL_SECOND)) / 2
    assert loss.item() == pytest.approx(-expected, abs=1e-15)
    # One of two tokens was held back in the first response, none in the second.
    assert metrics == pytest.approx({"kl": (KL_FIRST + KL_SECOND) / 2, "clip_ratio": 0.25}, abs=1e-15)


def test_gradient_by_hand():
    new = NEW.clone().requires_grad_()
    objective(new=new)[0].backward()
    # d(ratio A)/dlogp = ratio A where it is not clipped; dk3/dlogp = 1 - e^d; divided by 2 responses and |y|.
    first = -(0.0 - KL_WEIGHT * (1 - 1)) / 4
    second = -(0.5 - KL_WEIGHT * (1 - 2)) / 4
    third = -(-1.5 - KL_WEIGHT * (1 - 0.5)) / 2
    expected = torch.tensor([[first, second], [third, 0.0]], dtype=F64)
    torch.testing.assert_close(new.grad, expected, rtol=0, atol=1e-15)


def test_gradient_matches_finite_differences():
    *inputs, mask = random_batch(3, 4, seed=2)
    new, old, reference, advantages = inputs
    assert torch.autograd.gradcheck(
        lambda logprobs: objective(logprobs, old, reference, advantages, mask)[0], new.requires_grad_()
    )


def test_first_update_is_the_policy_gradient():
    # old = new detached: every ratio is 1, the value is the mean advantage, the gradient A / |y| / B.
    new = NEW.clone().requires_grad_()
    loss, metrics = objective(new=new, old=new.detach(), reference=new.detach())
    loss.backward()
    assert loss.item() == pytest.approx(-(1.0 - 1.0) / 2)
    assert metrics == {"kl": 0.0, "clip_ratio": 0.0}
    torch.testing.assert_close(new.grad, torch.tensor([[-0.25, -0.25], [0.5, 0.0]], dtype=F64))


def test_row_without_tokens_contributes_nothing():
    padding = torch.full((1, 2), math.nan, dtype=F64)
    new = torch.cat([NEW, padding]).requires_grad_()
    loss, metrics = objective(
        new,
        torch.cat([OLD, padding]),
        torch.cat([REFERENCE, padding]),
        torch.cat([ADVANTAGES, torch.ones(1, dtype=F64)]),
        torch.cat([RESPONSE_MASK, torch.zeros(1, 2, dtype=torch.bool)]),
    )
    loss.backward()
    alone, alone_metrics = objective()
    # Still one of three responses.
    assert loss.item() == pytest.approx(alone.item() * 2 / 3, abs=1e-15)
    assert metrics["kl"] == pytest.approx(alone_metrics["kl"] * 2 / 3, abs=1e-15)
    assert new.grad[2].eq(0).all()
    assert new.grad.isfinite().all()


def test_a_token_far_off_stays_finite():
    new = torch.tensor([[-200.0]], requires_grad=True)
    loss, metrics = clipped_objective(
        new,
        new.detach() - 150,
        torch.zeros(1, 1),
        torch.tensor([-1.0]),
        torch.ones(1, 1, dtype=torch.bool),
        clip=CLIP,
        kl_weight=KL_WEIGHT,
    )
    assert loss.isfinite()
    assert metrics["kl"] == pytest.approx(math.exp(LOG_RATIO_BOUND), rel=1e-6)


def test_the_gradient_reaches_only_the_policy():
    inputs = [tensor.clone().requires_grad_() for tensor in (NEW, OLD, REFERENCE, ADVANTAGES)]
    objective(*inputs)[0].backward()
    assert inputs[0].grad is not None
    assert all(tensor.grad is None for tensor in inputs[1:])


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 5))
def test_padding_changes_nothing(seed, extra):
    new, old, reference, advantages, mask = random_batch(4, 6, seed)
    generator = torch.Generator().manual_seed(seed)
    padded = [
        torch.cat([tensor, torch.randn(4, extra, dtype=F64, generator=generator)], 1)
        for tensor in (new, old, reference)
    ]
    loss, metrics = objective(*padded, advantages, torch.nn.functional.pad(mask, (0, extra)))
    expected, expected_metrics = objective(new, old, reference, advantages, mask)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    assert metrics == pytest.approx(expected_metrics, abs=1e-12)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 4]))
def test_mean_over_equal_micro_batches_is_the_whole(seed, parts):
    batch = random_batch(8, 5, seed)
    whole, metrics = objective(*batch)
    pieces = [objective(*piece) for piece in zip(*(tensor.chunk(parts) for tensor in batch), strict=True)]
    assert whole.item() == pytest.approx(sum(loss.item() for loss, _ in pieces) / parts, abs=1e-12)
    for name, value in metrics.items():
        assert value == pytest.approx(sum(piece[name] for _, piece in pieces) / parts, abs=1e-12)
