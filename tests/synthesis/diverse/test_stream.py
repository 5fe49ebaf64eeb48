"""Series of Diverse: splits, seeds, classes, tasks."""

import hashlib
import json
from collections import Counter

import numpy as np
import pytest

from anomseer_core.series import AnomalyClass, merge_intervals
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import DIVERSE_TASKS
from anomseer_core.synthesis.diverse.bases import ALL_KINDS, REPEATING, WITH_CONTEXT
from anomseer_core.synthesis.diverse.stream import CLASSES, draw_parts, draw_series

UNIVARIATE = DIVERSE_TASKS[:-1]
ANOMALOUS = set(AnomalyClass) - {AnomalyClass.NORMAL, AnomalyClass.UNKNOWN}


def first(task, count=1, **options):
    return list(generate("diverse", task, count=count, **options))


def contents(series):
    return {hashlib.sha256(item.values.tobytes()).hexdigest() for item in series}


@pytest.mark.parametrize("task", DIVERSE_TASKS)
def test_a_third_is_normal_and_classes_are_balanced(task):
    counts = Counter(series.anomaly_class for series in first(task, 90))
    assert counts[AnomalyClass.NORMAL] == 30
    each = 60 // len(CLASSES[task])
    assert counts == {AnomalyClass.NORMAL: 30, **dict.fromkeys(CLASSES[task], each)}


def test_names_and_metadata():
    anomalous, _, normal = first("seasonal", 3)
    assert anomalous.id == "diverse/eval/seasonal/0000"
    assert (anomalous.benchmark, anomalous.task, anomalous.split) == ("diverse", "seasonal", "eval")
    assert set(anomalous.metadata) == {"seed", "index", "base", "severity"}
    assert anomalous.metadata["base"] in REPEATING
    assert 0 <= anomalous.metadata["severity"] <= 1
    assert normal.is_normal
    assert set(normal.metadata) == {"seed", "index", "base"}
    assert normal.values.ndim == 1
    assert {*CLASSES["multivariate"]} == ANOMALOUS


@pytest.mark.parametrize("task", DIVERSE_TASKS)
def test_a_series_depends_on_nothing_but_its_own_place(task):
    fifth = first(task, 6)[4]
    alone = draw_series(task, split="eval", seed=0, index=4)
    assert fifth.id == alone.id
    assert np.array_equal(fifth.values, alone.values)
    assert fifth.intervals == alone.intervals
    assert dict(fifth.metadata) == dict(alone.metadata)


def test_splits_seeds_and_tasks_share_no_series():
    groups = [
        contents(first(task, 30, split=split, seed=seed))
        for task in DIVERSE_TASKS
        for split in ("train", "eval")
        for seed in (0, 1)
    ]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 7 * 2 * 2 * 30


def test_every_base_that_can_carry_a_class_does_normal_series_included():
    for task, kinds in (("global", ALL_KINDS), ("contextual", WITH_CONTEXT), ("shapelet", REPEATING)):
        series = first(task, 300)
        for normal in (False, True):
            assert {item.metadata["base"] for item in series if item.is_normal is normal} == set(kinds)


def test_a_normal_series_is_the_clean_side_of_an_anomalous_one():
    parts = draw_parts("trend", split="eval", seed=0, index=2)
    assert parts.anomaly_class is AnomalyClass.NORMAL
    (channel,) = parts.channels
    assert np.array_equal(channel.values, channel.clean)


def test_severities_span_the_scale():
    severities = [series.metadata["severity"] for series in first("trend", 300) if series.intervals]
    assert min(severities) < 0.05
    assert max(severities) > 0.95
    assert np.mean(severities) == pytest.approx(0.5, abs=0.07)


def test_several_anomalies_in_a_series_are_common():
    counts = [len(series.intervals) for task in UNIVARIATE for series in first(task, 60) if series.intervals]
    assert np.mean(np.array(counts) > 1) > 0.3


def test_multivariate_series_name_their_anomalous_channels():
    series = first("multivariate", 120)
    assert {len(item.values) for item in series} == set(range(2, 10))
    for index, item in enumerate(series):
        parts = draw_parts("multivariate", split="eval", seed=0, index=index)
        changed = [number for number, part in enumerate(parts.channels) if not np.array_equal(part.values, part.clean)]
        assert list(item.anomalous_channels) == changed
        assert bool(changed) == bool(item.intervals)
        assert len(changed) <= len(item.values) // 2
        by_channel = item.metadata.get("channel_intervals", {})
        assert sorted(map(int, by_channel)) == changed
        told = [pair for pairs in by_channel.values() for pair in pairs]
        assert merge_intervals(told, len(item)) == list(item.intervals)
        json.dumps(dict(item.metadata))


def test_boundary_series_have_short_anomalies_at_either_end():
    for series in first("boundary", 90):
        edge = int(0.02 * len(series))
        assert all(stop - start <= 5 for start, stop in series.intervals)
        assert all(stop <= edge or start >= len(series) - edge for start, stop in series.intervals)
