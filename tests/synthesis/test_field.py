"""Field: series to train on that look like monitored ones."""

from collections import Counter

import numpy as np
import pytest

from anomseer_core.series import AnomalyClass
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import FIELD_TASKS
from anomseer_core.synthesis.field import faults
from anomseer_core.synthesis.field.faults import FAULTS, SMALLEST_CHANGE, SMALLEST_EFFECT, draw_fault
from anomseer_core.synthesis.field.signals import Signal, draw_signal
from anomseer_core.synthesis.field.stream import LARGEST_ANOMALOUS_SHARE, LONGEST, SHORTEST, with_faults


@pytest.fixture(scope="module", params=["plain", "brief", "window"])
def form(request):
    return request.param


@pytest.fixture(scope="module")
def series(form):
    return [item for task in FIELD_TASKS for item in generate("field", task, split="train", count=40, form=form)]


def test_every_series_is_whole(series):
    for item in series:
        assert SHORTEST <= len(item) <= LONGEST
        assert np.isfinite(item.values).all()
        assert np.ptp(item.values) > 0 or (item.is_normal and "/window-" in item.id)
        assert item.is_normal == (item.anomaly_class is AnomalyClass.NORMAL)
        assert sum(stop - start for start, stop in item.intervals) <= LARGEST_ANOMALOUS_SHARE * len(item)


def test_every_fourth_or_eighth_is_normal_and_every_class_occurs(series, form):
    every = {"plain": 4, "brief": 8, "window": 8}[form]
    normal = [item.is_normal for item in series]
    assert normal == [index % every == every - 1 for index in range(40)] * len(FIELD_TASKS)
    classes = Counter(item.anomaly_class for item in series if not item.is_normal)
    assert set(classes) == set(FAULTS)
    assert min(classes.values()) > 15


def test_a_series_is_a_function_of_its_place_alone():
    first, second = (list(generate("field", "beats", split="train", count=count, seed=3)) for count in (3, 5))
    assert [item.values.tolist() for item in first] == [item.values.tolist() for item in second[:3]]
    (other,) = generate("field", "beats", split="eval", count=1, seed=3)
    assert other.values.tolist() != first[0].values.tolist()


def test_forms_are_streams_of_their_own_and_plain_is_the_first():
    named, unnamed, brief = (
        next(generate("field", "beats", split="train", **kwargs))
        for kwargs in ({"form": "plain"}, {}, {"form": "brief"})
    )
    assert named.values.tolist() == unnamed.values.tolist()
    assert named.id == unnamed.id != brief.id
    assert brief.values.tolist() != named.values.tolist()
    with pytest.raises(ValueError, match="unknown form of field 'fixed'; choose one of plain, brief, window"):
        next(generate("field", "beats", form="fixed"))


def test_windows_are_mostly_full_and_every_second_normal_one_is_constant():
    drawn = [item for task in FIELD_TASKS for item in generate("field", task, split="train", count=80, form="window")]
    constant = [np.ptp(item.values) == 0 for item in drawn]
    assert constant == [index % 16 == 15 for index in range(80)] * len(FIELD_TASKS)
    levels = {item.values[0] for item in drawn if np.ptp(item.values) == 0}
    assert 0.0 in levels
    assert len(levels) > 10
    full = np.mean([len(item) == LONGEST for item in drawn])
    assert 0.6 < full < 0.8


@pytest.mark.parametrize("anomaly_class", FAULTS)
def test_a_fault_is_seen_and_keeps_to_its_stretch(anomaly_class, form):
    rng = np.random.default_rng(0)
    drawn = 0
    for _ in range(200):
        signal = draw_signal(rng, FIELD_TASKS[rng.integers(len(FIELD_TASKS))], 500)
        free = np.ones(500, dtype=bool)
        free[:100] = False
        fault = draw_fault(rng, signal, anomaly_class, rng.uniform(), free, form)
        if fault is None:
            continue
        drawn += 1
        assert 100 <= fault.start < fault.stop <= 500
        changed = with_faults(signal, (fault,)) - signal.values
        assert not changed[: fault.start].any()
        assert np.allclose(changed[fault.stop :], fault.shift)
        assert np.abs(changed).max() >= SMALLEST_CHANGE * signal.extent
        effect = max(np.sqrt(np.mean(changed[fault.start : fault.stop] ** 2)), abs(fault.shift))
        assert effect >= SMALLEST_EFFECT * signal.deviation * (1 - 1e-9)
    assert drawn > 20


def test_points_are_what_their_class_says():
    rng = np.random.default_rng(1)
    signal = draw_signal(rng, "daily", 1000)
    beyond, _ = faults._spike(rng, signal, 300, 303, 0.0)
    assert beyond.min() > signal.values.max() or beyond.max() < signal.values.min()
    away, _ = faults._displaced(rng, signal, 300, 302, 0.0)
    assert signal.values.min() <= away.min() <= away.max() <= signal.values.max()
    near = signal.values[290:312]
    assert away.min() > near.max() or away.max() < near.min()


def test_brief_faults_last_a_part_of_a_cycle_and_a_dip_stays_in_the_range():
    """Among ten cycles of 100 samples: of 3 to 60 of them, where the form `plain` has 70 at least."""
    rng = np.random.default_rng(2)
    signal = Signal("beats", np.sin(2 * np.pi * np.arange(1000) / 100), pace=100.0)
    free = np.ones(1000, dtype=bool)
    lengths = {"plain": [], "brief": []}
    for form, found in lengths.items():
        for _ in range(300):
            fault = draw_fault(rng, signal, AnomalyClass.SHAPELET, rng.uniform(), free, form)
            found += [] if fault is None else [len(fault.values)]
    assert min(lengths["plain"]) >= 70
    brief = [length for length in lengths["brief"] if length < 70]
    assert len(brief) > 20
    assert max(brief) <= 60
    for _ in range(100):
        dipped, shift = faults._dip(rng, signal, 300, 340, rng.uniform())
        assert shift == 0
        assert np.abs(dipped).max() <= 1


def test_shifts_add_up():
    signal = Signal("drift", np.zeros(10))
    up = faults.Fault(AnomalyClass.TREND, 2, np.array([1.0, 2.0]), shift=2.0)
    down = faults.Fault(AnomalyClass.TREND, 6, np.array([-1.0]), shift=-1.0)
    assert with_faults(signal, (up, down)).tolist() == [0, 0, 1, 2, 2, 2, 1, 1, 1, 1]
