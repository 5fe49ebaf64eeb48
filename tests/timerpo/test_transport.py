"""Eq. 3-5 by hand, and Sinkhorn pair by pair against POT's single-problem solvers."""

import math

import numpy as np
import ot
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.timerpo.transport import (
    EMPTY_SIDE_COST,
    LARGEST_COST,
    PLAIN_EXPONENT_LIMIT,
    TokenStates,
    cosine_cost,
    reasoning_rewards,
    sinkhorn_cost,
    token_weights,
)

F64 = torch.float64


def tensor(values):
    return torch.tensor(values, dtype=F64)


def random_problem(shape, seed):
    """Cosine costs of states with a common part, as hidden states have, and uneven masses."""
    rng = np.random.default_rng(seed)
    num_response, num_expert = shape
    common = rng.normal(size=8)
    response, expert = rng.normal(size=(num_response, 8)) + common, rng.normal(size=(num_expert, 8)) + common
    response /= np.linalg.norm(response, axis=1, keepdims=True)
    expert /= np.linalg.norm(expert, axis=1, keepdims=True)
    u, v = rng.uniform(0.01, 1, num_response), rng.uniform(0.01, 1, num_expert)
    return np.clip(1 - response @ expert.T, 0, 2), u / u.sum(), v / v.sum()


def padded_batch(problems, fill=0.7):
    """Zero-mass padding to a common size; what lies in the padded costs must not matter."""
    height, width = (max(sizes) for sizes in zip(*(cost.shape for cost, _, _ in problems), strict=True))
    costs = np.full((len(problems), height, width), fill)
    u, v = np.zeros((len(problems), height)), np.zeros((len(problems), width))
    for row, (cost, mass_u, mass_v) in enumerate(problems):
        costs[row, : cost.shape[0], : cost.shape[1]] = cost
        u[row, : len(mass_u)], v[row, : len(mass_v)] = mass_u, mass_v
    return tensor(costs), tensor(u), tensor(v)


def naive_sinkhorn_cost(cost, u, v, regularisation, iterations):
    """POT's single solver on the transposed problem, which updates in the order of its batched one."""
    plan = ot.sinkhorn(v, u, cost.T, regularisation, numItermax=iterations, stopThr=0, warn=False)
    return float((plan * cost.T).sum())


def solve(problems, regularisation=0.08, iterations=50):
    return sinkhorn_cost(*padded_batch(problems), regularisation=regularisation, iterations=iterations)


def test_cosine_cost_by_hand():
    # (1, 0) and (0, 2) against (3, 4) / 5: cosines 0.6 and 0.8; against (-1, 0): -1 and 0.
    cost = cosine_cost(
        tensor([[[1.0, 0.0], [0.0, 2.0]]]),
        tensor([[[3.0, 4.0], [-1.0, 0.0]]]),
        torch.ones(1, 2, dtype=torch.bool),
        torch.ones(1, 2, dtype=torch.bool),
    )
    torch.testing.assert_close(cost, tensor([[[0.4, 2.0], [0.2, 1.0]]]), rtol=0, atol=1e-15)


def test_cosine_cost_ignores_what_is_masked_and_never_goes_negative():
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(1, 6, 5, generator=generator)
    mask = torch.tensor([[True] * 4 + [False] * 2])
    spoilt = states.masked_fill(~mask.unsqueeze(2), math.nan)
    cost = cosine_cost(spoilt, spoilt, mask, mask)
    assert cost.min() >= 0
    assert cost[0, :4, :4].diagonal().tolist() == pytest.approx([0.0] * 4, abs=1e-15)
    assert cost[0, 4:].eq(1).all()
    # A state of length zero has no direction.
    assert cosine_cost(torch.zeros(1, 1, 5), states[:, :1], mask[:, :1], mask[:, :1]).item() == 1.0


def test_marginals_by_hand():
    # Lengths ln 1, ln 3 and (masked) 9: softmax 1/4, 3/4. Probabilities 0.2, 0.6 of a sum of 0.8.
    tokens = TokenStates(
        states=tensor([[[0.0, 0.0], [math.log(3), 0.0], [9.0, 0.0]]]),
        probabilities=tensor([[0.2, 0.6, 0.9]]),
        mask=torch.tensor([[True, True, False]]),
    )
    assert token_weights(tokens, "probability")[0].tolist() == pytest.approx([0.25, 0.75, 0.0])
    assert token_weights(tokens, "state_norm")[0].tolist() == pytest.approx([0.25, 0.75, 0.0])
    assert token_weights(tokens, "uniform")[0].tolist() == [0.5, 0.5, 0.0]


