"""The three distances behind one signature: by hand, and what padding and neighbours may not change."""

import math

import ot
import pytest
import torch

from anomseer_core.timerpo.alignment import (
    CONTRASTIVE_TEMPERATURE,
    RESPONSES_AT_ONCE,
    TokenStates,
    alignment_distance,
)
from anomseer_core.training.config import TransportConfig

F64 = torch.float64
ALIGNMENTS = ["transport", "cosine", "clip", "mean_cosine"]


def tokens(states, probabilities=None, mask=None):
    states = torch.as_tensor(states, dtype=F64)
    shape = states.shape[:2]
    return TokenStates(
        states,
        torch.ones(shape, dtype=F64) if probabilities is None else torch.as_tensor(probabilities, dtype=F64),
        torch.ones(shape, dtype=torch.bool) if mask is None else mask,
    )


def random_tokens(rows, length, seed):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, length + 1, (rows, 1), generator=generator)
    return tokens(
        torch.randn(rows, length, 6, dtype=F64, generator=generator) + 0.5,
        torch.rand(rows, length, dtype=F64, generator=generator),
        torch.arange(length) < lengths,
    )


def padded(side, extra):
    """More places, filled with NaN."""
    pad = torch.nn.functional.pad
    return TokenStates(
        pad(side.states, (0, 0, 0, extra), value=math.nan),
        pad(side.probabilities, (0, extra), value=math.nan),
        pad(side.mask, (0, extra)),
    )


def distance(alignment, response, expert, index, **fields):
    return alignment_distance(
        TransportConfig(alignment=alignment, **fields), response, expert, torch.as_tensor(index, dtype=torch.int64)
    )


def test_cosine_by_hand():
    # (1, 0): nearest expert token (3, 4) / 5, cost 0.4; (0, 1): the same one, cost 0.2. Masses 0.25 and 0.75.
    response = tokens([[[1.0, 0.0], [0.0, 1.0]]], probabilities=[[0.2, 0.6]])
    expert = tokens([[[3.0, 4.0], [-1.0, 0.0]]])
    assert distance("cosine", response, expert, [0]).item() == pytest.approx(0.25 * 0.4 + 0.75 * 0.2, abs=1e-15)
    assert distance("cosine", response, expert, [0], marginals="uniform").item() == pytest.approx(0.3, abs=1e-15)


def test_cosine_is_transport_without_the_expert_constraint():
    response, expert = random_tokens(6, 7, seed=1), random_tokens(6, 9, seed=2)
    relaxed = distance("cosine", response, expert, range(6), marginals="uniform")
    for row in range(6):
        x, y = response.states[row][response.mask[row]], expert.states[row][expert.mask[row]]
        cost = (1 - torch.nn.functional.normalize(x) @ torch.nn.functional.normalize(y).T).clamp_min(0).numpy()
        assert relaxed[row].item() <= ot.emd2([], [], cost) + 1e-12


