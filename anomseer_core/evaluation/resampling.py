"""How far a mean over series can be trusted, and whether two detectors differ: resampling with explicit generators.

- **Bootstrap**: series are drawn with replacement, `RESAMPLES` times; the middle 95 % of the resulting means are the
  interval (percentile method). Strata, where given, are drawn from separately: each keeps its number of series.
- **Paired sign-flip test**: if two detectors were alike, the difference of each series might as well have the other
  sign. The two-sided p-value is the share of sign patterns whose mean is at least as far from 0 as the observed one:
  all patterns for up to `EXACT_SERIES` series, else `FLIPS` drawn ones, with the observed pattern counted among them.
- **Effect size**: the mean difference in standard deviations of the differences (Cohen's d_z).
"""

from collections.abc import Iterator, Sequence

import numpy as np

RESAMPLES = 1000
CONFIDENCE = 0.95
FLIPS = 10_000
EXACT_SERIES = 13  # 2^13 patterns are fewer than the drawn ones
PATTERNS_AT_ONCE = 1000
COUNTS_AT_ONCE = 2**21
# Two means of the same patterns may differ in the last bits.
ROUNDING = 1e-12


def bootstrap_means(
    values: np.ndarray, weights: np.ndarray, rng: np.random.Generator, strata: np.ndarray | None = None
) -> np.ndarray:
    """Weighted means `[RESAMPLES, M]` of the columns of values `[n, M]`, by weights `[n, M]`.

    strata: int `[n]`, the stratum of each row; None for one. A mean whose weights were not drawn at all is NaN.
    """
    both = np.hstack([weights * values, weights])
    labels = np.zeros(len(values)) if strata is None else strata
    pools = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    means = []
    # A few at a time: all at once they would take 1000 n numbers.
    at_once = max(1, COUNTS_AT_ONCE // len(values))
    for first in range(0, RESAMPLES, at_once):
        counts = [_draw_counts(pools, rng) for _ in range(first, min(first + at_once, RESAMPLES))]
        totals, shares = np.hsplit(np.array(counts) @ both, 2)
        with np.errstate(invalid="ignore"):  # 0 / 0 where nothing of a part was drawn
            means.append(totals / shares)
    return np.concatenate(means)


def percentile_interval(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends `[M]` of the middle `CONFIDENCE` of draws `[R, M]`, without the undefined ones."""
    low, high = np.nanquantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return low, high


def sign_flip_p_values(terms: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Two-sided p-values `[M]` of the sums of the columns of float64 `[n, M]`, weighted differences of pairs.

    Columns share the patterns. Where all differences are 0 the p-value is 1.
    """
    observed = np.abs(terms.sum(axis=0)) - ROUNDING
    exact = len(terms) <= EXACT_SERIES
    patterns = _all_patterns(len(terms)) if exact else _drawn_patterns(len(terms), rng)
    as_far, count = np.zeros(terms.shape[1]), 0
    for signs in patterns:
        as_far += (np.abs(signs @ terms) >= observed).sum(axis=0)
        count += len(signs)
    return as_far / count if exact else (as_far + 1) / (count + 1)


def effect_sizes(differences: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over weighted population deviation `[M]` of the columns of `[n, M]`; weights sum to 1.

    0 where every difference is 0, NaN where all are the same and not 0.
    """
    mean = (weights * differences).sum(axis=0)
    deviation = np.sqrt((weights * (differences - mean) ** 2).sum(axis=0))
    spread = deviation > ROUNDING
    return np.where(spread, mean / np.where(spread, deviation, 1.0), np.where(np.abs(mean) > ROUNDING, np.nan, 0.0))


def _draw_counts(pools: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """How often each row is drawn when as many are drawn from every pool of rows as it has."""
    drawn = [pool[rng.integers(len(pool), size=len(pool))] for pool in pools]
    return np.bincount(np.concatenate(drawn), minlength=sum(map(len, pools)))


def _all_patterns(size: int) -> Iterator[np.ndarray]:
    bits = np.arange(2**size)[:, None] >> np.arange(size) & 1
    yield bits * 2.0 - 1


def _drawn_patterns(size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    for _ in range(0, FLIPS, PATTERNS_AT_ONCE):
        yield rng.integers(0, 2, size=(PATTERNS_AT_ONCE, size), dtype=np.int8) * 2.0 - 1
