"""The stage that writes the traces of a dataset."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomseer_core.expcot import write_trace
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import TraceRow, read_traces, write_traces
from anomseer_core.series import read_series
from anomseer_core.store import ArtifactStore, DamagedArtifact
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize

BRIEF = ExpCoTConfig(style="brief", seed=3)


@pytest.fixture
def store(tmp_path):
    return ArtifactStore(tmp_path)


@pytest.fixture
def series(store):
    return synthesize(store, AnomLLMConfig(tasks=("point", "noisy-freq"), count=2))


def test_there_is_one_trace_per_series_in_order(store, series):
    progress = []

    class Listener:
        def progress(self, done, total, unit):
            progress.append((done, total, unit))

    traces = write_traces(store, series, BRIEF, Listener())
    assert traces.kind == "traces"
    assert traces.rows == {"traces.parquet": 4}
    assert progress == [(done, 4, "traces") for done in range(1, 5)]
    rows = list(read_traces(traces.file("traces.parquet")))
    items = list(read_series(series.file("series.parquet")))
    for row, item in zip(rows, items, strict=True):
        trace = write_trace(item, style="brief", seed=3)
        assert row == TraceRow(item.id, trace.text, json.loads(json.dumps(trace.evidence.to_dict())))
    words = pq.read_table(traces.file("traces.parquet"))["words"].to_pylist()
    assert words == [len(row.text.split()) for row in rows]


def test_the_same_traces_are_found_again_and_others_are_not(store, series):
    first = write_traces(store, series, BRIEF)
    again = write_traces(store, series, BRIEF)
    assert (again.path, again.reused, first.reused) == (first.path, True, False)
    assert write_traces(store, series, ExpCoTConfig(style="full")).digest != first.digest
    assert first.inputs == {"series": series.reference}


def test_the_bytes_are_the_same_in_another_store(tmp_path, store, series):
    other = ArtifactStore(tmp_path / "other")
    copy = synthesize(other, AnomLLMConfig(tasks=("point", "noisy-freq"), count=2))
    assert write_traces(other, copy, BRIEF).digest == write_traces(store, series, BRIEF).digest


def test_damaged_series_are_refused(store, series):
    series.file("series.parquet").write_bytes(b"other")
    with pytest.raises(DamagedArtifact, match=r"series\.parquet was changed"):
        write_traces(store, series, BRIEF)


def test_other_files_are_refused(tmp_path):
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match="not a traces file"):
        next(read_traces(tmp_path / "x.parquet"))
