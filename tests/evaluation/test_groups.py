import numpy as np
import pandas as pd

from anomseer_core.evaluation.groups import PARTS, task_weights


def test_a_group_is_the_mean_of_its_tasks_and_the_average_that_of_the_groups():
    tasks = ["freq", "freq", "noisy-freq", "trend", "flat-trend", "noisy-trend", "range", "point", "noisy-point"]
    weights = pd.DataFrame(task_weights(pd.Series(tasks)), columns=PARTS)
    # Two series share the half of `freq`; in the average a group has a quarter.
    assert weights["Frequency"].tolist() == [1 / 4, 1 / 4, 1 / 2, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(weights["Trend"], [0, 0, 0, 1 / 3, 1 / 3, 1 / 3, 0, 0, 0])
    np.testing.assert_allclose(weights["Avg"], np.array([1.5, 1.5, 3, 2, 2, 2, 6, 3, 3]) / 24)
    np.testing.assert_allclose(weights.sum(), 1)


def test_a_group_without_one_of_its_tasks_weighs_nothing():
    weights = pd.DataFrame(task_weights(pd.Series(["freq", "range"])), columns=PARTS)
    assert weights.sum().tolist() == [0, 0, 1, 0, 0]
