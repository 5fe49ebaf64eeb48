"""Series whose anomaly is known because it was put there."""

import numpy as np
import pytest

LENGTH = 600
# Where each anomaly lies, half-open.
BURST = (300, 360)


@pytest.fixture
def sine() -> np.ndarray:
    """Period 30, with a little noise."""
    noise = np.random.default_rng(0).normal(scale=0.02, size=LENGTH)
    return np.sin(2 * np.pi * np.arange(LENGTH) / 30) + noise


@pytest.fixture
def fast_burst(sine: np.ndarray) -> np.ndarray:
    """The sine runs three times as fast for two of its periods."""
    start, stop = BURST
    return np.concatenate([sine[:start], np.sin(2 * np.pi * 3 * np.arange(start, stop) / 30), sine[stop:]])
