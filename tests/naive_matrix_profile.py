"""The matrix profile, written as its definition reads."""

import math

import numpy as np


def profile(values: np.ndarray, window: int) -> np.ndarray:
    """Distance of each z-normalised window to its nearest neighbour more than a quarter window away."""
    count = len(values) - window + 1
    windows = [normalise(values[start : start + window]) for start in range(count)]
    nearest = np.full(count, np.inf)
    for first in range(count):
        for second in range(count):
            if abs(first - second) > math.ceil(window / 4):
                nearest[first] = min(nearest[first], np.linalg.norm(windows[first] - windows[second]))
    return nearest


def normalise(part: np.ndarray) -> np.ndarray:
    return (part - part.mean()) / part.std()
