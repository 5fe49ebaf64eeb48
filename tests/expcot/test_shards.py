"""Shards: how they are cut, which views are left out, and that the artifact does not depend on them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.expcot import shards
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.expcot.shards import cut, reason_to_leave_out
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.view import View


def test_shards_hold_at_most_so_many_views(monkeypatch):
    """4 + 4 fit into 8, the 9 is a shard of its own, and 1 + 2 are the rest."""
    monkeypatch.setattr(shards, "VIEWS_PER_SHARD", 8)
    assert cut([4, 4, 9, 1, 2]) == [range(0, 2), range(2, 3), range(3, 5)]
    assert cut([]) == []


@given(st.lists(st.integers(0, 300), max_size=60))
def test_every_row_is_in_one_shard(sizes):
    ranges = cut(sizes)
    assert [row for part in ranges for row in part] == list(range(len(sizes)))
    for part in ranges:
        assert len(part) == 1 or sum(sizes[row] for row in part) <= shards.VIEWS_PER_SHARD


def test_the_rules_for_leaving_a_view_out():
    values = np.ones(100)
    values[:40] = np.nan
    unknown = Series("a", values, ((50, 60),), AnomalyClass.UNKNOWN)
    whole, gap, start, short = View(0, 100), View(0, 40), View(0, 45), View(50, 79)
    assert reason_to_leave_out(unknown, whole, needs_label=True) == "class unknown"
    assert reason_to_leave_out(unknown, whole, needs_label=False) == ""
    # What is normal for certain needs no class: the interval is beyond this view.
    assert reason_to_leave_out(unknown, start, needs_label=True) == ""
    assert reason_to_leave_out(unknown, gap, needs_label=False) == "no sample"
    assert reason_to_leave_out(unknown, short, needs_label=False) == "under 30 samples"


def test_bytes_and_key_are_the_same_for_any_shards(tmp_path, monkeypatch):
    """In one shard, in many, and with the work handed out: the fan-out gets all shards but the first."""
    handed_out = []

    def fan_out(function, parts):
        handed_out.append(len(parts))
        yield from [function(part) for part in parts]

    made = []
    for number, (size, threshold) in enumerate([(128, 100), (2, 100), (2, 5)]):
        monkeypatch.setattr(shards, "VIEWS_PER_SHARD", size)
        monkeypatch.setattr(shards, "FEWEST_VIEWS_TO_FAN_OUT", threshold)
        store = ArtifactStore(tmp_path / str(number))
        series = synthesize(store, AnomLLMConfig(tasks=("point",), count=6))
        made.append(write_traces(store, series, ExpCoTConfig(style="brief"), fan_out=fan_out))
    assert {(traces.key, traces.digest) for traces in made} == {(made[0].key, made[0].digest)}
    assert handed_out == [2]


def test_what_a_shard_raises_leaves_no_artifact(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "FEWEST_VIEWS_TO_FAN_OUT", 1)
    monkeypatch.setattr(shards, "VIEWS_PER_SHARD", 1)
    closed = []

    def fan_out(function, parts):
        try:
            yield function(parts[0])
            raise ValueError("series 'x' is bad")
        finally:
            closed.append(True)

    store = ArtifactStore(tmp_path)
    series = synthesize(store, AnomLLMConfig(tasks=("point",), count=3))
    with pytest.raises(ValueError, match="series 'x' is bad"):
        write_traces(store, series, ExpCoTConfig(), fan_out=fan_out)
    assert closed == [True]
    assert [artifact.kind for artifact in store.all()] == ["series"]
