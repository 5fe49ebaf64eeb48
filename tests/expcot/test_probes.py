"""Reasoning & Validation: each probe where its answer is known."""

import math

import numpy as np
import pytest

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.evidence import Discord, Envelope, Gradient, Period, Shapelet
from anomseer_core.expcot.probes import (
    probe,
    probe_discord,
    probe_envelope,
    probe_gradient,
    probe_period,
    probe_shapelet,
    sliding_periods,
)
from anomseer_core.expcot.scan import scan
from anomseer_core.series import AnomalyClass, Series

THRESHOLDS = ProbeThresholds()
TIME = np.arange(1000)


def scanned(values):
    return scan(Series("s", values), THRESHOLDS)


def wave(period, length=1000):
    return np.sin(2 * np.pi * np.arange(length) / period)


def flipped(*spans, period=25):
    """A sine whose sign changes inside the spans."""
    values = wave(period)
    for start, stop in spans:
        values[start:stop] *= -1
    return values


def supports(evidence):
    return [(item.first, item.last, item.crosses) for item in evidence.findings.supports]


def test_the_envelope_of_a_spike():
    values = np.zeros(100)
    values[40] = 1.0
    found = probe_envelope(scanned(values), [(400, 410), (700, 710)], 3.0)
    # Mean 0.01, std sqrt(0.0099) = 0.0994987; z of the spike sqrt(99) = 9.95. One sample is ten units.
    assert found.lower == pytest.approx(0.01 - 3 * 0.0994987, abs=1e-6)
    assert found.upper == pytest.approx(0.01 + 3 * 0.0994987, abs=1e-6)
    assert (found.outside, found.findings.peak, found.findings.peak_position) == (1, 9.95, 400)
    # P(|Z| > 3) = 0.0026998.
    assert found.expected == pytest.approx(0.26998)
    assert supports(found) == [(400, 409, True), (700, 709, False)]
    assert found.findings.supports[1].value == pytest.approx(0.101)
    assert (found.findings.crossing, found.findings.excursions, found.findings.strays) == (1, 1, 0)
    assert found.findings.strongest == ((400, 409),)


def test_near_excursions_merge_and_strays_are_counted():
    values = np.zeros(1000)
    # 100 and 105 have four samples between them and are one; 200 and 206 have five and are two.
    values[[100, 105, 200, 206]] = 1.0, 1.0, 1.1, 1.0
    found = probe_envelope(scanned(values), [(90, 101)], 3.0).findings
    assert (found.excursions, found.strays) == (3, 2)
    assert found.strongest == ((200, 200), (100, 105), (206, 206))


def test_a_flipped_cycle_is_a_discord_and_the_rest_is_not():
    found = probe_discord(scanned(flipped((500, 525))), [(500, 525), (800, 810)], 3.5)
    assert supports(found) == [(500, 524, True), (800, 809, False)]
    assert found.window == 50
    assert found.findings.peak > 3.5
    assert found.findings.peak_position == found.span[0]
    # Every window that exceeds the threshold touches the flipped cycle.
    (merged,) = found.findings.strongest
    assert merged[0] >= 500 - 49
    assert merged[1] <= 524 + 49


def test_a_sample_has_the_score_of_its_best_window():
    analysis = scanned(flipped((500, 525)) + 0.1 * np.random.default_rng(0).normal(size=1000))
    for sample in (0, 30, 470, 512, 560, 999):
        unit = [(sample, sample + 1)]
        (support,) = probe_discord(analysis, unit, 3.5).findings.supports
        assert support.value == analysis.discords[max(0, sample - 49) : sample + 1].max()


def test_the_gradient_of_a_bend():
    slope = np.where((TIME >= 600) & (TIME < 700), 0.05, 0.01)
    noise = 0.01 * np.random.default_rng(1).normal(size=1000)
    found = probe_gradient(scanned(np.cumsum(slope) + noise), [(600, 700), (100, 120)], 3.0)
    assert supports(found) == [(600, 699, True), (100, 119, False)]
    assert found.center == pytest.approx(0.01, rel=0.02)
    assert found.smoothing == 21
    assert 590 <= found.findings.peak_position < 710


