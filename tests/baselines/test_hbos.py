"""The histogram-based outlier score."""

import math

import numpy as np
import pytest

from anomseer_core.baselines.config import HBOSConfig
from anomseer_core.baselines.hbos import score_limit, sparse_intervals


def test_a_bin_ninety_times_as_sparse_is_marked():
    # 401 values, 20 bins over [0, 20): 400 in the first bin (ln 400 = 6.0 above 4.5), one in the last.
    values = np.zeros(401)
    values[77] = 19.99
    assert sparse_intervals(values) == [(77, 78)]
    # 89 in the first bin, one in the last: ln 89 = 4.489.
    values = np.zeros(90)
    values[50] = 1
    assert sparse_intervals(values) == []
    assert sparse_intervals(np.append(values, [0, 0])) == [(50, 51)]
    assert sparse_intervals(values, HBOSConfig(sigmas=2.9)) == [(50, 51)]


def test_the_limit_is_the_density_of_a_normal_variable():
    assert score_limit(3.0, 1) == pytest.approx(4.5)
    assert score_limit(2.0, 1) == pytest.approx(2.0)
    # Two dimensions: the tail probability of the squared length is exp(-r^2 / 2), so the limit is -ln of it.
    assert score_limit(3.0, 2) == pytest.approx(-math.log(math.erfc(3 / math.sqrt(2))))


def test_scores_of_channels_add_up():
    """Each channel alone is too little: ln 60 = 4.09 against 4.5; together 8.19 against 5.91."""
    channel = np.zeros(61)
    channel[30] = 1
    assert sparse_intervals(channel) == []
    assert sparse_intervals(np.stack([channel, channel])) == [(30, 31)]


def test_a_missing_channel_excuses_the_sample():
    channel = np.zeros(401)
    channel[77] = 1
    other = np.zeros(401)
    other[77] = np.nan
    assert sparse_intervals(np.stack([channel, other])) == []
