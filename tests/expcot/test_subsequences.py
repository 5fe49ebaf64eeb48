"""Discords of one and of three window lengths, against slow references."""

import numpy as np
import pytest

from anomseer_core.expcot.config import ProbeThresholds
from anomseer_core.expcot.scan import scan, standardised_discords
from anomseer_core.expcot.subsequences import (
    best_window_scores,
    probe_discord,
    probe_shapelet,
    scale_windows,
    strongest_discords,
)
from anomseer_core.series import Series

RULES = ProbeThresholds()
NOISE = 0.05 * np.random.default_rng(2).normal(size=1000)


def scanned(values, rules=RULES):
    return scan(Series("s", values), rules)


def flipped(*spans, period=25):
    """A sine whose sign changes inside the spans."""
    values = np.sin(2 * np.pi * np.arange(1000) / period)
    for start, stop in spans:
        values[start:stop] *= -1
    return values


def supports(evidence):
    return [(item.first, item.last, item.crosses) for item in evidence.findings.supports]


def naive_strongest(scores, count, window):
    """Take the highest window that overlaps none taken before, again and again."""
    taken = []
    for start in sorted(range(len(scores)), key=lambda start: (-scores[start], start)):
        if len(taken) < count and all(abs(start - other) >= window for other in taken):
            taken.append(start)
    return [(start, start + window) for start in taken]


def test_a_flipped_cycle_is_a_discord_and_the_rest_is_not():
    found = probe_discord(scanned(flipped((500, 525))), [(500, 525), (800, 810)], RULES)
    assert supports(found) == [(500, 524, True), (800, 809, False)]
    assert found.window == 50
    assert found.findings.peak > 3.5
    assert found.findings.peak_position == found.span[0]
    # Every window that exceeds the threshold touches the flipped cycle.
    (merged,) = found.findings.strongest
    assert merged[0] >= 500 - 49
    assert merged[1] <= 524 + 49


@pytest.mark.parametrize("window", [1, 2, 7, 50])
def test_a_sample_has_the_score_of_its_best_window(window):
    scores = np.random.default_rng(0).normal(size=200 - window + 1)
    naive = [max(scores[max(0, sample - window + 1) : sample + 1]) for sample in range(200)]
    assert best_window_scores(scores, 200).tolist() == naive


@pytest.mark.parametrize("count", [1, 3, 50])
def test_the_strongest_discords_are_the_highest_that_do_not_overlap(count):
    scores = np.random.default_rng(1).normal(size=300)
    found = strongest_discords(scores, count, 300 + 20 - 1)
    assert found == naive_strongest(scores, count, 20)
    assert len(found) == min(count, len(found))


def test_ties_go_to_the_first():
    assert strongest_discords(np.array([0.0, 2.0, 2.0, 1.0, 2.0]), 3, 6) == [(1, 3), (4, 6)]


def test_two_flipped_cycles_are_found_at_every_scale():
    analysis = scanned(flipped((300, 325), (700, 725)) + NOISE)
    found = probe_shapelet(analysis, [(300, 325), (700, 725)], RULES)
    assert [scale.window for scale in found.scales] == [25, 50, 100]
    for scale in found.scales:
        first, second = sorted(scale.spans)
        assert (first[1] - first[0] + 1, second[1] - second[0] + 1) == (scale.window, scale.window)
        assert first[0] <= 324 < second[0] <= 724
        assert first[1] >= 300
        assert second[1] >= 700
        assert scale.matching == 2
        assert scale.scores == tuple(sorted(scale.scores, reverse=True))
    assert found.window == 50
    assert found.scales[1].scores[0] == analysis.discords.max() == found.findings.peak
    assert found.scales[2].scores[0] == standardised_discords(analysis.z, 100, "robust").max()


def test_stable_counts_the_scales_that_agree():
    one = probe_shapelet(scanned(flipped((500, 525)) + NOISE), [(500, 525)], RULES)
    assert one.stable == 3
    for seed in range(4):
        noise = np.random.default_rng(seed).normal(size=1000)
        found = probe_shapelet(scanned(noise), [], RULES)
        # By definition, with closed spans: where the middle discord is none, nothing is stable.
        middle = found.scales[1].spans[0]
        agree = [
            scale.scores[0] > 3.5 and scale.spans[0][0] <= middle[1] and middle[0] <= scale.spans[0][1]
            for scale in found.scales
        ]
        assert found.stable == (sum(agree) if agree[1] else 0)


@pytest.mark.parametrize(("candidates", "discords"), [(0, 1), (1, 1), (2, 2), (3, 3), (5, 3)])
def test_there_are_as_many_discords_as_candidates_one_to_three(candidates, discords):
    analysis = scanned(flipped((300, 325)) + NOISE)
    found = probe_shapelet(analysis, [(10 * index, 10 * index + 2) for index in range(candidates)], RULES)
    assert [len(scale.spans) for scale in found.scales] == [discords] * 3
    assert len(found.findings.supports) == candidates
    assert all(scale.matching == 0 for scale in found.scales)


@pytest.mark.parametrize(
    ("length", "windows"),
    # A quarter of the series at most, its half and its double, the last within a third.
    [(30, (4, 7, 10)), (100, (12, 25, 33)), (160, (20, 40, 53)), (400, (25, 50, 100)), (2000, (25, 50, 100))],
)
def test_scales_fit_short_series(length, windows):
    analysis = scanned(np.random.default_rng(0).normal(size=length))
    assert scale_windows(analysis) == windows
    found = probe_shapelet(analysis, [(0, 100)], RULES)
    assert [scale.window for scale in found.scales] == pytest.approx([1000 * w / length for w in windows], rel=1e-5)


def test_a_series_that_repeats_has_discords_of_no_strength():
    found = probe_shapelet(scanned(flipped()), [(100, 200)], RULES)
    assert [scale.scores for scale in found.scales] == [(0.0,)] * 3
    assert found.findings.crossing == 0
