"""The clipped policy objective with a KL penalty (paper, section 4.2, Eq. 8), as a loss to minimise.

Idea: move each token's probability along its response's advantage, no further than the clipping range from the policy
that sampled it, and stay near the reference policy.

Deviations: the KL term is the k3 estimator exp(d) - d - 1 with d = log pi_ref - log pi (the paper leaves it open; the
authors' code uses the same), averaged over tokens like the policy term. Log-ratios are bounded before exp. The authors
also cap each k3 value at 10, which silences the penalty exactly on the tokens that drifted furthest: not done here.
They average tokens over the micro-batch; Eq. 8, and this module, average tokens per response and then responses, so
that the mean over equal micro-batches or ranks is the loss of the whole.
"""

import torch
from torch import Tensor

# exp overflows float32 at 88; 20 is already a ratio of 5e8, far outside any trust region.
LOG_RATIO_BOUND = 20.0


def clipped_objective(
    logprobs: Tensor,
    old_logprobs: Tensor,
    reference_logprobs: Tensor,
    advantages: Tensor,
    response_mask: Tensor,
    *,
    clip: float,
    kl_weight: float,
) -> tuple[Tensor, dict[str, float]]:
    """Eq. 8, negated: the scalar loss, and its metrics `kl` and `clip_ratio`, averaged in the same way.

    logprobs: `[B, N]` log-probabilities of the sampled tokens under the policy; the gradient flows through these.
    old_logprobs: `[B, N]` under the policy that sampled; with one update per batch, the detached `logprobs`.
    reference_logprobs: `[B, N]` under the frozen reference policy.
    advantages: `[B]`, one for all tokens of a response (Eq. 7).
    response_mask: bool `[B, N]`, True on the tokens of the response; elsewhere anything, NaN too, may stand.

    A row without tokens contributes 0 and still counts in the mean over responses; clear the row of a response that
    must not be learned from.
    """
    ratio = _bounded_difference(logprobs, old_logprobs.detach(), response_mask).exp()
    clipped_ratio = ratio.clamp(1 - clip, 1 + clip)
    advantages = advantages.detach().unsqueeze(1)
    policy = torch.minimum(ratio * advantages, clipped_ratio * advantages)
    to_reference = _bounded_difference(reference_logprobs.detach(), logprobs, response_mask)
    kl = to_reference.exp() - to_reference - 1

    loss = -_mean_over_responses(policy - kl_weight * kl, response_mask)
    with torch.no_grad():
        is_clipped = (clipped_ratio * advantages < ratio * advantages).to(ratio.dtype)
        metrics = {
            "kl": _mean_over_responses(kl, response_mask).item(),
            "clip_ratio": _mean_over_responses(is_clipped, response_mask).item(),
        }
    return loss, metrics


def _bounded_difference(first: Tensor, second: Tensor, response_mask: Tensor) -> Tensor:
    """`first - second` on the response; 0 elsewhere, so that padding reaches neither value nor gradient."""
    difference = torch.where(response_mask, first - second, torch.zeros_like(first))
    return difference.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)


def _mean_over_responses(values: Tensor, response_mask: Tensor) -> Tensor:
    """(1 / B) sum_i (1 / |y_i|) sum_n values[i, n] of Eq. 8."""
    token_counts = response_mask.sum(dim=1).clamp_min(1)
    return ((values * response_mask).sum(dim=1) / token_counts).mean()
