"""PCGrad by hand, and what the projection must keep for any two gradients."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.timerpo.gradient_projection import inner_product, project_conflicting

F64 = torch.float64


def vector(values):
    return torch.tensor(values, dtype=F64)


@st.composite
def gradients(draw):
    size = draw(st.integers(1, 6))
    numbers = st.integers(-100, 100).map(lambda number: number / 10)
    row = st.lists(numbers, min_size=size, max_size=size)
    return vector(draw(row)), vector(draw(row))


def test_conflict_by_hand():
    # <first, second> = -4, |first|^2 = 4, |second|^2 = 8: first + second / 2, second + first.
    first, second = project_conflicting(vector([2.0, 0.0]), vector([-2.0, 2.0]))
    assert first.tolist() == [1.0, 1.0]
    assert second.tolist() == [0.0, 2.0]


def test_agreeing_gradients_are_left_alone():
    for pair in (([2.0, 0.0], [2.0, 2.0]), ([2.0, 0.0], [0.0, 3.0]), ([0.0, 0.0], [1.0, -1.0])):
        first, second = map(vector, pair)
        projected = project_conflicting(first, second)
        assert torch.equal(projected[0], first)
        assert torch.equal(projected[1], second)


def test_opposite_gradients_cancel():
    first, second = project_conflicting(vector([3.0, 4.0]), vector([-6.0, -8.0]))
    assert first.tolist() == pytest.approx([0.0, 0.0], abs=1e-12)
    assert second.tolist() == pytest.approx([0.0, 0.0], abs=1e-12)


def test_a_projection_of_parts_is_not_the_part_of_the_projection():
    """Why gradients are summed over ranks first."""
    ranks = [(vector([2.0, 0.0]), vector([-2.0, 2.0])), (vector([2.0, 0.0]), vector([4.0, 0.0]))]
    whole = sum(project_conflicting(*(sum(parts) for parts in zip(*ranks, strict=True))))
    assert not torch.allclose(whole, sum(sum(project_conflicting(*rank)) for rank in ranks))


def test_float32_gradients_stay_float32():
    first, second = project_conflicting(torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0]))
    assert first.dtype == second.dtype == torch.float32


@given(gradients())
def test_the_update_opposes_neither_objective(pair):
    update = sum(project_conflicting(*pair))
    scale = 1e-9 * (1 + sum(float(inner_product(gradient, gradient)) for gradient in pair))
    assert all(float(inner_product(update, gradient)) >= -scale for gradient in pair)


@given(gradients())
def test_a_projected_gradient_is_normal_to_the_other(pair):
    projected = project_conflicting(*pair)
    if inner_product(*pair) < 0:
        assert float(inner_product(projected[0], pair[1])) == pytest.approx(0.0, abs=1e-9)
        assert float(inner_product(projected[1], pair[0])) == pytest.approx(0.0, abs=1e-9)


@given(gradients(), st.floats(0.01, 100))
def test_the_weight_of_the_second_scales_the_second_alone(pair, alpha):
    first, second = project_conflicting(*pair)
    weighed = project_conflicting(pair[0], alpha * pair[1])
    torch.testing.assert_close(weighed[0], first, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(weighed[1], alpha * second, rtol=1e-9, atol=1e-9)


@given(gradients())
def test_the_order_of_the_two_does_not_matter(pair):
    first, second = project_conflicting(*pair)
    swapped = project_conflicting(pair[1], pair[0])
    assert torch.equal(swapped[0], second)
    assert torch.equal(swapped[1], first)
