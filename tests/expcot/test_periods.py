"""The dominant period in sliding windows, against a slow periodogram."""

import numpy as np
import pytest

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.periods import probe_period, sliding_periods, track_period
from anomseer_core.expcot.scan import scan
from anomseer_core.series import Series

RULES = ProbeThresholds()


def scanned(values, rules=RULES):
    return scan(Series("s", values), rules)


def wave(period, length=1000):
    return np.sin(2 * np.pi * np.arange(length) / period)


def faster(start, stop):
    """A sine of period 25, with period 10 inside the span."""
    frequency = np.full(1000, 1 / 25)
    frequency[start:stop] = 1 / 10
    return np.sin(2 * np.pi * np.cumsum(frequency))


def supports(evidence):
    return [(item.first, item.last, item.crosses) for item in evidence.findings.supports]


def naive_period(part):
    """The period with the highest power, at a thousand frequencies of its Fourier integral."""
    taper = np.sin(np.pi * (np.arange(len(part)) + 1) / (len(part) + 1)) ** 2
    frequencies = np.linspace(1 / len(part), 0.5, 1000)
    time = np.arange(len(part))
    tapered = (part - part.mean()) * taper
    power = [abs(sum(tapered * np.exp(-2j * np.pi * frequency * time))) for frequency in frequencies]
    return 1 / frequencies[int(np.argmax(power))]


def test_a_faster_stretch_leaves_the_period_band():
    found = probe_period(scanned(faster(400, 500)), [(400, 500), (700, 720)], RULES)
    assert found.typical == pytest.approx(25, abs=0.1)
    # A clean sine has no spread: the floor of 2 % gives 25 +- 3 * 0.5.
    assert (found.lower, found.upper) == (pytest.approx(23.5, abs=0.1), pytest.approx(26.5, abs=0.1))
    assert supports(found) == [(400, 499, True), (700, 719, False)]
    assert found.findings.supports[0].value == pytest.approx(10, abs=0.2)
    assert found.window == 50
    (merged,) = found.findings.strongest
    # Mapped to window centres: at most half a window beyond the stretch on either side.
    assert 375 <= merged[0] <= 400
    assert 499 <= merged[1] <= 525


@pytest.mark.parametrize("period", [20.0, 33.3, 47.9])
def test_sliding_periods_of_a_sine_are_its_period(period):
    periods, window = sliding_periods(scanned(wave(period)))
    assert periods == pytest.approx(np.full(1000, period), rel=0.02)
    assert window == round(2 * 1000 / round(1000 / period))


def test_a_window_has_the_period_of_its_periodogram():
    values = faster(400, 500) + 0.1 * np.random.default_rng(4).normal(size=1000)
    analysis = scanned(values)
    periods, window = sliding_periods(analysis)
    assert window == 50
    # Windows start at every third sample (50 // 16), and hold the samples around their centre.
    for start in (0, 300, 420, 441, 600, 948):
        assert periods[start + 25] == pytest.approx(naive_period(analysis.z[start : start + 50]), rel=0.01)


def test_the_window_is_a_rule():
    analysis = scanned(wave(20))
    assert [sliding_periods(analysis, window)[1] for window in (0, 100, 3, 1000)] == [40, 100, 16, 500]
    assert sliding_periods(scanned(np.random.default_rng(0).normal(size=1000)))[1] == 100
    assert probe_period(analysis, [], ProbeThresholds(period_window=100)).window == 100


def test_the_band_of_moments_is_wider():
    values = faster(400, 500)
    robust, moments = (
        track_period(scanned(values), ProbeThresholds(dispersion=dispersion)) for dispersion in ("robust", "moments")
    )
    assert robust.periods.tolist() == moments.periods.tolist()
    assert moments.typical == pytest.approx(moments.periods.mean())
    assert moments.dispersion == pytest.approx(moments.periods.std())
    assert (moments.lower, moments.upper) == (
        pytest.approx(moments.typical - 3 * moments.dispersion, rel=0.01),
        pytest.approx(moments.typical + 3 * moments.dispersion, rel=0.01),
    )
    # One tenth at period 10 instead of 25 has a deviation of 4.5, which the stretch itself hardly exceeds threefold.
    assert robust.crossed.sum() > 1.5 * moments.crossed.sum()


def test_periods_are_in_view_units():
    found = probe_period(scanned(wave(20, 500)), [], RULES)
    # 500 samples: two units each.
    assert (found.typical, found.window) == (pytest.approx(40, rel=0.01), 80)


def test_the_shortest_series_has_a_period():
    found = probe_period(scanned(wave(10, 30)), [(0, 100)], RULES)
    # Windows of half the series, 15 samples.
    assert found.window == 500
