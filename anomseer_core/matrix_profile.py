"""The matrix profile (Yeh et al. 2016): how far each subsequence is from its nearest look-alike.

Two ways to one result. Long series go to stumpy, whose cost grows with T^2 whatever the window. Short ones, all that a
picture shows, go through matrix products of their z-normalised windows: the cost grows with T^2 m, but BLAS does the
work. Measured on one core (AVX-512) for windows of 25, 50 and 100: 1.2, 1.6 and 2.3 ms at T = 1,000 against 2.8, 3.3
and 3.5 ms of stumpy, which compiles for a minute besides. Both agree to 1e-5 of the largest distance 2 sqrt(m): near
zero, a distance is the root of a difference of two numbers near one.
"""

import logging
import math
import warnings
from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# [samples] What one picture shows at most, and about where stumpy catches up.
LONGEST_BY_PRODUCTS = 4_000
# Rows of a product: it and the windows it reads stay in the processor's cache.
ROWS_AT_ONCE = 64
# stumpy's conventions: a flat window is half alike to any other, and fully to a flat one.
FLAT_TO_OTHER, FLAT_TO_FLAT = 0.5, 1.0
# [samples] Starting a second thread takes longer than computing a profile this short.
LONGEST_ON_ONE_THREAD = 5_000
log = logging.getLogger(__name__)


def matrix_profile(values: np.ndarray, window: int) -> np.ndarray:
    """z-normalised Euclidean distance of each window to its nearest match, float64 `[T - window + 1]`.

    values: finite float64 `[T]`. Matches that overlap by three quarters of the window do not count; a window without
    any match has distance infinity. A flat window is at sqrt(window) from any that is not. The first call on a machine
    with more than 4,000 samples compiles.
    """
    if len(values) <= LONGEST_BY_PRODUCTS:
        return profile_by_products(values, window)
    return profile_by_stumpy(values, window)


def profile_by_products(values: np.ndarray, window: int) -> np.ndarray:
    """The profile from the correlations of all windows, a block of rows at a time, each pair of windows once."""
    directions, is_flat = _window_directions(values, window)
    count, excluded = len(directions), math.ceil(window / 4)
    # Windows i and j of a block are too near where |i - j| <= excluded: the same pattern in every block.
    rows, columns = np.arange(ROWS_AT_ONCE)[:, None], np.arange(ROWS_AT_ONCE + excluded)
    too_near = np.abs(rows - columns) <= excluded
    highest = np.full(count, -np.inf)
    for start in range(0, count, ROWS_AT_ONCE):
        block = directions[start : start + ROWS_AT_ONCE]
        correlations = block @ directions[start:].T
        _rate_flat(correlations, is_flat[start : start + len(block)], is_flat[start:])
        near = correlations[:, : too_near.shape[1]]
        near[too_near[: len(block), : near.shape[1]]] = -np.inf
        np.maximum(highest[start : start + len(block)], correlations.max(axis=1), out=highest[start:][: len(block)])
        np.maximum(highest[start:], correlations.max(axis=0), out=highest[start:])
    # Rounding can carry a correlation past one.
    return np.sqrt(np.maximum(2 * window * (1 - highest), 0.0))


def _window_directions(values: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """(the windows centred and of length one [K, m], zero where flat; which ones are flat [K])."""
    windows = sliding_window_view(values, window)
    is_flat = np.ptp(windows, axis=1) == 0
    centred = windows - windows.mean(axis=1, keepdims=True)
    lengths = np.sqrt(np.einsum("km,km->k", centred, centred))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=~is_flat & (lengths > 0))
    return centred * scale[:, None], is_flat


def _rate_flat(correlations: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> None:
    """Correlations [R, C] with the flat rows [R] and columns [C], which have none, set to stumpy's conventions."""
    if not columns.any():
        return
    correlations[rows] = FLAT_TO_OTHER
    correlations[:, columns] = FLAT_TO_OTHER
    correlations[np.ix_(rows, columns)] = FLAT_TO_FLAT


def profile_by_stumpy(values: np.ndarray, window: int) -> np.ndarray:
    """The profile from stumpy's compiled kernels."""
    import numba

    stumpy = _load_stumpy()
    threads = numba.get_num_threads()
    numba.set_num_threads(1 if len(values) <= LONGEST_ON_ONE_THREAD else threads)
    try:
        with warnings.catch_warnings():
            # Its advice for profiles near zero, which repeating series rightly have.
            warnings.filterwarnings("ignore", message="A large number of values in `P` are smaller")
            return stumpy.stump(values, window)[:, 0].astype(np.float64)
    finally:
        numba.set_num_threads(threads)


@cache
def _load_stumpy() -> ModuleType:
    """Imported when first used: whoever only reads short series waits for neither the import nor the compilation.

    Its kernels take about a minute to compile; kept on disk, beside the package or in the user's cache folder, they do
    so once per installation instead of once per process.
    """
    import stumpy
    import stumpy.cache

    for module, name in stumpy.cache.get_njit_funcs():
        try:
            getattr(import_module(f"stumpy.{module}"), name).enable_caching()
        except RuntimeError:
            # No folder can be written to: every process compiles for itself.
            break
    log.info("the matrix profile: its kernels compile for about a minute, the first time on a machine")
    return stumpy
