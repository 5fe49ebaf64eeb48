"""The stage that writes the traces of a dataset from our own analysis."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomseer_core.config import Config
from anomseer_core.expcot import write_trace
from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds
from anomseer_core.expcot.corpus import TraceRow, read_traces, write_traces
from anomseer_core.expcot.trace_table import write_trace_rows
from anomseer_core.expcot.verification import verify_trace
from anomseer_core.observer import SilentObserver
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.series import AnomalyClass, Series, read_series, write_series
from anomseer_core.store import Artifact, ArtifactStore, DamagedArtifact
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.view import View

BRIEF = ExpCoTConfig(style="brief", seed=3)


class Listener(SilentObserver):
    def __init__(self):
        self.heard, self.lines = [], []

    def progress(self, done, total, unit):
        self.heard.append((done, total, unit))

    def line(self, text):
        self.lines.append(text)


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path)


@pytest.fixture
def series(store):
    return synthesize(store, AnomLLMConfig(tasks=("point", "noisy-freq"), count=2))


def file_series(store: ArtifactStore, *items: Series) -> Artifact:
    """Any series as an artifact."""
    recipe = Recipe(Stage("given", "series", modules=()), {}, Config())
    return store.produce(recipe, lambda folder: {"series.parquet": write_series(items, folder / "series.parquet")})


def wave(length: int) -> np.ndarray:
    return np.sin(np.arange(length) * 2 * np.pi / 40)


def test_there_is_one_trace_per_series_in_order(store, series):
    listener = Listener()
    traces = write_traces(store, series, BRIEF, listener)
    assert traces.kind == "traces"
    assert traces.rows == {"traces.parquet": 4}
    assert listener.heard == [(4, 4, "traces")]
    rows = list(read_traces(traces.file("traces.parquet")))
    items = list(read_series(series.file("series.parquet")))
    for row, item in zip(rows, items, strict=True):
        trace = write_trace(item, style="brief", seed=3)
        checked = verify_trace(trace.text, item)
        evidence = json.loads(json.dumps(trace.evidence.to_dict()))
        counts = len(checked.claims), checked.verified, checked.unread
        assert row == TraceRow(item.id, View(0, 1000), trace.text, evidence, "analysis", *counts)
    words = pq.read_table(traces.file("traces.parquet"))["words"].to_pylist()
    assert words == [len(row.text.split()) for row in rows]


def test_every_number_of_our_own_traces_is_verified(store, series):
    for style in ("full", "brief"):
        traces = write_traces(store, series, ExpCoTConfig(style=style))
        rows = list(read_traces(traces.file("traces.parquet")))
        assert [(row.verified, row.unread) for row in rows] == [(row.claims, 0) for row in rows]
        assert all(row.claims for row in rows)


def test_a_long_series_has_a_trace_per_view(store):
    """10,000 samples: windows of 4,000 from 0, 3,000 and 6,000; the last two hold the spike."""
    values = wave(10_000)
    values[6800:6820] += 8
    series = file_series(store, Series("long", values, ((6800, 6820),), AnomalyClass.GLOBAL_POINT))
    traces = write_traces(store, series, ExpCoTConfig())
    assert traces.rows == {"traces.parquet": 3}
    rows = list(read_traces(traces.file("traces.parquet")))
    assert [(row.view.start, row.view.stop) for row in rows] == [(0, 4000), (3000, 7000), (6000, 10_000)]
    assert [row.evidence["anomaly_class"] for row in rows] == ["normal", "global point", "global point"]
    assert [row.evidence["intervals"] for row in rows] == [[], [[950, 954]], [[200, 204]]]
    assert [(row.verified, row.unread) for row in rows] == [(row.claims, 0) for row in rows]


def test_what_cannot_be_traced_is_counted_by_reason(store):
    holes = wave(10_000)
    holes[:4000] = np.nan
    series = file_series(
        store,
        Series("unknown", wave(300), ((100, 110),), AnomalyClass.UNKNOWN),
        Series("short", wave(29)),
        Series("holes", holes),
    )
    listener = Listener()
    traces = write_traces(store, series, BRIEF, listener)
    assert traces.rows == {
        "traces.parquet": 2,
        "left out (class unknown)": 1,
        "left out (no sample)": 1,
        "left out (under 30 samples)": 1,
    }
    assert listener.lines[0] == "1 of 5 views get no trace: class unknown"
    assert listener.heard == [(5, 5, "traces")]
    # Blind traces need no class.
    blind = write_traces(store, series, ExpCoTConfig(style="brief", blind=True))
    assert (blind.rows["traces.parquet"], "left out (class unknown)" in blind.rows) == (3, False)


def test_an_artifact_without_a_single_trace_is_refused(store):
    series = file_series(store, Series("short", wave(10)))
    with pytest.raises(ValueError, match=r"not one of these series can have a trace \(1 x under 30 samples\)"):
        write_traces(store, series, BRIEF)


def test_several_channels_are_refused_by_name(store):
    series = file_series(store, Series("wide", np.stack([wave(100), wave(100)])))
    with pytest.raises(ValueError, match="series 'wide': a trace describes one channel"):
        write_traces(store, series, BRIEF)


def test_blind_traces_know_nothing_of_the_label(store):
    """The same values under another label give the very same text and evidence."""
    values = wave(400)
    values[200:204] += 9
    labels = [((), AnomalyClass.NORMAL), (((10, 20),), AnomalyClass.TREND), (((200, 204),), AnomalyClass.GLOBAL_POINT)]
    told = []
    for intervals, anomaly_class in labels:
        series = Series("same", values, intervals, anomaly_class)
        home = ArtifactStore(store.home / str(len(told)))
        traces = write_traces(home, file_series(home, series), ExpCoTConfig(blind=True))
        (row,) = read_traces(traces.file("traces.parquet"))
        told.append((row.text, row.evidence))
    assert told[0] == told[1] == told[2]
    assert told[0][1]["anomaly_class"] == "global point"


def test_the_same_traces_are_found_again_and_others_are_not(store, series):
    first = write_traces(store, series, BRIEF)
    again = write_traces(store, series, BRIEF)
    assert (again.path, again.reused, first.reused) == (first.path, True, False)
    changes = [{"style": "full"}, {"seed": 4}, {"blind": True}, {"rules": ProbeThresholds(envelope_sigmas=4)}]
    keys = {write_traces(store, series, BRIEF.model_copy(update=change)).key for change in changes}
    assert len(keys | {first.key}) == 5
    assert first.inputs == {"series": series.reference}


def test_the_bytes_are_the_same_in_another_store(tmp_path, store, series):
    other = ArtifactStore(tmp_path / "other")
    copy = synthesize(other, AnomLLMConfig(tasks=("point", "noisy-freq"), count=2))
    assert write_traces(other, copy, BRIEF).digest == write_traces(store, series, BRIEF).digest


def test_damaged_series_are_refused(store, series):
    series.file("series.parquet").write_bytes(b"other")
    with pytest.raises(DamagedArtifact, match=r"series\.parquet was changed"):
        write_traces(store, series, BRIEF)


def test_rows_round_trip_over_several_groups(tmp_path):
    """600 rows in groups of 256; a foreign trace has no evidence."""
    rows = [
        TraceRow(f"s{row}", View(row, row + 40), f"max |z| is {row}", {"a": [row]} if row % 2 else None, "x", 1, 0, 2)
        for row in range(600)
    ]
    path = tmp_path / "traces.parquet"
    assert write_trace_rows(iter(rows), path) == 600
    assert list(read_traces(path)) == rows
    assert pq.ParquetFile(path).num_row_groups == 3
    assert rows[0].words == 4


def test_other_files_are_refused(tmp_path):
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="not a traces file"):
        next(read_traces(tmp_path / "x.parquet"))