@pytest.mark.parametrize("marginals", ["probability", "state_norm", "uniform"])
def test_an_empty_row_has_no_mass_and_padding_may_be_nan(marginals):
    mask = torch.tensor([[False, False], [True, False]])
    spoilt = torch.ones(2, 2).masked_fill(~mask, math.nan)
    weights = token_weights(TokenStates(spoilt.unsqueeze(2).expand(2, 2, 3), spoilt, mask), marginals)
    assert weights.tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_probabilities_that_all_vanish_weigh_alike():
    tokens = TokenStates(torch.ones(1, 3, 2), torch.zeros(1, 3), torch.tensor([[True, True, False]]))
    assert token_weights(tokens, "probability").tolist() == [[0.5, 0.5, 0.0]]


def test_sinkhorn_by_hand():
    # Two against two, swap costs 1: P = [[p, q], [q, p]] with p / q = e^(1 / 0.5) and p + q = 1/2, W = 2 q.
    swap = tensor([[[0.0, 1.0], [1.0, 0.0]]])
    half = tensor([[0.5, 0.5]])
    result = sinkhorn_cost(swap, half, half, regularisation=0.5, iterations=50)
    assert result.item() == pytest.approx(1 / (1 + math.exp(2)), abs=1e-15)
    # One expert token: the plan is forced, 0.25 x 0.4 + 0.75 x 0.2.
    forced = sinkhorn_cost(
        tensor([[[0.4], [0.2]]]), tensor([[0.25, 0.75]]), tensor([[1.0]]), regularisation=0.08, iterations=1
    )
    assert forced.item() == pytest.approx(0.25, abs=1e-15)


@pytest.mark.parametrize("regularisation", [0.02, 0.08, 0.5])
@pytest.mark.parametrize("iterations", [3, 50])
def test_batch_equals_single_problems(regularisation, iterations):
    shapes = [(7, 11), (30, 20), (1, 5), (16, 1), (24, 24)]
    problems = [random_problem(shape, seed) for seed, shape in enumerate(shapes)]
    expected = [naive_sinkhorn_cost(*problem, regularisation, iterations) for problem in problems]
    assert solve(problems, regularisation, iterations).tolist() == pytest.approx(expected, abs=1e-9)


def test_converged_batch_equals_converged_single_problems():
    problems = [random_problem((12, 9), seed) for seed in range(4)]
    expected = [float((ot.sinkhorn(u, v, cost, 0.08, stopThr=1e-14) * cost).sum()) for cost, u, v in problems]
    assert solve(problems, 0.08, 500).tolist() == pytest.approx(expected, abs=1e-9)


def test_entropic_cost_lies_above_the_exact_one_and_falls_to_it():
    problems = [random_problem((10, 8), seed) for seed in range(3)]
    exact = tensor([ot.emd2(u, v, cost) for cost, u, v in problems])
    at_paper, nearly_exact = solve(problems, 0.08, 2000), solve(problems, 0.002, 2000)
    assert (at_paper > exact + 1e-3).all()
    torch.testing.assert_close(nearly_exact, exact, rtol=0, atol=2e-3)


def test_identical_sequences_cost_nothing_exactly_but_something_entropically():
    states = np.random.default_rng(3).normal(size=(9, 8))
    states /= np.linalg.norm(states, axis=1, keepdims=True)
    cost, mass = np.clip(1 - states @ states.T, 0, 2), np.full(9, 1 / 9)
    assert ot.emd2(mass, mass, cost) == pytest.approx(0.0, abs=1e-15)
    other = np.clip(1 - states @ np.roll(states, 1, axis=1).T, 0, 2)
    assert ot.emd2(mass, mass, other) > 0.1
    assert solve([(cost, mass, mass)]).item() > 1e-6


