"""Traces from an endpoint: a real HTTP server, its faults, and a run that is killed and goes on."""

import base64
import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
from PIL import Image

from anomseer_core.endpoint.client import EndpointFailed
from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds, TraceSource
from anomseer_core.expcot.corpus import read_traces, write_traces
from anomseer_core.expcot.requested import prompt
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.view import View
from tests.endpoint.completion_server import CompletionServer, Reply, completion_server
from tests.expcot.test_corpus import Listener, file_series, wave

KEY = "sk-very-secret"
SERIES = 5


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "home")


@pytest.fixture
def series(store) -> Artifact:
    return file_series(store, *several())


def several() -> list[Series]:
    items = []
    for number in range(SERIES):
        values = wave(300 + number)
        values[200:204] += 9
        items.append(Series(f"s{number}", values, ((200, 204),), AnomalyClass.GLOBAL_POINT))
    return items


def asking(server: CompletionServer, *, blind: bool = False, rules: ProbeThresholds | None = None, **changes):
    fields = {"model": "tiny", "concurrency": 2, "retries": 0, "timeout_seconds": 20.0, **changes}
    source = TraceSource(kind="endpoint", base_url=server.url, **fields)
    return ExpCoTConfig(source=source, blind=blind, rules=rules or ProbeThresholds())


def in_turn(replies: Sequence[Reply]):
    """These replies to the first requests, then calm ones."""
    return lambda number: replies[number] if number < len(replies) else Reply()


def rows_of(traces: Artifact):
    return list(read_traces(traces.file("traces.parquet")))


def test_every_view_is_asked_about_with_picture_and_label(store, series):
    listener = Listener()
    with completion_server(lambda number: Reply(f"Max |z| is {number}. Calm.")) as server:
        traces = write_traces(store, series, asking(server, temperature=0.25, max_tokens=99), listener)
    assert traces.rows == {"traces.parquet": SERIES}
    assert len(server.asked) == SERIES
    assert (5, 5, "answers") in listener.heard
    body = server.asked[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny", 0.25, 99)
    picture = body["messages"][0]["content"][0]["image_url"]["url"].removeprefix("data:image/png;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(picture))).size == (805, 124)
    # 200 to 204 of 300 samples is [667, 680) of 1,000 units.
    assert any("class global point, intervals [[667, 679]]" in words for words in server.prompts)
    rows = rows_of(traces)
    assert [row.series_id for row in rows] == [item.id for item in several()]
    assert {row.text for row in rows} == {f"Max |z| is {number}. Calm." for number in range(SERIES)}
    assert {(row.source, row.evidence, row.claims, row.unread) for row in rows} == {("tiny at 127.0.0.1", None, 1, 0)}
    volatile = json.loads(traces.file("volatile.json").read_text())
    assert (volatile["prompt_tokens"], volatile["completion_tokens"]) == (100 * SERIES, 20 * SERIES)


def test_the_key_goes_to_the_endpoint_and_nowhere_else(store, series):
    with completion_server(lambda _: Reply()) as server:
        config = asking(server)
        write_traces(store, series, config)
    assert set(server.keys) == {f"Bearer {KEY}"}
    assert KEY not in config.model_dump_json()
    written = [path for path in store.home.rglob("*") if path.is_file()]
    assert any(path.name == "answers.jsonl" for path in written)
    assert not any(KEY.encode() in path.read_bytes() for path in written)


def test_the_label_is_withheld_from_a_blind_expert():
    (item, *_) = several()
    view = View(0, len(item))
    labelled, blind = prompt(item, view, "full", False), prompt(item, view, "brief", True)
    assert "667" in labelled
    assert "667" not in blind
    assert "labelled it" not in blind
    assert "90 to 250 words" in labelled
    assert "at most 60 words" in blind
    normal = prompt(Series("n", wave(300)), view=View(0, 300), style="full", blind=False)
    assert "class normal, no interval" in normal


def test_a_429_and_a_500_are_tried_again(store, series):
    refusals = [Reply(status=status, headers={"retry-after-ms": "20"}) for status in (429, 429, 500)]
    with completion_server(in_turn(refusals)) as server:
        traces = write_traces(store, series, asking(server, retries=3))
    assert len(server.asked) == SERIES + 3
    assert traces.rows == {"traces.parquet": SERIES}


def test_what_was_told_is_not_asked_again(store, series):
    """The endpoint breaks down after two answers and recovers."""
    recovered = []

    def reply(number: int) -> Reply:
        return Reply(f"Answer {number}.") if number < 2 or recovered else Reply(status=500, error="on fire")

    with completion_server(reply) as server:
        with pytest.raises(EndpointFailed, match=r"answered 500 about series 's2': .*on fire.*; 2 answers are kept"):
            write_traces(store, series, asking(server, concurrency=1))
        assert [artifact.kind for artifact in store.all()] == ["series"]
        recovered.append(True)
        asked = len(server.asked)
        traces = write_traces(store, series, asking(server, concurrency=1))
        assert len(server.asked) - asked == SERIES - 2
        assert [row.text for row in rows_of(traces)][:2] == ["Answer 0.", "Answer 1."]
        # Neither speed nor the rules of checking ask anything again.
        asked = len(server.asked)
        assert write_traces(store, series, asking(server, concurrency=7, timeout_seconds=3.0, retries=2)).reused
        stricter = write_traces(store, series, asking(server, rules=ProbeThresholds(envelope_sigmas=4)))
        assert (stricter.reused, len(server.asked)) == (False, asked)
        assert write_traces(store, series, asking(server, temperature=0.5)).rows == traces.rows
        assert len(server.asked) == asked + SERIES


def test_a_slow_endpoint_runs_into_the_time_limit(store, series):
    with completion_server(lambda _: Reply(delay_seconds=1.0)) as server:
        started = time.monotonic()
        with pytest.raises(EndpointFailed, match=r"no answer within 0\.2 s, 1 tries; raise expcot\.source\.timeout"):
            write_traces(store, series, asking(server, timeout_seconds=0.2))
    assert time.monotonic() - started < 8


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            Reply(status=401, error=f"bad key {KEY}"),
            "tiny at 127.0.0.1 refuses the key (401); check OPENAI_API_KEY; 0 ",
        ),
        (Reply(status=404), "knows no such model or address (404); check expcot.source.model and"),
        (
            Reply(status=429, error=f"quota of {KEY}"),
            "has no room after 1 tries (429); lower expcot.source.concurrency",
        ),
        (Reply(status=400, error=f"bad {KEY}"), "answered 400 about series 's"),
    ],
)
def test_each_refusal_is_one_line_without_the_key(store, series, reply, message):
    with completion_server(lambda _: reply) as server, pytest.raises(EndpointFailed) as error:
        write_traces(store, series, asking(server))
    assert message in str(error.value)
    assert KEY not in str(error.value)
    assert "\n" not in str(error.value)