def test_the_gradient_is_per_unit():
    values = 3.0 * np.arange(500)
    found = probe_gradient(scanned(values), [(0, 10)], 3.0)
    # Three per sample, two units a sample.
    assert found.center == pytest.approx(1.5)
    assert (found.findings.peak, found.findings.crossing) == (0.0, 0)


def test_a_faster_stretch_leaves_the_period_band():
    phase = np.cumsum(np.where((TIME >= 400) & (TIME < 500), 1 / 10, 1 / 25))
    found = probe_period(scanned(np.sin(2 * np.pi * phase)), [(400, 500), (700, 720)], 3.0)
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


def test_the_strongest_discords_do_not_overlap():
    analysis = scanned(flipped((300, 325), (700, 725)) + 0.05 * np.random.default_rng(2).normal(size=1000))
    found = probe_shapelet(analysis, [(300, 325), (700, 725)], 3.5)
    first, second = sorted(found.spans)
    assert first[0] <= 324
    assert 300 <= first[1] < second[0] <= 724
    assert second[1] >= 700
    assert found.matching == 2
    assert found.scores == tuple(sorted(found.scores, reverse=True))
    assert math.isclose(found.scores[0], analysis.discords.max())


def test_more_candidates_than_three_still_give_three_discords():
    analysis = scanned(flipped((300, 325)) + 0.05 * np.random.default_rng(2).normal(size=1000))
    candidates = [(10 * index, 10 * index + 2) for index in range(5)]
    found = probe_shapelet(analysis, candidates, 3.5)
    assert (len(found.spans), len(found.findings.supports)) == (3, 5)


@pytest.mark.parametrize(
    ("anomaly_class", "kind"),
    [
        (AnomalyClass.GLOBAL_POINT, Envelope),
        (AnomalyClass.CONTEXTUAL_POINT, Discord),
        (AnomalyClass.TREND, Gradient),
        (AnomalyClass.SEASONAL, Period),
        (AnomalyClass.SHAPELET, Shapelet),
    ],
)
def test_the_class_chooses_the_probe(anomaly_class, kind):
    (found,) = probe(scanned(flipped((500, 525))), anomaly_class, [(500, 525)], THRESHOLDS)
    assert type(found) is kind


def test_normal_takes_every_probe_that_applies():
    kinds = [type(found) for found in probe(scanned(wave(25)), AnomalyClass.NORMAL, [], THRESHOLDS)]
    assert kinds == [Envelope, Gradient, Period, Discord]
    noise = np.random.default_rng(0).normal(size=1000)
    kinds = [type(found) for found in probe(scanned(noise), AnomalyClass.NORMAL, [], THRESHOLDS)]
    assert kinds == [Envelope, Gradient, Discord]


def test_no_probe_crosses_on_a_clean_sine():
    found = probe(scanned(wave(25)), AnomalyClass.NORMAL, [], THRESHOLDS)
    assert [item.findings.excursions for item in found] == [0, 0, 0, 0]


def test_an_unknown_class_has_no_probe():
    with pytest.raises(ValueError, match="no probe belongs to the class"):
        probe(scanned(wave(25)), AnomalyClass.UNKNOWN, [(1, 2)], THRESHOLDS)


def test_thresholds_are_arguments():
    values = np.zeros(1000)
    values[500] = 1.0
    strict = ProbeThresholds(envelope_sigmas=10.0)
    (found,) = probe(scanned(values), AnomalyClass.GLOBAL_POINT, [(500, 501)], strict)
    # z = sqrt(999) = 31.6 exceeds both.
    assert (found.findings.threshold, found.findings.crossing) == (10.0, 1)
    assert found.upper == pytest.approx(0.001 + 10 * 0.0316070, abs=1e-5)
