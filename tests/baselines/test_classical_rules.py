"""What every classical detector promises about series that are short, constant, gappy or of several channels."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anomseer_core.baselines.catalogue import CHANNELWISE, create_baseline
from anomseer_core.baselines.config import ClassicalConfig, GradientConfig
from anomseer_core.dialogue import ParseStatus
from anomseer_core.evaluation.config import Baseline
from anomseer_core.series import AnomalyClass, Series, merge_intervals
from tests.baselines.conftest import BURST

NAMES = get_args(Baseline)
CLASSICAL = ("fft", "matrix-profile", "gradient", "arima", "threshold", "ensemble", "isolation-forest", "hbos")
FAST = [name for name in CLASSICAL if name != "isolation-forest"]


def answer(name, values):
    (prediction,) = create_baseline(name).detect([Series("s", values)])
    return prediction


def test_the_tuple_above_is_the_configuration():
    assert set(CLASSICAL) == {name for name in NAMES if name.replace("-", "_") in ClassicalConfig.model_fields}


@pytest.mark.parametrize("name", CLASSICAL)
@pytest.mark.parametrize(
    "values",
    [np.full(400, 3.0), np.full(400, 1e12), np.full(400, np.nan), np.zeros(1), np.full((2, 100), 5.0)],
    ids=["constant", "huge", "missing", "one", "channels"],
)
def test_nothing_is_found_where_there_is_nothing(name, values):
    found = answer(name, values)
    assert (found.intervals, found.anomaly_class) == ((), AnomalyClass.NORMAL)


@pytest.mark.parametrize("name", ["fft", "matrix-profile", "gradient", "arima", "hbos"])
def test_short_series_give_no_interval(name):
    values = np.sin(np.arange(19.0))
    values[10] = 50
    assert answer(name, values).intervals == ()


@pytest.mark.parametrize("name", FAST)
@settings(max_examples=25, deadline=None)
@given(values=arrays(np.float64, st.integers(1, 160), elements=st.floats(-1e9, 1e9) | st.just(np.nan)))
def test_any_series_has_a_valid_answer(name, values):
    found = answer(name, values)
    assert found.status is ParseStatus.OK
    assert list(found.intervals) == merge_intervals(found.intervals, len(values))


@pytest.mark.parametrize("name", [*CHANNELWISE, "ensemble"])
def test_scale_and_offset_do_not_matter(name, fast_burst):
    found = answer(name, fast_burst).intervals
    # A power of two and no rounding: the very same numbers again. Then units of any kind.
    assert answer(name, 1024 * fast_burst).intervals == found
    moved = answer(name, 1e6 * fast_burst + 3e7).intervals
    assert np.abs(np.subtract(merge_marks(moved), merge_marks(found))).max() <= 2


def merge_marks(intervals):
    return (min(start for start, _ in intervals), max(stop for _, stop in intervals))


@pytest.mark.parametrize("name", ["fft", "matrix-profile", "gradient", "arima", "ensemble"])
def test_a_burst_is_found_where_it_is(name, fast_burst):
    start, stop = BURST
    found = answer(name, fast_burst).intervals
    assert any(first < stop and last > start for first, last in found)
    # Windows and filters are at most two periods wide.
    assert all(start - 60 <= first and last <= stop + 60 for first, last in found)


# The slope at three deviations reacts to noise as well.
@pytest.mark.parametrize("name", ["fft", "matrix-profile", "arima", "ensemble", "hbos"])
def test_a_noisy_sine_is_left_alone(name, sine):
    assert answer(name, sine).intervals == ()


@pytest.mark.parametrize("name", ["fft", "matrix-profile", "gradient", "arima", "ensemble"])
def test_gaps_are_bridged(name, fast_burst):
    gappy = fast_burst.copy()
    gappy[[0, 100, 101, 599]] = np.nan
    assert any(first < BURST[1] and last > BURST[0] for first, last in answer(name, gappy).intervals)


@pytest.mark.parametrize("name", CHANNELWISE)
def test_channels_are_judged_alone_and_joined(name, fast_burst):
    other = np.roll(fast_burst, 120)
    one, two = (answer(name, values).intervals for values in (fast_burst, other))
    assert answer(name, np.stack([fast_burst, other])).intervals == tuple(merge_intervals([*one, *two], 600))


def test_parameters_reach_their_detector(fast_burst):
    strict = ClassicalConfig(gradient=GradientConfig(mads=50))
    (prediction,) = create_baseline("gradient", strict).detect([Series("s", fast_burst)])
    assert prediction.intervals == ()
    assert answer("gradient", fast_burst).intervals != ()


def test_a_detector_depends_on_its_own_parameters_and_its_members():
    changed = ClassicalConfig(gradient=GradientConfig(mads=5))
    assert changed.of("fft") == changed.of("whole-series") == ClassicalConfig()
    assert changed.of("gradient") == changed.of("ensemble") == changed
