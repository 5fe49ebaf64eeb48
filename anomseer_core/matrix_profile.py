"""The matrix profile (Yeh et al. 2016): how far each subsequence is from its nearest look-alike. Computed by stumpy."""

import logging
import warnings
from functools import cache
from importlib import import_module
from types import ModuleType

import numpy as np

# Starting a second thread takes longer than computing a profile this short.
LONGEST_ON_ONE_THREAD = 5_000
log = logging.getLogger(__name__)


def matrix_profile(values: np.ndarray, window: int) -> np.ndarray:
    """z-normalised Euclidean distance of each window to its nearest match, float64 `[T - window + 1]`.

    values: float64 `[T]` without NaN. Matches that overlap by three quarters of the window do not count; a window
    without any match has distance infinity. The first call on a machine compiles.
    """
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
    """Imported when first used: whoever only reads traces waits for neither the import nor the compilation.

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
