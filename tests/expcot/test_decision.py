"""The blind decision: what each test finds, how excursions become intervals, and that no label takes part."""

from dataclasses import replace

import numpy as np
import pytest

from anomseer_core.expcot.config import ProbeThresholds, released_rules
from anomseer_core.expcot.decision import (
    Decision,
    decide,
    decisive,
    find_discords,
    find_outliers,
    find_periods,
    find_rough_discords,
    find_shifts,
    roughness,
)
from anomseer_core.expcot.probes import probe
from anomseer_core.expcot.scan import Slopes, scan
from anomseer_core.metrics import location_scores
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import ANOMLLM_TASKS
from anomseer_core.view import View

RULES = ProbeThresholds()
NORMAL = Decision(AnomalyClass.NORMAL, ())
TIME = np.arange(1000)


def decided(values, rules=RULES, view=None):
    return decide(scan(Series("s", values), rules, view), rules)


def wave(period, length=1000):
    return np.sin(2 * np.pi * np.arange(length) / period)


def noise(size=1000, seed=0):
    return np.random.default_rng(seed).normal(size=size)


def assert_near(found, wanted, tolerance):
    """The same number of intervals, no border farther off than the tolerance."""
    assert len(found) == len(wanted)
    assert np.abs(np.array(found) - np.array(wanted)).max() <= tolerance


# What each class looks like


def test_shifted_noise_is_a_global_point_where_it_is():
    values = 0.1 * noise()
    values[300:320] += 0.8
    values[700:706] -= 0.8
    assert decided(values) == Decision(AnomalyClass.GLOBAL_POINT, ((300, 320), (700, 706)))


def test_a_steeper_stretch_is_a_trend():
    values = wave(50) + np.cumsum(np.where((TIME >= 800) & (TIME < 880), 0.012, 0.003))
    for noisy in (values, values + 0.05 * noise()):
        found = decided(noisy)
        assert found.anomaly_class is AnomalyClass.TREND
        assert_near(found.intervals, [(800, 880)], 12)


@pytest.mark.parametrize("factor", [3, 1 / 3])
def test_another_frequency_is_seasonal(factor):
    frequency = np.full(1000, 0.03)
    frequency[400:440] *= factor
    values = np.sin(2 * np.pi * np.cumsum(frequency))
    for noisy in (values, values + 0.08 * noise()):
        found = decided(noisy)
        assert found.anomaly_class is AnomalyClass.SEASONAL
        assert_near(found.intervals, [(400, 440)], 15)


def test_noise_instead_of_a_wave_is_a_contextual_point():
    values = wave(1000 / 30)
    values[500:520] = 0.5 * noise(20)
    for noisy in (values, values + 0.08 * noise(seed=1)):
        found = decided(noisy)
        assert found.anomaly_class is AnomalyClass.CONTEXTUAL_POINT
        assert_near(found.intervals, [(500, 520)], 6)


def test_another_shape_of_the_same_period_is_a_shapelet():
    values = wave(25) + 0.03 * noise()
    values[500:512] = 0.8 * np.sign(values[500:512])
    found = decided(values)
    assert found.anomaly_class is AnomalyClass.SHAPELET
    assert_near(found.intervals, [(500, 512)], 12)


@pytest.mark.parametrize("seed", range(5))
def test_noise_a_wave_a_line_and_a_constant_are_normal(seed):
    assert decided(noise(seed=seed)) == NORMAL
    assert decided(wave(25 + seed) + 0.08 * noise(seed=seed)) == NORMAL
    assert decided(0.1 * TIME + noise(seed=seed)) == NORMAL
    assert decided(np.full(100, float(seed))) == NORMAL


def test_nothing_is_decided_on_rounding_noise():
    assert decided(wave(37)) == NORMAL
    assert decided(0.1 * TIME) == NORMAL
    assert decided(np.cumsum(np.full(1000, 0.1))) == NORMAL


# Blindness


