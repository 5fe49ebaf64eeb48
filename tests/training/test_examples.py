"""The order of training examples is a function of the step."""

import numpy as np

from anomseer_core.training.examples import rank_examples, step_indices


def test_each_epoch_is_a_permutation() -> None:
    # 10 examples in batches of 4: the first five steps are two whole passes.
    indices = np.concatenate([step_indices(0, step, 4, 10) for step in range(5)])
    assert sorted(indices[:10]) == list(range(10))
    assert sorted(indices[10:]) == list(range(10))
    assert not np.array_equal(indices[:10], indices[10:])


def test_a_step_is_known_without_the_ones_before_it() -> None:
    np.testing.assert_array_equal(step_indices(3, 7, 4, 10), step_indices(3, 7, 4, 10))
    assert not np.array_equal(step_indices(3, 7, 4, 10), step_indices(4, 7, 4, 10))


def test_ranks_share_a_step_without_overlap() -> None:
    examples = list("abcdefgh")
    indices = np.array([3, 1, 7, 0])
    assert rank_examples(examples, indices, 0, 2) == ["d", "b"]
    assert rank_examples(examples, indices, 1, 2) == ["h", "a"]
