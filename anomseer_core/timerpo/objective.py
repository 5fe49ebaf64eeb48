"""The clipped policy objective with a KL penalty (paper, section 4.2, Eq. 8), as a loss to minimise.

Idea: move each token's probability along its response's advantage, no further than the clipping range from the policy
that sampled it, and stay near the reference policy.

The loss is a sum over tokens, each counting for its share (`loss_shares`) of the whole step. So the losses and
gradients of any parts of a step, cut by ranks or micro-batches, add up to those of the whole.

Deviations: the KL term is the k3 estimator exp(d) - d - 1 with d = log pi_ref - log pi (the paper leaves it open; the
authors' code uses the same), averaged over tokens like the policy term. Log-ratios are bounded before exp. Three
options come from the authors' code: `kl_cap` bounds each k3 value (at 10), which silences the penalty exactly on the
tokens that drifted furthest; `entropy_weight` adds a bonus; `loss_mean` `token` is one mean over all tokens, over the
whole step here and over each micro-batch there, where the loss depends on how responses were dealt.
"""

from typing import Literal

import torch
from torch import Tensor

LossMean = Literal["response", "token"]

# exp overflows float32 at 88; 20 is already a ratio of 5e8, far outside any trust region.
LOG_RATIO_BOUND = 20.0


def loss_shares(response_mask: Tensor, loss_mean: LossMean, *, responses: int, tokens: int) -> Tensor:
    """What each token counts for in Eq. 8: 1 / (responses |y_i|), or 1 / tokens under `token`; 0 outside the mask.

    response_mask: bool `[B, N]`, True on the tokens of each response.
    responses, tokens: how many there are in the whole step, over all of its parts.
    Returns float64 `[B, N]`. A response without tokens has no share and still counts among `responses`.
    """
    present = response_mask.double()
    if loss_mean == "token":
        return present / tokens
    return present / (responses * present.sum(dim=1, keepdim=True).clamp_min(1))


def clipped_objective(
    logprobs: Tensor,
    old_logprobs: Tensor,
    reference_logprobs: Tensor,
    entropy: Tensor,
    advantages: Tensor,
    shares: Tensor,
    *,
    clip: float,
    kl_weight: float,
    kl_cap: float = 0.0,
    entropy_weight: float = 0.0,
) -> tuple[Tensor, dict[str, float]]:
    """Eq. 8, negated: the scalar loss, and its metrics, weighted in the same way.

    logprobs: `[B, N]` log-probabilities of the sampled tokens under the policy; the gradient flows through these.
    old_logprobs: `[B, N]` under the policy that sampled; with one update per batch, the detached `logprobs`.
    reference_logprobs: `[B, N]` under the frozen reference policy.
    entropy: `[B, N]` of the policy's distribution at each token; a gradient flows through it with `entropy_weight`.
    advantages: `[B]`, one for all tokens of a response (Eq. 7).
    shares: `[B, N]`, what each token counts for; where it is 0 anything, NaN too, may stand.
    kl_cap: the largest KL value of a token; 0 is no cap.
    """
    assert shares.is_floating_point(), "shares weigh tokens; a mask says only which there are"
    counts = shares != 0
    ratio = _bounded_difference(logprobs, old_logprobs.detach(), counts).exp()
    clipped_ratio = ratio.clamp(1 - clip, 1 + clip)
    advantages = advantages.detach().unsqueeze(1)
    policy = torch.minimum(ratio * advantages, clipped_ratio * advantages)
    to_reference = _bounded_difference(reference_logprobs.detach(), logprobs, counts)
    kl = to_reference.exp() - to_reference - 1
    if kl_cap:
        kl = kl.clamp(max=kl_cap)
    entropy = torch.where(counts, entropy if entropy_weight else entropy.detach(), torch.zeros_like(entropy))

    weights = shares.to(logprobs.dtype)
    loss = -(weights * (policy - kl_weight * kl + entropy_weight * entropy)).sum()
    with torch.no_grad():
        is_held = clipped_ratio * advantages < ratio * advantages
        values = {
            "kl": kl,
            "entropy": entropy,
            "clip_ratio/region_mean": is_held,
            "clip_ratio/low_mean": is_held & (ratio < 1),
            "clip_ratio/high_mean": is_held & (ratio > 1),
        }
        metrics = {name: float((weights * value).sum()) for name, value in values.items()}
    return loss, metrics


def _bounded_difference(first: Tensor, second: Tensor, counts: Tensor) -> Tensor:
    """`first - second` where a token counts; 0 elsewhere, so that padding reaches neither value nor gradient."""
    difference = torch.where(counts, first - second, torch.zeros_like(first))
    return difference.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)
