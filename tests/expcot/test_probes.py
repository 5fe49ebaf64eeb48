"""Reasoning & Validation: which probe runs, the envelope and the gradient where their answers are known."""

import numpy as np
import pytest

from anomseer_core.expcot.config import ProbeThresholds, released_rules
from anomseer_core.expcot.evidence import Discord, Envelope, Gradient, Period, Shapelet
from anomseer_core.expcot.probes import probe, probe_envelope, probe_gradient
from anomseer_core.expcot.scan import scan
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.view import View

RULES = ProbeThresholds()
RELEASED = released_rules()
TIME = np.arange(1000)
SPIKE = np.where(TIME == 500, 1.0, 0.0)


def scanned(values, rules=RULES):
    return scan(Series("s", values), rules)


def wave(period, length=1000):
    return np.sin(2 * np.pi * np.arange(length) / period)


def flipped(start, stop, period=25):
    """A sine whose sign changes inside the span."""
    values = wave(period)
    values[start:stop] *= -1
    return values


def supports(evidence):
    return [(item.first, item.last, item.crosses) for item in evidence.findings.supports]


def test_the_envelope_of_a_spike():
    values = np.zeros(100)
    values[40] = 1.0
    found = probe_envelope(scanned(values), [(400, 410), (700, 710)], RULES)
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
    found = probe_envelope(scanned(values), [(90, 101)], RULES).findings
    assert (found.excursions, found.strays) == (3, 2)
    assert found.strongest == ((200, 200), (100, 105), (206, 206))


def test_what_is_shown_at_the_threshold_does_not_cross_it():
    # 1 of n samples has z = sqrt(n - 1): 3 exactly for n = 10 x 4, with four spikes, sqrt(36 / 4) = 3.
    values = np.zeros(40)
    values[[3, 13, 23, 33]] = 1.0
    found = probe_envelope(scanned(values), [], RULES)
    assert (found.findings.peak, found.outside, found.findings.excursions) == (3.0, 0, 0)


def test_the_gradient_of_a_bend():
    slope = np.where((TIME >= 600) & (TIME < 700), 0.05, 0.01)
    noise = 0.01 * np.random.default_rng(1).normal(size=1000)
    values = np.cumsum(slope) + noise
    found = probe_gradient(scanned(values), [(600, 700), (100, 120)], RULES)
    assert supports(found) == [(600, 699, True), (100, 119, False)]
    assert found.center == pytest.approx(0.01 * 100 / values.std(), rel=0.02)
    assert found.smoothing == 21
    assert 590 <= found.findings.peak_position < 710


def test_the_gradient_is_told_in_standard_deviations_per_hundred_units():
    values = 3.0 * np.arange(500)
    found = probe_gradient(scanned(values), [(0, 10)], RULES)
    # A line of 500 samples, two units each, rises by sqrt(12) = 3.464 standard deviations over its 1,000 units.
    assert found.center == pytest.approx(0.3464, rel=1e-3)
    assert (found.findings.peak, found.findings.crossing) == (0.0, 0)


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
    (found,) = probe(scanned(flipped(500, 525)), anomaly_class, [(500, 525)], RULES)
    assert type(found) is kind


def test_normal_takes_every_probe_that_applies():
    kinds = [type(found) for found in probe(scanned(wave(25)), AnomalyClass.NORMAL, [], RULES)]
    assert kinds == [Envelope, Gradient, Period, Discord, Shapelet]
    noise = np.random.default_rng(0).normal(size=1000)
    kinds = [type(found) for found in probe(scanned(noise), AnomalyClass.NORMAL, [], RULES)]
    assert kinds == [Envelope, Gradient, Discord, Shapelet]


@pytest.mark.parametrize("values", [wave(25), np.full(100, 2.0)], ids=["sine", "constant"])
def test_no_probe_crosses_where_nothing_happens(values):
    found = probe(scanned(values), AnomalyClass.NORMAL, [], RULES)
    assert [item.findings.excursions for item in found] == [0] * len(found)


@pytest.mark.parametrize("rules", [RULES, RELEASED], ids=["paper", "released"])
def test_an_unknown_class_has_no_probe(rules):
    with pytest.raises(ValueError, match="no probe belongs to the class"):
        probe(scanned(wave(25)), AnomalyClass.UNKNOWN, [(1, 2)], rules)


def test_thresholds_are_arguments():
    strict = ProbeThresholds(envelope_sigmas=10.0)
    (found,) = probe(scanned(SPIKE), AnomalyClass.GLOBAL_POINT, [(500, 501)], strict)
    # z = sqrt(999) = 31.6 exceeds both.
    assert (found.findings.threshold, found.findings.crossing) == (10.0, 1)
    assert found.upper == pytest.approx(0.001 + 10 * 0.0316070, abs=1e-5)


@pytest.mark.parametrize("anomaly_class", [item for item in AnomalyClass if item is not AnomalyClass.UNKNOWN])
def test_the_released_rules_take_the_envelope_beyond_five_deviations(anomaly_class):
    (found,) = probe(scanned(SPIKE, RELEASED), anomaly_class, [], RELEASED)
    assert type(found) is Envelope


@pytest.mark.parametrize(
    ("anomaly_class", "kind"),
    [
        (AnomalyClass.GLOBAL_POINT, Discord),
        (AnomalyClass.CONTEXTUAL_POINT, Discord),
        (AnomalyClass.TREND, Gradient),
        (AnomalyClass.SEASONAL, Period),
        (AnomalyClass.SHAPELET, Discord),
        (AnomalyClass.NORMAL, Discord),
    ],
)
def test_the_released_rules_know_one_probe_for_the_rest(anomaly_class, kind):
    (found,) = probe(scanned(flipped(500, 525), RELEASED), anomaly_class, [], RELEASED)
    assert type(found) is kind


def test_the_released_rules_use_moments():
    values = flipped(500, 525) + 0.003 * TIME + 0.1 * np.random.default_rng(5).normal(size=1000)
    analysis = scanned(values, RELEASED)
    (gradient,) = probe(analysis, AnomalyClass.TREND, [], RELEASED)
    # In standard deviations per 100 units, a unit being a sample.
    slopes = 100 * analysis.gradient.values
    # The ends repeat the nearest slope; mean and deviation are of the slopes in between.
    assert gradient.center == pytest.approx(slopes[10:-10].mean(), rel=1e-5)
    assert gradient.dispersion == pytest.approx(slopes[10:-10].std(), rel=1e-5)
    assert gradient.smoothing == 21
    (period,) = probe(analysis, AnomalyClass.SEASONAL, [], RELEASED)
    assert period.window == 100


def test_candidates_are_units_of_the_view():
    values = wave(25, 5000)
    values[3400:3410] = 20.0
    series = Series("s", values)
    analysis = scan(series, RULES, View(3000, 5000))
    (found,) = probe(analysis, AnomalyClass.GLOBAL_POINT, analysis.view.to_units([(3400, 3410)]), RULES)
    # Two samples a unit: samples 400 to 409 of the view.
    assert supports(found) == [(200, 204, True)]
    assert (found.findings.excursions, found.findings.strays) == (1, 0)
    assert found.findings.strongest == ((200, 204),)