def exact_cost(response, expert):
    """W by POT's exact solver on our costs and marginals."""
    sides = [
        TokenStates(states, torch.rand(1, states.shape[1], dtype=F64), torch.ones(1, states.shape[1]).bool())
        for states in (response, expert)
    ]
    sides[1] = TokenStates(sides[1].states, sides[0].probabilities[:, : expert.shape[1]], sides[1].mask)
    u, v = (token_weights(side, "probability")[0].numpy() for side in sides)
    return ot.emd2(u, v, cosine_cost(response, expert, sides[0].mask, sides[1].mask)[0].numpy())


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(0, 7), st.floats(0.05, 3.0))
def test_exact_transport_is_zero_exactly_for_identical_reasonings(seed, length, position, angle):
    """Both directions: nothing for the same states, more than nothing once one token points elsewhere."""
    generator = torch.Generator().manual_seed(seed)
    states = torch.randn(1, length, 6, dtype=F64, generator=generator)
    assert exact_cost(states, states) == pytest.approx(0.0, abs=1e-12)
    turned = states.clone()
    token = turned[0, position % length]
    # A direction in a seventh dimension that no other token has.
    turned = torch.nn.functional.pad(turned, (0, 1))
    turned[0, position % length, 6] = math.tan(min(angle, 1.5)) * token.norm()
    assert exact_cost(turned, torch.nn.functional.pad(states, (0, 1))) > 1e-6


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=5), st.floats(0.0, 2.0))
def test_padding_and_neighbours_change_nothing(shapes, fill):
    problems = [random_problem(shape, seed) for seed, shape in enumerate(shapes)]
    together = sinkhorn_cost(*padded_batch(problems, fill), regularisation=0.08, iterations=20)
    alone = [solve([problem], 0.08, 20).item() for problem in problems]
    assert together.tolist() == pytest.approx(alone, abs=1e-13)


@pytest.mark.parametrize("regularisation", [0.001, 0.0099, 0.0101, 10.0])
def test_extreme_costs_and_masses_stay_finite(regularisation):
    # Both sides of the switch to the log domain (2 / 200 = 0.01), with the largest costs and masses down to 1e-200.
    assert LARGEST_COST / PLAIN_EXPONENT_LIMIT == 0.01
    generator = torch.Generator().manual_seed(4)
    cost = 2.0 * torch.randint(0, 2, (6, 5, 7), generator=generator, dtype=F64)
    u, v = torch.rand(6, 5, generator=generator, dtype=F64), torch.rand(6, 7, generator=generator, dtype=F64)
    u[:, 0], v[:3, 1], u[1, 2], v[:, 6] = 1e-200, 1e-12, 0.0, 0.0
    u, v = u / u.sum(1, keepdim=True), v / v.sum(1, keepdim=True)
    result = sinkhorn_cost(cost, u, v, regularisation=regularisation, iterations=50)
    assert result.isfinite().all()
    for row in range(6):
        rows, columns = u[row] > 0, v[row] > 0
        plan = ot.sinkhorn(
            v[row, columns].numpy(),
            u[row, rows].numpy(),
            cost[row][rows][:, columns].T.numpy(),
            regularisation,
            method="sinkhorn_log",
            numItermax=50,
            stopThr=0,
            warn=False,
        )
        expected = (plan.T * cost[row][rows][:, columns].numpy()).sum()
        assert result[row].item() == pytest.approx(expected, abs=1e-9)


def test_an_empty_side_costs_one_and_leaves_its_neighbours():
    cost, u, v = padded_batch([random_problem((4, 3), 0)] * 4)
    u[1], v[2] = 0.0, 0.0
    result = sinkhorn_cost(cost, u, v, regularisation=0.08, iterations=50)
    assert result[1:3].tolist() == [EMPTY_SIDE_COST, EMPTY_SIDE_COST] == [1.0, 1.0]
    assert result[0].item() == result[3].item() == pytest.approx(solve([random_problem((4, 3), 0)]).item(), abs=1e-15)
    assert sinkhorn_cost(cost, u * 0, v, regularisation=0.08, iterations=50).tolist() == [1.0] * 4


def test_reasoning_rewards_by_hand():
    # tau = 0.5: e^0 = 1; e^(-0.5 ln 2 / 0.5) = 1/2; e^-2.
    distances = tensor([0.0, 0.5 * math.log(2), 1.0])
    assert reasoning_rewards(distances, 0.5).tolist() == pytest.approx([1.0, 0.5, math.exp(-2)])


@pytest.mark.gpu
@pytest.mark.parametrize("regularisation", [0.08, 0.005])
def test_an_accelerator_gives_the_same_costs(regularisation):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    batch = padded_batch([random_problem(shape, seed) for seed, shape in enumerate([(7, 11), (30, 20), (1, 5)])])
    expected = sinkhorn_cost(*batch, regularisation=regularisation, iterations=50)
    result = sinkhorn_cost(*(part.cuda() for part in batch), regularisation=regularisation, iterations=50)
    assert result.device.type == "cuda"
    torch.testing.assert_close(result.cpu(), expected, rtol=0, atol=1e-9)