@pytest.mark.parametrize("task", ["range", "point", "freq", "trend"])
def test_the_label_changes_nothing(task):
    drawn = generate("anomllm", task, split="train", count=12)
    series = next(item for item in drawn if not item.is_normal)
    expected = decide(scan(series, RULES), RULES)
    assert expected.intervals
    for anomaly_class in AnomalyClass:
        intervals = () if anomaly_class is AnomalyClass.NORMAL else ((1, 2), (900, 990))
        relabelled = replace(series, anomaly_class=anomaly_class, intervals=intervals, task="other", metadata={})
        assert decide(scan(relabelled, RULES), RULES) == expected


# The principles


def test_an_excursion_needs_the_weight_of_half_a_filter():
    strength = np.zeros(100)
    strength[10:14] = 4.0
    strength[50:54] = 6.0
    strength[80] = 24.0
    crossed = strength > 3
    # Half a filter of 16 samples at the threshold weighs 0.5 * 3 * 16 = 24; the excursions 16, 24 and 24.
    assert decisive(strength, crossed, 3.0, 16) == [(50, 54), (80, 81)]
    assert decisive(strength, crossed, 3.0, 17) == []


def test_roughness_by_hand():
    # Steps 1 + 1 + 1, mean 0.5, deviations 4 * 0.25.
    assert roughness(np.array([0.0, 1.0, 0.0, 1.0]), [(0, 4)]) == 3.0
    # Two parts of a line: (1 + 1) / (1 + 0 + 1) and 1 / (0.25 + 0.25), pooled 3 / 2.5.
    assert roughness(np.arange(9.0), [(0, 3), (7, 9)]) == 1.2
    assert roughness(np.ones(5), [(0, 5)]) == roughness(np.ones(5), []) == 0.0
    assert roughness(noise(5000), [(0, 5000)]) == pytest.approx(2.0, abs=0.1)
    # 4 sin(pi / 11)^2.
    assert roughness(wave(11, 1100), [(0, 1100)]) == pytest.approx(0.3175, abs=0.001)


def test_outliers_must_leave_the_envelope_and_go_far():
    values = np.tile([-2.0, -1.0, 1.0, 2.0, 0.0], 200)
    assert find_outliers(scan(Series("s", values), RULES), RULES) == []
    # Median 0, MAD 1: spikes of 6 and 9 are 6 / 1.4826 = 4.05 and 6.07 dispersions away.
    values[[104, 109, 204]] = 6.0, 9.0, 6.0
    assert find_outliers(scan(Series("s", values), RULES), RULES) == [(104, 110)]


def with_gradient(deviations, smoothing=50):
    analysis = scan(Series("s", noise()), RULES)
    return replace(analysis, gradient=Slopes(deviations, 0.0, 1.0, smoothing))


def test_a_shift_ends_at_half_its_height():
    deviations = np.zeros(1000)
    deviations[300:400] = 20.0
    # Smoothing makes the step a ramp of 50 samples around its border; the peak is 20, its half at 300 and 400.
    smooth = np.convolve(deviations, np.ones(51) / 51, mode="same")
    ((start, stop),) = find_shifts(with_gradient(smooth), RULES)
    assert abs(start - 300) <= 1
    assert abs(stop - 400) <= 1


def test_a_bump_comes_back_and_is_no_shift():
    bump = np.zeros(1000)
    bump[300:340], bump[360:400] = 10.0, -10.0
    assert find_shifts(with_gradient(bump), RULES) == []
    # With more than a filter between them, the same steps are two changes of level.
    apart = np.zeros(1000)
    apart[300:340], apart[600:640] = 10.0, -10.0
    assert find_shifts(with_gradient(apart), RULES) == [(300, 340), (600, 640)]
    # 20 of 60 come back: |60 - 20| / 80 = 0.5 is too little; 5 of 60: 55 / 65 = 0.85 is enough.
    for back, found in ((20, []), (5, [(300, 360)])):
        partly = np.zeros(1000)
        partly[300:360], partly[370 : 370 + back] = 10.0, -10.0
        assert find_shifts(with_gradient(partly), RULES) == found


def test_periods_are_narrowed_by_a_quarter_window():
    frequency = np.full(1000, 1 / 40)
    frequency[400:520] = 1 / 20
    analysis = scan(Series("s", np.sin(2 * np.pi * np.cumsum(frequency))), RULES)
    (probed,) = probe(analysis, AnomalyClass.SEASONAL, [], RULES)
    (excursion,) = probed.findings.strongest
    ((start, stop),) = find_periods(analysis, RULES)
    # Windows of 80 samples: 20 less on either side of the closed span.
    assert (start, stop) == (excursion[0] + 20, excursion[1] + 1 - 20)