def test_clip_by_hand():
    # Mean states (0.5, 0.5) and (0, 1) against experts (1, 0) and (0, 1).
    # First: cosines equal, a blind pick, ln 2. Second: own cosine 1, other 0: ln(1 + e^(-1 / 0.07)).
    response = tokens([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    expert = tokens([[[1.0, 0.0]], [[0.0, 1.0]]])
    expected = [math.log(2), math.log1p(math.exp(-1 / 0.07)), 1 / 0.07 + math.log1p(math.exp(-1 / 0.07))]
    own = distance("clip", response, expert, [0, 1])
    assert own.tolist() == pytest.approx(expected[:2], abs=1e-12)
    assert distance("clip", response, expert, [0, 0])[1].item() == pytest.approx(expected[2], abs=1e-12)
    assert CONTRASTIVE_TEMPERATURE == 0.07


def test_mean_cosine_by_hand():
    # Mean states (0.5, 0.5) against (3, 4) / 5: cosine 0.7 sqrt(2). With masses 1/4 and 3/4: along (1, 3) / sqrt(10).
    response = tokens([[[1.0, 0.0], [0.0, 1.0]]], probabilities=[[0.2, 0.6]])
    expert = tokens([[[3.0, 4.0], [0.6, 0.8]]])
    uniform = distance("mean_cosine", response, expert, [0], marginals="uniform")
    assert uniform.item() == pytest.approx(1 - 0.7 * math.sqrt(2), abs=1e-15)
    weighed = distance("mean_cosine", response, expert, [0])
    assert weighed.item() == pytest.approx(1 - (0.6 + 3 * 0.8) / math.sqrt(10), abs=1e-15)
    assert distance("mean_cosine", expert, expert, [0]).item() == pytest.approx(0.0, abs=1e-15)


def test_clip_with_a_single_expert_teaches_nothing():
    assert distance("clip", random_tokens(3, 4, seed=1), random_tokens(1, 4, seed=2), [0, 0, 0]).tolist() == [0.0] * 3


def test_transport_uses_every_field():
    response, expert = random_tokens(4, 7, seed=3), random_tokens(4, 9, seed=4)
    defaults = distance("transport", response, expert, range(4))
    for change in ({"marginals": "uniform"}, {"marginals": "state_norm"}, {"regularisation": 0.3}, {"iterations": 1}):
        assert not torch.allclose(distance("transport", response, expert, range(4), **change), defaults, atol=1e-6)


def test_transport_of_a_token_onto_itself_is_free():
    single = tokens([[[3.0, 4.0]]])
    assert distance("transport", single, single, [0]).item() == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_expert_index_says_who_answers_to_whom(alignment):
    response, expert = random_tokens(6, 5, seed=5), random_tokens(2, 8, seed=6)
    index = torch.tensor([0, 0, 0, 1, 1, 1])
    paired = distance(alignment, response, expert, index)
    order = torch.tensor([4, 1, 5, 0, 2, 3])
    torch.testing.assert_close(distance(alignment, response.select(order), expert, index[order]), paired[order])
    swapped = distance(alignment, response, expert.select(torch.tensor([1, 0])), 1 - index)
    torch.testing.assert_close(swapped, paired)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
@pytest.mark.parametrize("marginals", ["probability", "state_norm", "uniform"])
def test_padding_changes_nothing(alignment, marginals):
    response, expert = random_tokens(4, 5, seed=7), random_tokens(2, 6, seed=8)
    plain = distance(alignment, response, expert, [0, 0, 1, 1], marginals=marginals)
    wide = distance(alignment, padded(response, 3), padded(expert, 2), [0, 0, 1, 1], marginals=marginals)
    torch.testing.assert_close(wide, plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_more_responses_than_fit_at_once(alignment):
    size = RESPONSES_AT_ONCE + 3
    response, expert = random_tokens(size, 5, seed=16), random_tokens(3, 6, seed=17)
    index, last = torch.arange(size) % 3, torch.arange(size - 5, size)
    together = distance(alignment, response, expert, index)
    assert together.shape == (size,)
    torch.testing.assert_close(together[last], distance(alignment, response.select(last), expert, index[last]))


@pytest.mark.parametrize("alignment", ["transport", "cosine"])
def test_neighbours_change_nothing(alignment):
    response, expert = random_tokens(4, 5, seed=9), random_tokens(2, 6, seed=10)
    together = distance(alignment, response, expert, [0, 0, 1, 1])
    last = torch.tensor([3])
    alone = distance(alignment, response.select(last), expert.select(torch.tensor([1])), [0])
    torch.testing.assert_close(together[last], alone, rtol=0, atol=1e-12)


def test_an_empty_trace_is_orthogonal_to_everything():
    response, expert = random_tokens(3, 4, seed=11), random_tokens(3, 5, seed=12)
    response.mask[0], expert.mask[1] = False, False
    for alignment in ("transport", "cosine"):
        result = distance(alignment, response, expert, [0, 1, 2])
        assert result[:2].tolist() == [1.0, 1.0]
        assert result[2].isfinite()
    # Three experts, none nearer than another: ln 3.
    assert distance("clip", response, expert, [0, 1, 2])[0].item() == pytest.approx(math.log(3), abs=1e-12)


def test_the_distance_carries_no_gradient():
    side = random_tokens(2, 3, seed=13)
    side.states.requires_grad_()
    assert not any(distance(alignment, side, side, [0, 1]).requires_grad for alignment in ALIGNMENTS)


def test_bfloat16_states_are_measured_in_float64():
    response, expert = random_tokens(2, 4, seed=14), random_tokens(2, 5, seed=15)
    half = TokenStates(response.states.bfloat16(), response.probabilities.float(), response.mask)
    result = distance("transport", half, expert, [0, 1])
    assert result.dtype == F64
    torch.testing.assert_close(result, distance("transport", response, expert, [0, 1]), rtol=0, atol=1e-2)
