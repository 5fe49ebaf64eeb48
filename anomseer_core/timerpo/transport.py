"""Optimal transport from a sampled reasoning to the expert's (paper, section 4.2, Eq. 3-5).

Idea: tokens are weighted points in the policy's final-layer space; W is the least cost, in cosine distance, of moving
the response's weight onto the expert trace's. Near reasonings earn a reward near 1.

Deviations: the regularised problem is solved as the paper says, with a fixed number of Sinkhorn iterations, in float64.
Three things come from the authors' code, not the paper: cosine distances are cut at 0 (rounding alone makes them
negative), an empty side costs 1.0 (the distance of orthogonal states), and the marginals `state_norm`.

Solver: `ot.batch.solve_batch` of POT 0.9.7, measured on 80 problems of 128 x 128 tokens, 50 iterations, float64, one
core, per problem: its `sinkhorn` 3.4 ms, its `log_sinkhorn` (the default) 12.3 ms, `ot.sinkhorn` pair by pair 1.8 ms
(but a kernel launch per operation and pair on a GPU), exact `ot.emd2` 2.4 ms, a plain torch kernel 1.1 ms; the
entropic ones agree to 3e-16. POT's plain solver serves: a step of 80 responses spends 0.3 s here, and a kernel of our
own would save 0.2 s. Its log domain takes over where small regularisation could leave the range of float64.
POT's stop test spans the batch, so it is switched off: neighbours would decide how long a problem iterates.

Axes: B responses, N response tokens, M expert tokens, T tokens of either side, H hidden size.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Marginals = Literal["probability", "state_norm", "uniform"]

# The cosine distance of orthogonal states: what an absent reasoning costs.
EMPTY_SIDE_COST = 1.0
# Cosine distance lies in [0, 2].
LARGEST_COST = 2.0
# exp(-cost / regularisation) and the scalings that undo it span this exponent twice over; float64 ends at 708.
PLAIN_EXPONENT_LIMIT = 200.0
# Pairs with an absent token get a kernel entry e^-60 = 9e-27 times the smallest real one: nothing beside real entries
# in float64, yet not 0, which would make POT divide 0 by 0.
ABSENT_EXPONENT_MARGIN = 60.0


@dataclass(frozen=True, eq=False)
class TokenStates:
    """One side of the transport, padded; what stands outside the mask never matters, NaN included.

    states: `[B, T, H]` final-layer hidden states.
    probabilities: `[B, T]`, the probability the policy gave each token, in [0, 1].
    mask: bool `[B, T]`, True on the tokens that count.
    """

    states: Tensor
    probabilities: Tensor
    mask: Tensor

    def __post_init__(self) -> None:
        assert self.states.shape[:2] == self.probabilities.shape == self.mask.shape

    def select(self, rows: Tensor) -> "TokenStates":
        """The rows `[B]` (int64) of each part, repeated where an index repeats."""
        return TokenStates(self.states[rows], self.probabilities[rows], self.mask[rows])


def directions(states: Tensor, mask: Tensor) -> Tensor:
    """States `[B, T, H]` as float64 unit vectors; absent and zero states become zero vectors."""
    present = states.double().masked_fill(~mask.unsqueeze(2), 0.0)
    norms = torch.linalg.vector_norm(present, dim=2, keepdim=True)
    return present / norms.clamp_min(torch.finfo(torch.float64).tiny)


@torch.no_grad()
def cosine_cost(response_states: Tensor, expert_states: Tensor, response_mask: Tensor, expert_mask: Tensor) -> Tensor:
    """Eq. 3: cosine distance between every response token and every expert token.

    response_states: `[B, N, H]`; expert_states: `[B, M, H]`; the masks, bool `[B, N]` and `[B, M]`, keep real tokens.
    Returns float64 `[B, N, M]` in [0, 2]; 1 where a token is absent or its state is the zero vector.
    """
    cosine_BNM = directions(response_states, response_mask) @ directions(expert_states, expert_mask).transpose(1, 2)
    # Rounding can carry a cosine past +-1.
    return (1.0 - cosine_BNM).clamp(0.0, LARGEST_COST)


@torch.no_grad()
def token_weights(tokens: TokenStates, marginals: Marginals) -> Tensor:
    """The marginals u and v of Eq. 4: the mass of each token.

    `probability`: generation probabilities divided by their sum (the paper); a row whose probabilities are all zero
    weighs its tokens alike. `state_norm`: softmax of the states' L2 norms (the authors' code). `uniform`: all alike.
    Returns float64 `[B, T]`: each row sums to 1, is 0 outside the mask, and all 0 when it has no token.
    """
    present = tokens.mask.double()
    if marginals == "state_norm":
        norms = torch.linalg.vector_norm(tokens.states.double(), dim=2).masked_fill(~tokens.mask, -torch.inf)
        # A row without tokens is NaN after the softmax.
        return norms.softmax(dim=1).masked_fill(~tokens.mask, 0.0)
    if marginals == "probability":
        mass = tokens.probabilities.double().masked_fill(~tokens.mask, 0.0)
        mass = torch.where(mass.sum(dim=1, keepdim=True) == 0, present, mass)
    else:
        mass = present
    return mass / mass.sum(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float64).tiny)


@torch.no_grad()
def sinkhorn_cost(cost: Tensor, u: Tensor, v: Tensor, *, regularisation: float, iterations: int) -> Tensor:
    """Eq. 4: cost <P, C> of the entropic transport plan, after exactly `iterations` Sinkhorn iterations.

    cost: `[B, N, M]` in [0, 2]. u: `[B, N]` and v: `[B, M]`: masses; a row sums to 1, or is all 0 on an empty side.
    A token of zero mass is absent: neither it nor its costs change the result, nor do the other rows of the batch.
    Returns float64 `[B]`, EMPTY_SIDE_COST where a side is empty. The entropic cost of identical sequences is not 0.

    >>> one_to_one = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    >>> half = torch.tensor([[0.5, 0.5]])
    >>> round(sinkhorn_cost(one_to_one, half, half, regularisation=0.5, iterations=50).item(), 6)  # 1 / (1 + e^2)
    0.119203
    """
    # Imported where used: POT costs seconds, and only the training step transports.
    from ot.batch import solve_batch

    total_cost = torch.full((len(cost),), EMPTY_SIDE_COST, dtype=torch.float64, device=cost.device)
    solvable = (u.sum(dim=1) != 0) & (v.sum(dim=1) != 0)
    if not solvable.any():
        return total_cost
    cost, u, v = cost[solvable].double(), u[solvable].double(), v[solvable].double()
    absent_BNM = (u == 0).unsqueeze(2) | (v == 0).unsqueeze(1)
    cost = cost.masked_fill(absent_BNM, LARGEST_COST + ABSENT_EXPONENT_MARGIN * regularisation)
    method = "sinkhorn" if LARGEST_COST / regularisation <= PLAIN_EXPONENT_LIMIT else "log_sinkhorn"
    # POT's plain solver starts its scalings on the default device, wherever the costs are.
    with cost.device:
        plan = solve_batch(cost, regularisation, a=u, b=v, max_iter=iterations, tol=0, method=method, grad="detach")
    total_cost[solvable] = plan.value_linear
    return total_cost


def reasoning_rewards(distance: Tensor, tau: float) -> Tensor:
    """r_TSR = exp(-W / tau), above Eq. 5: 1 for no distance, towards 0 with it. distance: `[...]`, at least 0."""
    return (-distance / tau).exp()