def test_there_is_no_seasonal_anomaly_without_a_season():
    analysis = scan(Series("s", noise()), RULES)
    assert not analysis.periodic
    assert find_periods(analysis, RULES) == []


def with_discords(*runs, length=1000, window=50):
    """A scan whose windows cross in the given runs of window starts."""
    scores = np.zeros(length - window + 1)
    for start, stop in runs:
        scores[start:stop] = 10.0
    return replace(scan(Series("s", noise(length)), RULES), discords=scores, window=window)


@pytest.mark.parametrize(
    ("run", "interval"),
    [
        # Windows of 50 samples reach four into the anomaly: the first ends at 460 + 50, the last starts at 514.
        ((460, 515), (506, 518)),
        # A run from the first window on, whose last window starts at 19: all up to there.
        ((0, 20), (0, 23)),
        # It goes on beyond the first window, which says no more than that it reaches into it.
        ((0, 100), (46, 103)),
        # The last window starts at 950; the first one that crosses ends at 930 + 50.
        ((930, 951), (976, 1000)),
        ((850, 951), (896, 954)),
        # Shorter than what the windows would share: the middle of the run, (440 + 469 + 50) / 2, and its reach.
        ((440, 470), (475, 483)),
    ],
)
def test_discords_are_narrowed_to_what_their_windows_share(run, interval):
    assert find_discords(with_discords(run), RULES) == [interval]


def test_a_run_of_windows_shorter_than_half_a_window_is_chance():
    # 10 a window: 0.5 * 3.5 * 50 = 87.5 is nine windows.
    assert find_discords(with_discords((400, 408)), RULES) == []
    assert len(find_discords(with_discords((400, 409)), RULES)) == 1


def test_rough_discords_are_contextual_and_smooth_ones_are_not():
    rough = with_discords((460, 515))
    smooth = replace(rough, z=wave(100))
    assert find_rough_discords(rough, RULES) == find_discords(rough, RULES) == [(506, 518)]
    assert find_rough_discords(smooth, RULES) == []
    assert find_discords(smooth, RULES) == [(506, 518)]


# Units, lengths and rules


@pytest.mark.parametrize(("length", "view"), [(500, None), (2000, None), (5000, View(3000, 4000))])
def test_intervals_are_in_view_units(length, view):
    view = view or View(0, length)
    values = 0.1 * noise(length)
    start = view.start + len(view) // 2
    values[start : start + 20] += 0.9
    found = decided(values, view=view)
    assert found == Decision(AnomalyClass.GLOBAL_POINT, tuple(view.to_units([(start, start + 20)])))


@pytest.mark.parametrize("length", [30, 31, 47, 100])
@pytest.mark.parametrize("rules", [RULES, released_rules()], ids=["paper", "released"])
def test_short_series_get_an_answer(length, rules):
    for values in (np.zeros(length), noise(length), wave(12, length), np.arange(length) > length // 2):
        found = decided(values, rules)
        assert (found.anomaly_class is AnomalyClass.NORMAL) == (not found.intervals)
        assert all(0 <= start < stop <= 1000 for start, stop in found.intervals)


def test_the_decision_is_good_where_the_constants_were_chosen():
    scores, right, crossing = [], [], []
    for task in ANOMLLM_TASKS:
        for series in generate("anomllm", task, split="train", count=5):
            analysis = scan(series, RULES)
            found = decide(analysis, RULES)
            predicted = analysis.view.to_samples(found.intervals)
            scores.append(location_scores(series.intervals, predicted, len(series)).affiliation.f1)
            right.append(found.anomaly_class == series.anomaly_class)
            if found.intervals:
                (evidence,) = probe(analysis, found.anomaly_class, list(found.intervals), RULES)
                crossing += [support.crosses for support in evidence.findings.supports]
    assert np.mean(scores) > 0.95
    assert np.mean(right) > 0.9
    # What is decided is seen by the probe of its class.
    assert all(crossing)
