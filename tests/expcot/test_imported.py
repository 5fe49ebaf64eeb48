"""Traces from a file: what is taken in, and that every fault of a file is one line with a mend."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomseer_core.expcot import shards
from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds, TraceSource
from anomseer_core.expcot.corpus import read_traces, write_traces
from anomseer_core.expcot.foreign_file import require_trace_file
from anomseer_core.expcot.verification import verify_trace
from anomseer_core.series import AnomalyClass, Series, read_series
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.view import View
from tests.expcot.test_corpus import Listener, file_series, wave

SPIKED = wave(400)
SPIKED[200:204] += 9
GOOD = {"series_id": "spike", "text": "Max |z| is 5.94 at 201. Global point at [200, 203]."}
PLAIN = {"series_id": "plain", "text": "Nothing stands out; max |z| is 17."}


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "home")


@pytest.fixture
def series(store) -> Artifact:
    spike = Series("spike", SPIKED, ((200, 204),), AnomalyClass.GLOBAL_POINT)
    return file_series(store, spike, Series("plain", wave(300)))


def jsonl(folder: Path, *records: dict, name: str = "traces.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def from_file(path: Path, **changes) -> ExpCoTConfig:
    return ExpCoTConfig(source=TraceSource(kind="file", path=str(path)), **changes)


def test_foreign_traces_are_checked_like_our_own(store, series, tmp_path):
    """In the order of the series, whatever the order of the file."""
    listener = Listener()
    traces = write_traces(store, series, from_file(jsonl(tmp_path, PLAIN, GOOD)), listener)
    assert (traces.kind, traces.rows) == ("traces", {"traces.parquet": 2})
    assert listener.heard == [(2, 2, "traces")]
    assert "keep their style" in listener.lines[0]
    rows = list(read_traces(traces.file("traces.parquet")))
    assert [row.series_id for row in rows] == ["spike", "plain"]
    assert {(row.evidence, row.source) for row in rows} == {(None, "file traces.jsonl")}
    for row, item in zip(rows, read_series(series.file("series.parquet")), strict=True):
        checked = verify_trace(row.text, item)
        assert (row.claims, row.verified, row.unread) == (len(checked.claims), checked.verified, checked.unread)
    assert rows[1].claims > rows[1].verified


def test_parquet_says_the_same_as_jsonl(store, series, tmp_path):
    """Columns that are not ours are ignored, and missing starts and stops mean the whole series."""
    columns = {"series_id": ["spike", "plain"], "text": [GOOD["text"], PLAIN["text"]], "note": [1, 2]}
    pq.write_table(pa.table(columns | {"start": [None, 0], "stop": [None, 300]}), tmp_path / "traces.parquet")
    one = write_traces(store, series, from_file(tmp_path / "traces.parquet"))
    other = write_traces(store, series, from_file(jsonl(tmp_path, GOOD, PLAIN)))
    texts = [[(row.text, row.view, row.claims) for row in read_traces(a.file("traces.parquet"))] for a in (one, other)]
    assert texts[0] == texts[1]
    assert one.key != other.key


def test_traces_of_parts_belong_to_their_samples(store, tmp_path):
    values = np.concatenate([wave(1500), wave(1500) * 3])
    series = file_series(store, Series("long", values))
    parts = [(1500, 3000, 0.0), (0, 1500, 0.0)]
    records = [
        {"series_id": "long", "text": f"The mean is {mean}.", "start": start, "stop": stop}
        for start, stop, mean in parts
    ]
    traces = write_traces(store, series, from_file(jsonl(tmp_path, *records)))
    rows = list(read_traces(traces.file("traces.parquet")))
    assert [row.view for row in rows] == [View(0, 1500), View(1500, 3000)]
    assert all(row.verified for row in rows)


def test_the_recipe_knows_the_content_and_not_the_place(store, series, tmp_path):
    first = write_traces(store, series, from_file(jsonl(tmp_path, GOOD, PLAIN)))
    (tmp_path / "moved").mkdir()
    moved = jsonl(tmp_path / "moved", GOOD, PLAIN)
    assert write_traces(store, series, from_file(moved)).reused
    assert write_traces(store, series, from_file(moved, style="brief", seed=9)).reused
    assert write_traces(store, series, from_file(moved, rules=ProbeThresholds(envelope_sigmas=4))).key != first.key
    jsonl(tmp_path / "moved", GOOD, PLAIN | {"text": "Calm."})
    assert write_traces(store, series, from_file(moved)).key != first.key
    assert str(tmp_path) not in json.dumps(first.manifest)


def test_the_artifact_does_not_depend_on_the_shards(store, series, tmp_path, monkeypatch):
    path = jsonl(tmp_path, GOOD, PLAIN)
    whole = write_traces(store, series, from_file(path))
    monkeypatch.setattr(shards, "VIEWS_PER_SHARD", 1)
    other = ArtifactStore(tmp_path / "other")
    spike, plain = read_series(series.file("series.parquet"))
    assert write_traces(other, file_series(other, spike, plain), from_file(path)).digest == whole.digest


def test_series_that_cannot_have_a_trace_need_none(store, tmp_path):
    nothing = Series("nothing", np.full(100, np.nan))
    series = file_series(store, Series("plain", wave(300)), nothing, Series("short", wave(20)))
    assert write_traces(store, series, from_file(jsonl(tmp_path, PLAIN))).rows == {"traces.parquet": 1}
    records = PLAIN, {"series_id": "nothing", "text": "It is flat."}
    with_one = write_traces(store, series, from_file(jsonl(tmp_path, *records)))
    assert with_one.rows == {"traces.parquet": 1, "left out (no sample)": 1}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([GOOD], "traces.jsonl has no trace of 1 series, the first of them 'plain'; add the traces"),
        ([GOOD, PLAIN, GOOD], "traces.jsonl line 3: a second trace of series 'spike', samples 0 to 400; keep one"),
        ([GOOD, PLAIN | {"series_id": "x"}], "traces.jsonl line 2: the series have no 'x'; their ids are like 'spike'"),
        ([GOOD, {"series_id": "plain"}], "traces.jsonl line 2 lacks text; it has series_id"),
        ([{"id": 1}], "traces.jsonl line 1 lacks series_id and text; it has id"),
        ([GOOD | {"text": " "}], "traces.jsonl line 1: series_id and text must be text that is not empty"),
        ([GOOD | {"series_id": 7}], "traces.jsonl line 1: series_id and text must be text"),
        ([GOOD | {"text": "So <answer>[[1, 2]]</answer>"}], "traces.jsonl line 1: the reasoning holds a tag"),
        ([GOOD | {"start": 3}], "traces.jsonl line 1 has one of start and stop"),
        ([GOOD | {"start": 5, "stop": 5}], "traces.jsonl line 1: start and stop must be whole numbers"),
        ([GOOD | {"start": 0, "stop": 9.5}], "traces.jsonl line 1: start and stop must be whole numbers"),
        ([GOOD | {"start": 0, "stop": 401}], "traces.jsonl line 1: stop 401 is beyond the 400 samples of 'spike'"),
        ([[1]], "traces.jsonl line 1 is not an object with series_id and text"),
    ],
)
def test_each_fault_of_a_file_is_one_line(store, series, tmp_path, records, message):
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        write_traces(store, series, from_file(jsonl(tmp_path, *records)))
    assert "\n" not in str(error.value)
    assert [artifact.kind for artifact in store.all()] == ["series"]


def test_a_long_series_needs_to_be_told_which_part(store, tmp_path):
    series = file_series(store, Series("long", wave(4001)))
    with pytest.raises(ValueError, match=r"4001 samples of 'long' are more than the 4000 .* give start and stop"):
        write_traces(store, series, from_file(jsonl(tmp_path, {"series_id": "long", "text": "Calm."})))


def test_a_truncated_file_is_told_from_a_wrong_one(store, series, tmp_path):
    path = jsonl(tmp_path, GOOD, PLAIN)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"line 2 is not JSON; the file ends in the middle of it; write it again"):
        write_traces(store, series, from_file(path))
    path.write_bytes(b"\xff\xfe\n" + path.read_bytes())
    with pytest.raises(ValueError, match=r"line 1 is not JSON; write it again"):
        write_traces(store, series, from_file(path))
    table = tmp_path / "traces.parquet"
    pq.write_table(pa.table({"series_id": ["spike"], "text": ["Calm."]}), table)
    table.write_bytes(table.read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"traces\.parquet is damaged or no Parquet file \(.*\); write it again"):
        write_traces(store, series, from_file(table))
    pq.write_table(pa.table({"series_id": ["spike"], "trace": ["Calm."]}), table)
    with pytest.raises(ValueError, match=r"traces\.parquet lacks text; it has series_id, trace"):
        write_traces(store, series, from_file(table))


def test_a_missing_or_unknown_file_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.jsonl is not a file; name a Parquet or JSONL file in expcot"):
        require_trace_file(str(tmp_path / "none.jsonl"))
    (tmp_path / "traces.csv").write_text("series_id,text\n")
    with pytest.raises(ValueError, match=r"traces\.csv: its name must end in \.parquet or \.jsonl"):
        require_trace_file(str(tmp_path / "traces.csv"))
