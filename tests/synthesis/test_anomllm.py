"""AnomLLM: equal to the original's numbers, and to its formulas by hand."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from anomseer_core.series import AnomalyClass, mask_from_intervals
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.anomllm import POINT_DURATIONS, TASKS, Streams, draw_freq, draw_point, draw_trend
from anomseer_core.synthesis.config import ANOMLLM_TASKS
from tests import naive_anomllm

REFERENCE = Path(__file__).parents[2] / "../shared/reference/anomllm_eval_first6.npz"
REPRODUCIBLE = tuple(task for task in ANOMLLM_TASKS if task != "range")

# First 16 hex digits of the SHA-256 of the float64 bytes of a published split [400, 1000], rounded to 6 decimals, as
# the original program makes them: train (seed 3407), eval (seed 42).
FINGERPRINTS = {
    "point": ("dd2cbf3613d8b29b", "8e3d6d7b32988ef6"),
    "freq": ("11f88b2dbc2163a2", "ec3be5e7882fdec3"),
    "trend": ("fa5c60b77e42eade", "5dbb37f57de8a9ba"),
    "flat-trend": ("47f1f3b4a2cebff6", "94b5e54cbfc5193d"),
    "noisy-point": ("a714749dd5350a36", "d5c6bb7a97978e84"),
    "noisy-freq": ("d83058012473e99d", "f7e938c5a6ed7246"),
    "noisy-trend": ("3d172deb2dd2827b", "717b0e559a5b05e2"),
}
# Series of the eval split by their number of anomalies 0, 1, 2, ...
EVENT_COUNTS = {
    "point": [117, 142, 100, 37, 4],
    "freq": [40, 95, 130, 68, 39, 21, 5, 2],
    "trend": [230, 170],
    "flat-trend": [230, 170],
    "noisy-point": [105, 173, 89, 30, 3],
    "noisy-freq": [51, 90, 111, 69, 50, 19, 6, 3, 1],
    "noisy-trend": [242, 158],
}


def first(task, count=1, **options):
    return list(generate("anomllm", task, count=count, **options))


@pytest.mark.parametrize("task", REPRODUCIBLE)
def test_the_first_six_equal_the_original(task):
    if not REFERENCE.exists():
        pytest.skip("shared/reference/anomllm_eval_first6.npz is absent")
    with np.load(REFERENCE, allow_pickle=False) as reference:
        expected, intervals = reference[f"{task}/series"], json.loads(str(reference[f"{task}/intervals"]))
    drawn = first(task, 6)
    np.testing.assert_allclose([series.values for series in drawn], expected, rtol=0, atol=1e-12)
    assert [[list(pair) for pair in series.intervals] for series in drawn] == intervals


@pytest.mark.parametrize("split", ["train", "eval"])
@pytest.mark.parametrize("task", REPRODUCIBLE)
def test_a_published_split_has_the_fingerprint_of_the_original(task, split):
    drawn = list(generate("anomllm", task, split=split))
    values = np.round([series.values for series in drawn], 6)
    assert values.shape == (400, 1000)
    assert hashlib.sha256(values.tobytes()).hexdigest()[:16] == FINGERPRINTS[task][split == "eval"]
    if split == "eval":
        counts = Counter(len(series.intervals) for series in drawn)
        assert [counts[number] for number in range(max(counts) + 1)] == EVENT_COUNTS[task]


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("range", AnomalyClass.GLOBAL_POINT),
        ("noisy-point", AnomalyClass.CONTEXTUAL_POINT),
        ("noisy-freq", AnomalyClass.SEASONAL),
        ("flat-trend", AnomalyClass.TREND),
    ],
)
def test_classes(task, expected):
    drawn = first(task, 30)
    assert {series.anomaly_class for series in drawn if series.intervals} == {expected}
    assert {series.anomaly_class for series in drawn if not series.intervals} == {AnomalyClass.NORMAL}


def test_names_and_metadata():
    series = first("noisy-point", 4)[3]
    assert series.id == "anomllm/eval/noisy-point/0003"
    assert (series.benchmark, series.task, series.split) == ("anomllm", "noisy-point", "eval")
    assert dict(series.metadata) == {"seed": 42, "index": 3, "base_frequency": 0.03}
    assert dict(first("range", split="train")[0].metadata) == {"seed": 3407, "index": 0}


def test_range_is_noise_with_one_signed_shift_per_anomaly():
    (series,) = first("range")
    noise = np.random.RandomState(42).normal(0, 0.1, 1000)
    shift = series.values - noise
    assert not shift[~mask_from_intervals(series.intervals, 1000)].any()
    assert series.intervals
    for start, stop in series.intervals:
        assert len(set(np.sign(shift[start:stop]))) == 1
        assert np.all((np.abs(shift[start:stop]) > 0.5 - 1e-9) & (np.abs(shift[start:stop]) < 0.8 + 1e-9))


def test_range_follows_its_seed():
    once, again, other = first("range", 5), first("range", 5), first("range", 5, seed=7)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(once, again, strict=True))
    assert not np.array_equal(once[0].values, other[0].values)


def test_range_is_normal_as_often_as_its_first_gap_says():
    # A first gap ~ Exp(mean 800) of at least 1000 leaves no anomaly: exp(-1.25) = 0.2865, +-3 sigma = 0.068 at n = 400.
    normal = sum(series.is_normal for series in first("range", 400)) / 400
    assert abs(normal - 0.2865) < 0.068


def test_the_first_gap_and_length_are_scipys_exponentials():
    # The stream's first two integers seed them; series 0 of point/eval is [[485, 500]].
    gap_seed, length_seed = np.random.RandomState(42).randint(0, 2**31 - 1, size=2)
    gap = stats.expon(scale=POINT_DURATIONS.mean_normal).rvs(random_state=gap_seed)
    length = stats.expon(scale=POINT_DURATIONS.mean_anomaly).rvs(random_state=length_seed)
    assert (int(max(gap, 200)), int(max(length, 5))) == (485, 15)
    assert first("point")[0].intervals == ((485, 500),)


def test_point_is_a_sine_outside_its_anomalies():
    values, intervals = draw_point(streams(1))
    clean = ~mask_from_intervals(intervals, 1000)
    np.testing.assert_allclose(values[clean], np.sin(0.06 * np.pi * np.arange(1000))[clean], atol=1e-12)
    assert all(start >= 200 for start, _ in intervals)


def test_freq_keeps_its_phase_and_changes_its_speed():
    values, intervals = draw_freq(streams(42))
    # The sum of frequencies starts at f and not at 0: x[0] = sin(2 pi 0.03) = 0.187381.
    assert values[0] == pytest.approx(0.187381, abs=1e-6)
    assert intervals == [(211, 256), (666, 673), (699, 729)]
    start, stop = intervals[0]
    phase = 0.03 * start
    speeds = [
        speed
        for speed in (0.09, 0.01)
        if np.allclose(values[start:stop], np.sin(2 * np.pi * (phase + speed * np.arange(1, stop - start + 1))))
    ]
    assert len(speeds) == 1


def test_trend_rises_by_three_and_faster_in_its_anomaly():
    seed = next(seed for seed in range(20) if draw_trend(streams(seed), (6.0, 20.0))[1])
    values, ((start, stop),) = draw_trend(streams(seed), (6.0, 20.0))
    assert (values.min(), values.max()) == (-1, 1)
    assert 800 <= start < stop <= 1000
    # Undo the scaling with two whole periods of 50: the line rises by 3 * 50 / 1000 = 0.15 between them.
    scale = 0.15 / (values[50] - values[0])
    line = scale * values - np.sin(0.04 * np.pi * np.arange(1000))
    steps = np.diff(line)
    np.testing.assert_allclose(steps[: start - 1], 0.003, atol=1e-9)
    # The first step of the anomaly is flat, the rest has one slope in [6, 20] / 1000.
    assert steps[start - 1] == pytest.approx(0, abs=1e-9)
    assert np.ptp(steps[start : stop - 1]) < 1e-9
    assert 0.006 <= steps[start] <= 0.020


def test_a_noisy_series_is_the_clean_one_plus_noise():
    (clean,), (noisy,) = first("point"), first("noisy-point")
    assert clean.intervals == noisy.intervals
    noise = noisy.values - clean.values
    # n = 1000: the deviation of N(0, 0.08) is estimated within 0.08 / sqrt(2000) = 0.0018.
    assert noise.std() == pytest.approx(0.08, abs=3 * 0.0018)


def test_flat_trend_shares_the_intervals_of_trend():
    steep, flat = first("trend", 40), first("flat-trend", 40)
    assert [series.intervals for series in steep] == [series.intervals for series in flat]


def test_a_shorter_stream_is_the_beginning_of_a_longer_one():
    short, long = first("noisy-freq", 3), first("noisy-freq", 6)
    assert all(np.array_equal(a.values, b.values) for a, b in zip(short, long, strict=False))


def test_training_on_the_published_evaluation_seed_is_said(caplog):
    first("point", split="train", seed=42)
    assert "train split with seed 42: these are the series of the eval split" in caplog.text
    caplog.clear()
    first("point", split="train")
    first("point", seed=7)
    assert not caplog.records


def test_every_configured_task_has_a_generator():
    assert tuple(TASKS) == ANOMLLM_TASKS


def streams(seed):
    return Streams(np.random.RandomState(seed), np.random.RandomState(0))


@pytest.mark.parametrize("task", ANOMLLM_TASKS)
def test_the_first_twelve_equal_the_naive_program(task):
    drawn = first(task, 12)
    for series, (values, intervals) in zip(drawn, naive_anomllm.split(task, 42, 12), strict=True):
        np.testing.assert_allclose(series.values, values, rtol=0, atol=1e-9)
        assert list(series.intervals) == intervals