def test_nobody_listens(store, series):
    with completion_server(lambda _: Reply()) as server:
        pass
    with pytest.raises(EndpointFailed, match=r"cannot be reached, 1 tries; check expcot\.source\.base_url"):
        write_traces(store, series, asking(server))


def test_openai_itself_needs_a_key(store, series, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ValueError, match=r"api\.openai\.com needs a key; set OPENAI_API_KEY"):
        write_traces(store, series, ExpCoTConfig(source=TraceSource(kind="endpoint")))
    with completion_server(lambda _: Reply()) as server:
        write_traces(store, series, asking(server))
    assert len(server.asked) == SERIES


def test_unusable_answers_are_left_out_by_reason(store, series):
    replies = [
        Reply(text=None),
        Reply("Max |z| is", finish_reason="length"),
        Reply("Calm. <class>normal</class>"),
        Reply("<think>Let me see.</think>\nAll is calm."),
    ]
    with completion_server(in_turn(replies)) as server:
        traces = write_traces(store, series, asking(server, concurrency=1))
    assert traces.rows == {
        "traces.parquet": 2,
        "left out (answer cut off)": 1,
        "left out (answer with tags)": 1,
        "left out (no answer)": 1,
    }
    assert [(row.series_id, row.text) for row in rows_of(traces)] == [
        ("s3", "All is calm."),
        ("s4", Reply().text),
    ]


def test_without_the_package_the_extra_is_named(store, series, monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with (
        completion_server(lambda _: Reply()) as server,
        pytest.raises(ValueError, match=re.escape("pip install 'anomseer[endpoint]'")),
    ):
        write_traces(store, series, asking(server))


def test_a_killed_run_goes_on_where_it_was(store, series):
    """A process of its own asks, is killed outright, and leaves a torn line; the next run asks for the rest alone."""
    with completion_server(lambda number: Reply(f"Answer {number}.", delay_seconds=0 if number < 3 else 30)) as server:
        config = asking(server, concurrency=1)
        process = subprocess.Popen([sys.executable, "-c", ASKING, str(store.home), config.model_dump_json()])
        deadline = time.monotonic() + 120
        while len(server.asked) < 4 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    (answers,) = (store.home / "runs").rglob("answers.jsonl")
    assert answers.read_bytes().count(b"\n") == 3
    with answers.open("ab") as file:
        file.write(b'{"key": "torn')
    assert [artifact.kind for artifact in store.all()] == ["series"]

    port = int(server.url.split(":")[2].split("/")[0])
    with completion_server(lambda number: Reply(f"Later {number}."), port) as later:
        traces = write_traces(store, series, config)
    assert len(later.asked) == SERIES - 3
    assert [row.text for row in rows_of(traces)] == ["Answer 0.", "Answer 1.", "Answer 2.", "Later 0.", "Later 1."]
    assert len([line for line in answers.read_text().splitlines() if line.endswith("}")]) == SERIES


ASKING = """
import sys
from pathlib import Path
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.store import ArtifactStore

store = ArtifactStore(Path(sys.argv[1]))
(series,) = store.all()
write_traces(store, series, ExpCoTConfig.model_validate_json(sys.argv[2]))
"""
