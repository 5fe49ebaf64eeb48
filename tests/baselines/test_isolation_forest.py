"""The isolation forest on single values."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from anomseer_core.baselines.isolation_forest import IsolationForestDetector, isolated_intervals
from anomseer_core.series import AnomalyClass, Series


def noise(length=200):
    return np.random.default_rng(0).normal(scale=0.1, size=length)


def test_extreme_values_are_isolated():
    values = noise()
    values[50:55] += 5
    found = isolated_intervals(values)
    assert (50, 55) in found
    # The decision is scikit-learn's own, at its default offset.
    forest = IsolationForest(random_state=42).fit(values.reshape(-1, 1))
    expected = np.flatnonzero(forest.score_samples(values.reshape(-1, 1)) < -0.5)
    assert [index for start, stop in found for index in range(start, stop)] == expected.tolist()


def test_missing_samples_take_no_part():
    values = noise()
    values[50:55] += 5
    holes = np.insert(values, 52, [np.nan, np.nan])
    found = isolated_intervals(holes)
    assert (50, 52) in found
    assert (54, 57) in found
    assert len(found) == len(isolated_intervals(values)) + 1


@pytest.mark.parametrize("values", [np.full(50, 2.0), np.full(50, np.nan), np.array([1.0]), np.array([1.0, np.nan])])
def test_nothing_to_isolate(values):
    assert isolated_intervals(values) == []


def test_channels_are_coordinates():
    values = np.stack([noise(), noise()])
    values[:, 20] = (5, -5)
    series = Series("s", values, ((20, 21),), AnomalyClass.UNKNOWN)
    (prediction,) = IsolationForestDetector().detect([series])
    assert any(start <= 20 < stop for start, stop in prediction.intervals)
    assert (prediction.detector, prediction.anomaly_class) == ("isolation-forest", None)
