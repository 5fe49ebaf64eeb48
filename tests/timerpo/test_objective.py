"""Eq. 8: value, metrics and gradient by hand, padding, and the sum over the parts of a step."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.timerpo.objective import LOG_RATIO_BOUND, clipped_objective, loss_shares

F64 = torch.float64
CLIP, KL_WEIGHT = 0.2, 0.01

# Two responses of two and one tokens; the fourth place is padding.
NEW = torch.tensor([[0.6, 0.2], [0.3, 1.0]], dtype=F64).log()
OLD = torch.tensor([[0.4, 0.4], [0.2, 1.0]], dtype=F64).log()
REFERENCE = torch.tensor([[0.6, 0.4], [0.15, 1.0]], dtype=F64).log()
ENTROPY = torch.tensor([[0.5, 0.3], [0.8, 9.0]], dtype=F64)
ADVANTAGES = torch.tensor([1.0, -1.0], dtype=F64)
RESPONSE_MASK = torch.tensor([[True, True], [True, False]])

# k3 = e^d - d - 1: d = 0; d = ln 2 -> 2 - ln 2 - 1; d = -ln 2 -> 0.5 + ln 2 - 1.
KL_FIRST = (0.0 + (1.0 - math.log(2))) / 2
KL_SECOND = math.log(2) - 0.5


def shares(mask, loss_mean="response", responses=None):
    return loss_shares(mask, loss_mean, responses=responses or len(mask), tokens=int(mask.sum()))


def objective(
    new=NEW, old=OLD, reference=REFERENCE, entropy=ENTROPY, advantages=ADVANTAGES, mask=RESPONSE_MASK, **fields
):
    weights = {"clip": CLIP, "kl_weight": KL_WEIGHT} | fields
    counts = mask if mask.is_floating_point() else shares(mask)
    return clipped_objective(new, old, reference, entropy, advantages, counts, **weights)


def random_batch(rows, tokens, seed):
    generator = torch.Generator().manual_seed(seed)
    new, old, reference = (-3 * torch.rand(3, rows, tokens, dtype=F64, generator=generator)).unbind()
    lengths = torch.randint(0, tokens + 1, (rows, 1), generator=generator)
    lengths[0] = tokens
    advantages = torch.randn(rows, dtype=F64, generator=generator)
    return new, old, reference, torch.rand(rows, tokens, dtype=F64), advantages, torch.arange(tokens) < lengths


def test_shares_by_hand():
    # Two responses of two and one tokens among five of the whole step, with ten tokens.
    per_response = loss_shares(RESPONSE_MASK, "response", responses=5, tokens=10)
    assert per_response.tolist() == [[0.1, 0.1], [0.2, 0.0]]
    assert loss_shares(RESPONSE_MASK, "token", responses=5, tokens=10).tolist() == [[0.1, 0.1], [0.1, 0.0]]
    assert loss_shares(torch.zeros(1, 3, dtype=torch.bool), "response", responses=1, tokens=1).eq(0).all()


def test_value_by_hand():
    loss, metrics = objective()
    # Ratios 1.5 and 0.5 with A = 1: min(1.5, 1.2) = 1.2 and min(0.5, 0.8) = 0.5, mean 0.85.
    # Ratio 1.5 with A = -1: min(-1.5, -1.2) = -1.5.
    expected = ((0.85 - KL_WEIGHT * KL_FIRST) + (-1.5 - KL_WEIGHT * KL_SECOND)) / 2
    assert loss.item() == pytest.approx(-expected, abs=1e-15)
    # One of two tokens was held back from above in the first response, none in the second.
    assert metrics == pytest.approx(
        {
            "kl": (KL_FIRST + KL_SECOND) / 2,
            "entropy": (0.4 + 0.8) / 2,
            "clip_ratio/region_mean": 0.25,
            "clip_ratio/low_mean": 0.0,
            "clip_ratio/high_mean": 0.25,
        },
        abs=1e-15,
    )


def test_a_falling_token_of_a_bad_response_is_held_from_below():
    # Ratio 0.5 with A = -1: min(-0.5, -0.8) = -0.8, without gradient.
    new = torch.tensor([[0.2]], dtype=F64).log().requires_grad_()
    old = torch.tensor([[0.4]], dtype=F64).log()
    mask, advantages = torch.tensor([[True]]), torch.tensor([-1.0], dtype=F64)
    loss, metrics = objective(new, old, old, torch.zeros(1, 1, dtype=F64), advantages, mask, kl_weight=0.0)
    loss.backward()
    assert loss.item() == pytest.approx(0.8)
    assert new.grad.item() == 0.0
    assert (metrics["clip_ratio/low_mean"], metrics["clip_ratio/high_mean"]) == (1.0, 0.0)


def test_one_mean_over_all_tokens_by_hand():
    # (1.2 + 0.5 - 1.5) / 3 and k3 (0 + (1 - ln 2) + (ln 2 - 0.5)) / 3 = 1/6.
    loss, metrics = objective(mask=shares(RESPONSE_MASK, "token"))
    assert loss.item() == pytest.approx(-(0.2 / 3 - KL_WEIGHT / 6), abs=1e-15)
    assert metrics["kl"] == pytest.approx(1 / 6, abs=1e-15)


def test_entropy_bonus_by_hand():
    # Its mean is ((0.5 + 0.3) / 2 + 0.8) / 2 = 0.6; each token's gradient is minus its share times the weight.
    entropy = ENTROPY.clone().requires_grad_()
    loss, _ = objective(new=NEW.clone().requires_grad_(), entropy=entropy, entropy_weight=0.1)
    loss.backward()
    assert loss.item() == pytest.approx(objective()[0].item() - 0.1 * 0.6, abs=1e-15)
    torch.testing.assert_close(entropy.grad, torch.tensor([[-0.025, -0.025], [-0.05, 0.0]], dtype=F64))


def test_kl_cap_by_hand():
    # The second token's k3 is 1 - ln 2 = 0.307, cut at 0.25: without gradient from there on.
    new = NEW.clone().requires_grad_()
    loss, metrics = objective(new=new, kl_cap=0.25, kl_weight=1.0)
    loss.backward()
    assert metrics["kl"] == pytest.approx((0.125 + KL_SECOND) / 2, abs=1e-15)
    # What is left of it is the clipped term alone: -(0.5) / 4.
    assert new.grad[0, 1].item() == pytest.approx(-0.125, abs=1e-15)
    assert objective(kl_cap=10.0)[0].item() == objective()[0].item()


def test_gradient_by_hand():
    new = NEW.clone().requires_grad_()
    objective(new=new)[0].backward()
    # d(ratio A)/dlogp = ratio A where it is not clipped; dk3/dlogp = 1 - e^d; divided by 2 responses and |y|.
    first = -(0.0 - KL_WEIGHT * (1 - 1)) / 4
    second = -(0.5 - KL_WEIGHT * (1 - 2)) / 4
    third = -(-1.5 - KL_WEIGHT * (1 - 0.5)) / 2
    expected = torch.tensor([[first, second], [third, 0.0]], dtype=F64)
    torch.testing.assert_close(new.grad, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("loss_mean", ["response", "token"])
def test_gradient_matches_finite_differences(loss_mean):
    new, old, reference, entropy, advantages, mask = random_batch(3, 4, seed=2)
    counts = shares(mask, loss_mean)
    assert torch.autograd.gradcheck(
        lambda logprobs, bonus: objective(logprobs, old, reference, bonus, advantages, counts, entropy_weight=0.2)[0],
        (new.requires_grad_(), entropy.requires_grad_()),
    )


def test_first_update_is_the_policy_gradient():
    # old = new detached: every ratio is 1, the value is the mean advantage, the gradient A / |y| / B.
    new = NEW.clone().requires_grad_()
    loss, metrics = objective(new=new, old=new.detach(), reference=new.detach())
    loss.backward()
    assert loss.item() == pytest.approx(-(1.0 - 1.0) / 2)
    assert (metrics["kl"], metrics["clip_ratio/region_mean"]) == (0.0, 0.0)
    torch.testing.assert_close(new.grad, torch.tensor([[-0.25, -0.25], [0.5, 0.0]], dtype=F64))


def test_row_without_tokens_contributes_nothing():
    padding = torch.full((1, 2), math.nan, dtype=F64)
    new = torch.cat([NEW, padding]).requires_grad_()
    loss, metrics = objective(
        new,
        torch.cat([OLD, padding]),
        torch.cat([REFERENCE, padding]),
        torch.cat([ENTROPY, padding]),
        torch.cat([ADVANTAGES, torch.ones(1, dtype=F64)]),
        torch.cat([RESPONSE_MASK, torch.zeros(1, 2, dtype=torch.bool)]),
        entropy_weight=0.1,
    )
    loss.backward()
    alone, alone_metrics = objective(entropy_weight=0.1)
    # Still one of three responses.
    assert loss.item() == pytest.approx(alone.item() * 2 / 3, abs=1e-15)
    assert metrics["kl"] == pytest.approx(alone_metrics["kl"] * 2 / 3, abs=1e-15)
    assert new.grad[2].eq(0).all()
    assert new.grad.isfinite().all()


def test_a_token_far_off_stays_finite():
    new = torch.tensor([[-200.0]], requires_grad=True)
    one = torch.ones(1, 1)
    loss, metrics = clipped_objective(
        new, new.detach() - 150, 0 * one, 0 * one, torch.tensor([-1.0]), one, clip=CLIP, kl_weight=KL_WEIGHT
    )
    assert loss.isfinite()
    assert metrics["kl"] == pytest.approx(math.exp(LOG_RATIO_BOUND), rel=1e-6)


def test_the_gradient_reaches_only_the_policy():
    inputs = [tensor.clone().requires_grad_() for tensor in (NEW, OLD, REFERENCE, ENTROPY, ADVANTAGES)]
    objective(*inputs)[0].backward()
    assert inputs[0].grad is not None
    assert all(tensor.grad is None for tensor in inputs[1:])


def test_a_mask_is_not_taken_for_shares():
    with pytest.raises(AssertionError, match="shares"):
        clipped_objective(NEW, OLD, REFERENCE, ENTROPY, ADVANTAGES, RESPONSE_MASK, clip=CLIP, kl_weight=KL_WEIGHT)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 5))
def test_padding_changes_nothing(seed, extra):
    *tokens, advantages, mask = random_batch(4, 6, seed)
    generator = torch.Generator().manual_seed(seed)
    padded = [torch.cat([tensor, torch.randn(4, extra, dtype=F64, generator=generator)], 1) for tensor in tokens]
    wide = torch.nn.functional.pad(mask, (0, extra))
    loss, metrics = objective(*padded, advantages, wide, entropy_weight=0.1)
    expected, expected_metrics = objective(*tokens, advantages, mask, entropy_weight=0.1)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-12)
    assert metrics == pytest.approx(expected_metrics, abs=1e-12)


@settings(deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.integers(1, 7), unique=True, max_size=3).map(sorted),
    st.sampled_from(["response", "token"]),
)
def test_the_parts_of_a_step_add_up_to_the_whole(seed, cuts, loss_mean):
    """Any cut into micro-batches or ranks, equal or not: value, metrics and gradient."""
    *tensors, mask = random_batch(8, 5, seed)
    counts = shares(mask, loss_mean)
    new = tensors[0].requires_grad_()
    whole, metrics = objective(*tensors, counts, entropy_weight=0.1)
    (gradient,) = torch.autograd.grad(whole, new)
    sizes = [stop - start for start, stop in zip([0, *cuts], [*cuts, 8], strict=True)]
    pieces = [
        objective(*piece, entropy_weight=0.1)
        for piece in zip(*(tensor.split(sizes) for tensor in (*tensors, counts)), strict=True)
    ]
    total = sum(loss for loss, _ in pieces)
    assert total.item() == pytest.approx(whole.item(), abs=1e-12)
    torch.testing.assert_close(torch.autograd.grad(total, new)[0], gradient, rtol=0, atol=1e-12)
    for name, value in metrics.items():
        assert sum(piece[name] for _, piece in pieces) == pytest.approx(value, abs=1e-12)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_responses_changes_nothing(seed, random):
    batch = random_batch(6, 5, seed)
    order = list(range(6))
    random.shuffle(order)
    shuffled = objective(*(tensor[order] for tensor in batch))
    assert shuffled[0].item() == pytest.approx(objective(*batch)[0].item(), abs=1e-12)
    assert shuffled[1] == pytest.approx(objective(*batch)[1], abs=1e-12)
