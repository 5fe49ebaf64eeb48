"""Anomalies in one channel: every label is a departure of its class, nothing else departs."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.series import AnomalyClass, mask_from_intervals
from anomseer_core.synthesis.diverse import contextual_point, global_point, seasonal, shapelet, trend
from anomseer_core.synthesis.diverse.bases import draw_base
from anomseer_core.synthesis.diverse.sample import INJECTIONS, draw_channel, draw_length

CLASSES = tuple(INJECTIONS)
SEVERITIES = st.floats(0, 1)
SEEDS = st.integers(0, 100_000)
MANY = settings(max_examples=80, deadline=None)


def channel_of(anomaly_class, severity, seed, **options):
    rng = np.random.default_rng(seed)
    return draw_channel(rng, anomaly_class, severity, length=draw_length(rng), **options)


def changes(channel):
    """What the anomalies added [T], in units of the base."""
    return (channel.values - channel.clean) / channel.scale


@MANY
@given(st.sampled_from(CLASSES), SEVERITIES, SEEDS)
def test_labels_are_inside_apart_and_tight(anomaly_class, severity, seed):
    channel = channel_of(anomaly_class, severity, seed)
    length, intervals = len(channel.base), channel.intervals
    assert 1 <= len(intervals) <= 5
    assert all(0 <= start < stop <= length for start, stop in intervals)
    gap = max(8, int(0.02 * length))
    assert all(after[0] - before[1] >= gap for before, after in itertools.pairwise(intervals))
    assert sum(stop - start for start, stop in intervals) <= length / 3
    change = changes(channel)
    smallest = 1e-6 * channel.base.extent
    if anomaly_class is AnomalyClass.TREND:
        # Its level may stay where the slope took it: what a label bounds is the change of slope.
        change = np.diff(change, prepend=0)
    outside = ~mask_from_intervals(intervals, length)
    # The step down to where a returning slope ended is the first sample after it.
    outside[[stop for _, stop in intervals if stop < length and anomaly_class is AnomalyClass.TREND]] = False
    assert np.abs(change[outside]).max() < smallest
    assert all(abs(change[start]) > smallest and abs(change[stop - 1]) > smallest for start, stop in intervals)


@MANY
@given(SEVERITIES, SEEDS)
def test_global_points_leave_the_clean_range_by_their_severity(severity, seed):
    channel = channel_of(AnomalyClass.GLOBAL_POINT, severity, seed)
    clean = channel.clean
    labelled = channel.values[mask_from_intervals(channel.intervals, len(clean))]
    excess = np.maximum(labelled - clean.max(), clean.min() - labelled) / np.ptp(clean)
    # 0.15 at severity 0, 1 at severity 1, up to a quarter more.
    size = 0.15 + 0.85 * severity
    assert np.all((excess > size - 1e-9) & (excess < 1.25 * size + 1e-9))


@MANY
@given(SEVERITIES, SEEDS)
def test_contextual_points_stay_in_the_range_and_away_from_their_neighbours(severity, seed):
    channel = channel_of(AnomalyClass.CONTEXTUAL_POINT, severity, seed)
    clean, values = channel.base.clean, channel.base.clean + changes(channel)
    assert clean.min() - 1e-9 <= values.min()
    assert values.max() <= clean.max() + 1e-9
    size = contextual_point.displacement(channel.base, severity)
    assert size >= (0.25 + 0.35 * severity) * np.ptp(clean) - 1e-9
    near = max(3, int(0.004 * len(clean)))
    for position in np.flatnonzero(mask_from_intervals(channel.intervals, len(clean))):
        around = clean[max(0, position - near) : position + near + 1]
        assert abs(values[position] - clean[position]) >= size - 1e-9
        assert np.abs(values[position] - around).min() >= size / 2 - 1e-9


@MANY
@given(SEVERITIES, SEEDS)
def test_trends_rise_as_far_as_their_severity_and_more_than_chance(severity, seed):
    channel = channel_of(AnomalyClass.TREND, severity, seed)
    base = channel.base
    for event in channel.events:
        reached = np.abs(event.change).max()
        assert reached >= (0.4 + 1.1 * severity) * base.extent * 0.98
        assert reached >= 3 * base.wander(len(event.change)) * 0.98
        assert event.shift == 0 or event.shift == pytest.approx(event.change[-1])
        # A slope that comes back ends a step above nothing.
        assert event.shift or abs(event.change[-1]) <= 2.1 * abs(reached) / len(event.change)
        assert base.period is None or len(event.change) >= min(0.9 * base.period, 0.24 * len(base))


@MANY
@given(SEVERITIES, SEEDS)
def test_seasonal_intervals_are_the_same_cycle_at_other_phases(severity, seed):
    channel = channel_of(AnomalyClass.SEASONAL, severity, seed)
    base = channel.base
    shape = base.cycle.shape(np.arange(2048) / 2048)
    rest = base.clean - base.cycle.at(base.phase)
    for event in channel.events:
        span = slice(event.start, event.stop)
        gain = base.cycle.gain(base.phase[span])
        cycle = (base.clean[span] + event.change - rest[span] + 1) / gain - 1
        # Every value is one that the cycle takes, within what a step of its grid makes up.
        assert cycle.min() >= shape.min() - 0.03
        assert cycle.max() <= shape.max() + 0.03
        assert np.sqrt(np.mean(event.change**2)) > 0.15 * base.cycle.deviation


@pytest.mark.parametrize("severity", [0.0, 0.5, 1.0])
def test_seasonal_frequencies_change_by_the_stated_factor(severity):
    factor = 1.4 + 1.6 * severity
    for seed in range(200):
        cycles, extra, shift = seasonal._draw_change(np.random.default_rng(seed), severity)
        if extra:
            ratio = 1 + extra / cycles
            assert max(ratio, 1 / ratio) == pytest.approx(factor)
            assert shift == 0
            assert cycles >= 1 - 1e-9
            assert extra == round(extra)
        else:
            assert abs(shift) == pytest.approx(0.15 + 0.35 * severity)
            assert 1 <= cycles <= 3


@MANY
@given(SEVERITIES, SEEDS)
def test_shapelets_differ_by_their_severity(severity, seed):
    channel = channel_of(AnomalyClass.SHAPELET, severity, seed)
    base = channel.base
    for event in channel.events:
        phase = base.phase[event.start : event.stop]
        difference = event.change / base.cycle.gain(phase) / base.cycle.deviation
        cycles = max(1, round(phase[-1] - phase[0]))
        # The mean over whole cycles; the label is cut to what is seen, and samples are not a grid.
        total = np.sqrt(np.sum(difference**2) / (cycles * base.period))
        assert total == pytest.approx(0.35 + 0.6 * severity, rel=0.25)


@pytest.mark.parametrize("module", [global_point, contextual_point, trend, shapelet])
@pytest.mark.parametrize("seed", range(6))
def test_a_higher_severity_is_a_larger_change(module, seed):
    base = draw_base(np.random.default_rng(100 + seed), "sines", 1500)
    sizes = []
    for severity in np.linspace(0, 1, 6):
        drawn = [module.draw(np.random.default_rng(draw), base, severity, np.ones(1500, bool), 1) for draw in range(60)]
        sizes.append(np.median([np.sqrt(np.mean(event.change**2)) for event in drawn if event]))
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.8 * sizes[0]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([AnomalyClass.GLOBAL_POINT, AnomalyClass.CONTEXTUAL_POINT]), SEVERITIES, SEEDS)
def test_boundary_points_are_short_and_at_the_ends(anomaly_class, severity, seed):
    channel = channel_of(anomaly_class, severity, seed, boundary=True)
    length = len(channel.base)
    edge = int(0.02 * length)
    assert 1 <= len(channel.intervals) <= 2
    for start, stop in channel.intervals:
        assert 1 <= stop - start <= 5
        assert stop <= edge or start >= length - edge


def test_anomalies_lie_anywhere():
    middles = [
        (start + stop) / 2 / len(channel.base)
        for seed in range(300)
        for channel in [channel_of(CLASSES[seed % 5], 0.5, seed)]
        for start, stop in channel.intervals
    ]
    counts = np.histogram(middles, bins=5, range=(0, 1))[0]
    assert counts.min() > 0.6 * counts.mean()


def test_lengths_scales_and_offsets_vary():
    channels = [channel_of(CLASSES[seed % 5], 0.5, seed) for seed in range(200)]
    lengths = [len(channel.base) for channel in channels]
    assert min(lengths) < 150
    assert max(lengths) > 1500
    extents = [np.ptp(channel.clean) for channel in channels]
    assert max(extents) > 1000 * min(extents)
    assert {np.sign(channel.clean.mean()) for channel in channels} == {-1, 1}
