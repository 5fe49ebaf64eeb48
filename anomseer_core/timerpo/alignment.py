"""How far a sampled reasoning is from the expert's: transport, and the paper's two alternatives (Table 6, E.3).

Idea: one distance W per response, whatever the measure, so that everything after it (Eq. 5-8) stays the same.

- `transport`: Eq. 3-4.
- `cosine`: "token-wise cosine similarity". The paper says no more; here every response token goes to its nearest expert
  token on its own: W = sum_n u_n min_m C_nm. That is Eq. 4 without the constraint on the expert's side, so the ablation
  differs from transport in exactly that, and never exceeds its exact cost.
- `clip`: "CLIP-style InfoNCE, temperature 0.07". Each trace is the weighted mean of its states, the expert traces of
  the other prompts in the call are the negatives, and W is the InfoNCE loss of picking the own expert. With one prompt
  W is 0 and teaches nothing; near-identical experts, such as those of normal series, are negatives of each other.
- `mean_cosine`: the authors' option `clip`, which has no negatives: W is one minus the cosine of both mean states
  (plain means there, which is `marginals` `uniform`).

An empty trace counts as orthogonal to everything: W is 1, and for clip the loss of a blind pick, log(number of
experts), where 1 could beat honest reasoning. `marginals` weighs the tokens in all four; `regularisation` and
`iterations` concern transport alone.
"""

import torch
from torch import Tensor

from anomseer_core.timerpo.transport import (
    EMPTY_SIDE_COST,
    TokenStates,
    cosine_cost,
    directions,
    sinkhorn_cost,
    token_weights,
)
from anomseer_core.training.config import TransportConfig

__all__ = ["TokenStates", "alignment_distance"]

# Table 6's temperature (E.3), CLIP's own starting value.
CONTRASTIVE_TEMPERATURE = 0.07

# Bounds memory: a float64 copy of the states of so many responses takes 0.9 GB at the 7B model's 3,584 dimensions and
# 1,024 tokens. Speed hardly depends on it (2.6 to 5.5 ms a response for 1 to 80 at once, on one busy core).
RESPONSES_AT_ONCE = 32


@torch.no_grad()
def alignment_distance(
    config: TransportConfig, response: TokenStates, expert: TokenStates, expert_index: Tensor
) -> Tensor:
    """W of every response to the expert trace of its prompt.

    response: B sampled reasonings. expert: P expert traces, each once, however many responses its prompt has.
    expert_index: int64 `[B]`, which of the P experts each response answers to.
    Returns float64 `[B]`, at least 0. Other rows matter to `clip` only, where the P experts of this call compete.
    """
    pooled = {"clip": _contrastive_distance, "mean_cosine": _mean_distance}
    distance = pooled.get(config.alignment, _pairwise_distance)
    slices = torch.arange(len(expert_index), device=expert_index.device).split(RESPONSES_AT_ONCE)
    return torch.cat([distance(config, response.select(rows), expert, expert_index[rows]) for rows in slices])


def _pairwise_distance(
    config: TransportConfig, response: TokenStates, expert: TokenStates, expert_index: Tensor
) -> Tensor:
    """`transport` and `cosine`: each response against its own expert trace."""
    paired = expert.select(expert_index)
    cost_BNM = cosine_cost(response.states, paired.states, response.mask, paired.mask)
    u = token_weights(response, config.marginals)
    if config.alignment == "cosine":
        return _nearest_token_cost(cost_BNM, u, paired.mask)
    v = token_weights(paired, config.marginals)
    return sinkhorn_cost(cost_BNM, u, v, regularisation=config.regularisation, iterations=config.iterations)


def _nearest_token_cost(cost_BNM: Tensor, u: Tensor, expert_mask: Tensor) -> Tensor:
    """sum_n u_n min_m C_nm over the expert's tokens; EMPTY_SIDE_COST where a side is empty."""
    nearest_BN = cost_BNM.masked_fill(~expert_mask.unsqueeze(1), torch.inf).amin(dim=2)
    is_empty = (u.sum(dim=1) == 0) | ~expert_mask.any(dim=1)
    return (u * nearest_BN).sum(dim=1).masked_fill(is_empty, EMPTY_SIDE_COST)


def _contrastive_distance(
    config: TransportConfig, response: TokenStates, expert: TokenStates, expert_index: Tensor
) -> Tensor:
    """`clip`: -log softmax over the experts of cosine / temperature, at the own expert."""
    similarity_BP = _pooled_direction(config, response) @ _pooled_direction(config, expert).T
    return torch.nn.functional.cross_entropy(similarity_BP / CONTRASTIVE_TEMPERATURE, expert_index, reduction="none")


def _pooled_direction(config: TransportConfig, tokens: TokenStates) -> Tensor:
    """Float64 unit vectors along the weighted mean states, `[B, H]`; the zero vector for an empty row."""
    states = tokens.states.double().masked_fill(~tokens.mask.unsqueeze(2), 0.0)
    mean = torch.einsum("bt,bth->bh", token_weights(tokens, config.marginals), states)
    return directions(mean.unsqueeze(1), tokens.mask.any(dim=1, keepdim=True)).squeeze(1)


def _mean_distance(config: TransportConfig, response: TokenStates, expert: TokenStates, expert_index: Tensor) -> Tensor:
    """`mean_cosine`: 1 - cosine of both weighted mean states, cut at 0; 1 where a side is empty."""
    own = _pooled_direction(config, expert)[expert_index]
    return (1.0 - (_pooled_direction(config, response) * own).sum(dim=1)).clamp_min(0.0)
