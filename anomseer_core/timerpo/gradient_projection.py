"""Gradient-level projection (paper, Table 6 and E.3: "PCGrad-style gradient orthogonalization", Yu et al. 2020).

Idea: where TimerPO removes the overlap of two advantages before any gradient exists (Eq. 6), PCGrad takes both
gradients and acts only when they conflict: each is projected onto the normal plane of the other, and the update
follows their sum.

The paper gives no formula. Ours is the original one for two objectives, which needs no random order: both projections
start from the gradients as they came. First: Eq. 8 with the task advantage, its KL and entropy terms. Second: the
clipped term of Eq. 8 alone, with alpha times the reasoning advantage. The scale of a gradient does not change the plane
normal to it, so alpha weighs the second part of the update and nothing else.
"""

import torch
from torch import Tensor


def inner_product(first: Tensor, second: Tensor) -> Tensor:
    """<first, second> of two vectors `[D]`, summed in float64."""
    return (first * second).sum(dtype=torch.float64)


def project_conflicting(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both gradients `[D]`, without what opposes the other; unchanged where their inner product is not negative.

    first, second: whole gradients, summed over ranks: the projection of a part is not the part of the projection.

    >>> task, reasoning = project_conflicting(torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0]))
    >>> task.tolist(), reasoning.tolist()
    ([0.5, 0.5], [0.0, 1.0])
    """
    inner = inner_product(first, second)
    if inner >= 0:
        return first, second
    without_second = first - (inner / inner_product(second, second)).to(first.dtype) * second
    without_first = second - (inner / inner_product(first, first)).to(second.dtype) * first
    return without_second, without_first
