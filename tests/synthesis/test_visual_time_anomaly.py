"""VisualTimeAnomaly: equal to the original's numbers, its seasonal drift included, and to its formulas by hand."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from anomseer_core.series import AnomalyClass, intervals_from_mask, mask_from_intervals
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import VISUAL_TASKS
from anomseer_core.synthesis.visual_time_anomaly import (
    CLASSES,
    INJECTIONS,
    inject_contextual,
    inject_global,
    inject_seasonal,
    inject_shapelet,
    inject_trend,
    repair_contextual,
    repair_global,
)

REFERENCE = Path(__file__).parents[2] / "../shared/reference/visual_time_anomaly_eval_first5.npz"

# First 16 hex digits of the SHA-256 of the float64 bytes of a published split [100, 400], rounded to 6 decimals, as
# the original program makes them: train, eval (both seed 0).
FINGERPRINTS = {
    "global": ("e48b1d45b414963c", "c37af77a1831f7b8"),
    "contextual": ("a3c551333c57e1fd", "8be439315068a0a1"),
    "seasonal": ("f38f9fca2c8bb598", "7b995759f75558bf"),
    "trend": ("59c5c3dab989f2bc", "c9a7408e80e19290"),
    "shapelet": ("f3fee74551ff00bf", "1508d137895253a8"),
}
WAVE = 1.5 * np.sin(0.08 * np.pi * np.arange(400))


def first(task, count=1, **options):
    return list(generate("visual_time_anomaly", task, count=count, **options))


def positions(seed, count):
    return (np.random.RandomState(seed).random_sample(count) * 400).astype(int)


def apart(minimum):
    """A seed whose two windows are `minimum` samples apart, in the order of time, inside the series."""
    for seed in range(100):
        before, after = positions(seed, 2)
        if before >= 5 and before + minimum <= after <= 395:
            return seed, before, after
    raise AssertionError("no such seed")


@pytest.mark.parametrize("task", VISUAL_TASKS)
def test_the_first_five_equal_the_original(task):
    if not REFERENCE.exists():
        pytest.skip("shared/reference/visual_time_anomaly_eval_first5.npz is absent")
    with np.load(REFERENCE, allow_pickle=False) as reference:
        expected, labels = reference[f"{task}/series"], json.loads(str(reference[f"{task}/labels"]))
    drawn = first(task, 5)
    np.testing.assert_allclose([series.values for series in drawn], expected, rtol=0, atol=1e-12)
    for series, label in zip(drawn, labels, strict=True):
        # Points are single indices in the original, ranges half-open pairs.
        pairs = [(item, item + 1) if isinstance(item, int) else item for item in label]
        assert list(series.intervals) == intervals_from_mask(mask_from_intervals(pairs, 400))


@pytest.mark.parametrize("split", ["train", "eval"])
@pytest.mark.parametrize("task", VISUAL_TASKS)
def test_a_published_split_has_the_fingerprint_of_the_original(task, split):
    drawn = list(generate("visual_time_anomaly", task, split=split))
    values = np.round([series.values for series in drawn], 6)
    assert values.shape == (100, 400)
    assert hashlib.sha256(values.tobytes()).hexdigest()[:16] == FINGERPRINTS[task][split == "eval"]
    assert not any(series.is_normal for series in drawn)
    ratio = np.mean([mask_from_intervals(series.intervals, 400).mean() for series in drawn])
    assert 0.047 < ratio < 0.050


def test_names_classes_and_metadata():
    series = first("shapelet", 2)[1]
    assert series.id == "visual_time_anomaly/eval/shapelet/0001"
    assert series.anomaly_class is AnomalyClass.SHAPELET
    assert (series.benchmark, series.task, series.split) == ("visual_time_anomaly", "shapelet", "eval")
    assert dict(series.metadata) == {"seed": 0, "index": 1, "base_frequency": 0.04}
    assert {*CLASSES.values()} == {*AnomalyClass} - {AnomalyClass.NORMAL, AnomalyClass.UNKNOWN}


def test_seasonal_triples_its_base_frequency_from_series_to_series():
    frequencies = [series.metadata["base_frequency"] for series in first("seasonal", 4)]
    assert frequencies == pytest.approx([0.04, 0.12, 0.36, 1.08])
    assert [series.metadata["base_frequency"] for series in first("trend", 3)] == [0.04] * 3


def test_global_points_reach_the_extreme_of_their_sign():
    values, mask = inject_global(np.random.RandomState(3), WAVE, 0.04)
    assert set(np.flatnonzero(mask)) == set(positions(3, 20))
    assert np.array_equal(values[~mask], WAVE[~mask])
    assert np.all((values[mask] >= WAVE.max()) | (values[mask] <= WAVE.min()))
    inner = next(position for position in np.flatnonzero(mask) if 5 <= position <= 395)
    scaled = WAVE[inner] * 3.5 * np.std(WAVE[inner - 5 : inner + 5])
    assert values[inner] == pytest.approx(max(scaled, WAVE.max()) if scaled >= 0 else min(scaled, WAVE.min()))


def test_contextual_points_stay_in_the_range():
    values, mask = inject_contextual(np.random.RandomState(3), WAVE, 0.04)
    assert np.array_equal(values[~mask], WAVE[~mask])
    assert WAVE.min() <= values.min() <= values.max() <= WAVE.max()
    assert (values[mask] != WAVE[mask]).all()


def test_seasonal_windows_wave_three_times_as_fast():
    seed, before, after = apart(10)
    values, mask = inject_seasonal(np.random.RandomState(seed), WAVE, 0.04)
    assert intervals_from_mask(mask) == [(before - 5, before + 5), (after - 5, after + 5)]
    fast = 1.5 * np.sin(0.24 * np.pi * np.arange(400))
    # The fresh series carries noise of deviation 1.5 * 0.05 = 0.075.
    assert np.abs(values - fast)[mask].max() < 5 * 0.075
    assert np.array_equal(values[~mask], WAVE[~mask])


def test_trend_windows_ramp_and_the_later_one_drops_back():
    seed, before, after = apart(15)
    values, mask = inject_trend(np.random.RandomState(seed), np.zeros(400), 0.04)
    assert intervals_from_mask(mask) == [(before - 5, before + 5), (after - 5, after + 5)]
    # Ten samples of 0, 0.5, ..., 4.5 with a sign each; between the windows the first keeps 4.5, after them both add up.
    ramp = 0.5 * np.arange(10)
    signs = [np.sign(values[position + 4]) for position in (before, after)]
    np.testing.assert_allclose(values[before - 5 : before + 5], signs[0] * ramp)
    np.testing.assert_allclose(values[before + 5 : after - 5], signs[0] * 4.5)
    np.testing.assert_allclose(values[after - 5 : after + 5], signs[1] * ramp)
    np.testing.assert_allclose(values[after + 5 :], (signs[0] + signs[1]) * 4.5)


def test_shapelet_windows_are_square():
    seed, before, after = apart(10)
    values, mask = inject_shapelet(np.random.RandomState(seed), WAVE, 0.04)
    assert intervals_from_mask(mask) == [(before - 5, before + 5), (after - 5, after + 5)]
    # The first 20 odd harmonics of a square wave of height 1.5 * pi / 4 = 1.178, and little noise.
    inside = np.abs(np.sin(0.08 * np.pi * np.arange(400))) > 0.3
    np.testing.assert_allclose(np.abs(values[mask & inside]), 1.178, atol=0.3)


def test_a_window_at_the_border_is_cut():
    seed = next(seed for seed in range(1000) if positions(seed, 2).min() < 5)
    _, mask = inject_trend(np.random.RandomState(seed), np.zeros(400), 0.04)
    assert intervals_from_mask(mask)[0] == (0, positions(seed, 2).min() + 5)


def test_eval_continues_the_stream_of_train():
    train, evaluation = first("global", 1, split="train"), first("global", 1)
    assert not np.array_equal(train[0].values, evaluation[0].values)
    # Series 0 of train is drawn first from the seed: its noise is the stream's first 400 normals.
    noise = np.random.RandomState(0).normal(0, 1, 400)
    clean = WAVE + 0.075 * noise
    unchanged = ~mask_from_intervals(train[0].intervals, 400)
    np.testing.assert_allclose(train[0].values[unchanged], clean[unchanged], atol=1e-12)


def test_a_split_has_no_more_than_its_hundred():
    with pytest.raises(ValueError, match="100 series in a split, 101 were asked for"):
        first("trend", 101)


def test_every_configured_type_has_an_injection():
    assert tuple(INJECTIONS) == tuple(CLASSES) == VISUAL_TASKS


@pytest.mark.parametrize("task", VISUAL_TASKS)
def test_the_fixed_form_keeps_places_and_whatever_needs_no_repair(task):
    for released, fixed in zip(first(task, 40), first(task, 40, form="fixed"), strict=True):
        assert fixed.intervals == released.intervals
        assert fixed.id == released.id.replace("anomaly/", "anomaly-fixed/")
        assert fixed.metadata["form"] == "fixed"
        assert "form" not in released.metadata
        outside = ~mask_from_intervals(released.intervals, 400)
        if task != "seasonal":
            assert np.array_equal(fixed.values[outside], released.values[outside])
        if task in ("trend", "shapelet"):
            assert np.array_equal(fixed.values, released.values)


def test_fixed_seasonal_series_all_wave_at_one_frequency():
    series = first("seasonal", 100, form="fixed")
    assert {item.metadata["base_frequency"] for item in series} == {0.04}
    for item in series:
        # 16 cycles in 400 samples.
        assert np.argmax(np.abs(np.fft.rfft(item.values))[1:]) + 1 == 16
        outside = ~mask_from_intervals(item.intervals, 400)
        assert np.abs(item.values - WAVE)[outside].max() < 5 * 0.075
    # The first series of a split has no drift to repair.
    assert np.array_equal(series[0].values, first("seasonal")[0].values)


def test_fixed_global_points_leave_the_clean_range_and_keep_what_left_it():
    changed = []
    for released, fixed in zip(first("global", 100), first("global", 100, form="fixed"), strict=True):
        mask = mask_from_intervals(fixed.intervals, 400)
        clean, points = fixed.values[~mask], fixed.values[mask]
        # A tenth of the range beyond an extreme that the replaced samples may have held themselves.
        excess = np.maximum(points - clean.max(), clean.min() - points) / np.ptp(clean)
        assert excess.min() > 0.05
        changed.append(np.mean(points != released.values[mask]))
    assert 0.3 < np.mean(changed) < 0.6


def test_fixed_contextual_points_are_off_by_four_noise_deviations_inside_the_range():
    clean = np.array([1.2, -1.2, 0.0, 1.5, -1.5])
    values = np.array([1.1, -1.3, 0.29, -0.4, -1.5])
    # 4 * 1.5 * 0.05 = 0.3 towards the middle, unless the sample is that far away already.
    repaired = repair_contextual(values, clean, clean)
    assert repaired.tolist() == pytest.approx([0.9, -0.9, -0.3, -0.4, -1.2])
    for fixed in first("contextual", 100, form="fixed"):
        mask = mask_from_intervals(fixed.intervals, 400)
        # The clean sample is the wave and noise of deviation 0.075.
        assert np.quantile(np.abs(fixed.values - WAVE)[mask], 0.05) > 0.3 - 2.5 * 0.075
        assert np.abs(fixed.values).max() < 1.5 + 5 * 0.075


def test_global_repair_by_hand():
    clean = np.array([-1.0, 1.0, 0.5])
    # The range is 2, a tenth of it 0.2: points come to rest at 1.2 or -1.2, or stay where they were beyond that.
    repaired = repair_global(np.array([1.0, -1.1, 3.0, 0.0]), clean, clean)
    assert repaired.tolist() == pytest.approx([1.2, -1.2, 3.0, 1.2])
