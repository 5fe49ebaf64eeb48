"""One-step forecast errors."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from anomseer_core.baselines.arima import estimate, forecast_errors, surprise_intervals
from anomseer_core.baselines.config import ArimaConfig


def autoregressive(length=800, coefficient=0.8):
    noise = np.random.default_rng(0).normal(size=length)
    values = np.zeros(length)
    for place in range(1, length):
        values[place] = coefficient * values[place - 1] + noise[place]
    return values


def test_the_coefficient_of_an_autoregression_is_estimated():
    _, order, (coefficient, variance) = estimate(autoregressive(), (1, 0, 0))
    assert order == (1, 0, 0)
    # One over the root of the length is about the standard error.
    assert abs(coefficient - 0.8) < 3 / math.sqrt(800)
    assert abs(variance - 1) < 0.15


def test_errors_of_a_first_order_model_are_plain_differences():
    """x_t - phi x_(t-1), over the standard deviation; the first has the stationary variance s2 / (1 - phi^2)."""
    values = np.array([1.0, -2.0, 0.5, 0.5])  # mean 0
    errors = forecast_errors(values, (1, 0, 0), np.array([0.5, 4.0]))
    assert errors == pytest.approx([1 / math.sqrt(4 / 0.75), (-2 - 0.5) / 2, (0.5 + 1) / 2, (0.5 - 0.25) / 2])


def test_differencing_costs_the_first_samples():
    errors = forecast_errors(np.array([0.0, 1.0, 1.0, 3.0]), (1, 1, 0), np.array([0.0, 1.0]))
    # Steps 1, 0, 2 without their mean 1.
    assert errors.tolist() == [0.0, 0.0, -1.0, 1.0]


def test_a_value_that_nobody_could_foresee_is_marked():
    values = autoregressive()
    before = surprise_intervals(values)
    values[400] += 12
    found = surprise_intervals(values)
    assert any(start <= 400 < stop for start, stop in found)
    assert len(before) <= 1


def test_a_noise_free_sine_is_foreseen():
    assert surprise_intervals(np.sin(np.arange(1000) / 5)) == []


def test_an_unusable_order_is_passed_over():
    assert estimate(2.0 ** np.arange(60), (1, 0, 0)) is None
    for orders in (((1, 0, 0), (1, 0, 0)), ((0, 1, 0),), ((1, 3, 0),), ((6, 0, 0),), ()):
        with pytest.raises(ValidationError):
            ArimaConfig(orders=orders)
