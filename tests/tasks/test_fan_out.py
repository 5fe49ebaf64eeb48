"""Shards in worker processes: real workers, a real Prefect API, and real signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from prefect import flow, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client

from anomseer_core.expcot import shards
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.expcot.foreign_file import require_trace_file
from anomseer_core.store import ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from tasks import fan_out as module
from tasks.expcot import write_expert_traces
from tasks.fan_out import ShardFailed, fan_out
from tasks.stages import StageResult
from tests.tasks import spread_work
from tests.tasks.test_tracking import parent_of

pytestmark = pytest.mark.usefixtures("prefect_api")
ROOT = Path(__file__).parents[2]
STOP_SECONDS = 30


@pytest.fixture(autouse=True)
def two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "num_workers", lambda: 2)


def workers() -> set[psutil.Process]:
    """Worker processes of this one; multiprocessing's resource tracker stays for the next pool."""
    return {child for child in psutil.Process().children(recursive=True) if "--multiprocessing-fork" in child.cmdline()}


@task(cache_policy=NO_CACHE)
def stage() -> list[tuple[int, int, int, bool]]:
    return list(fan_out(spread_work.describe, range(5)))


@flow
def spread() -> tuple[str, list[tuple[int, int, int, bool]]]:
    # Whoever takes this flow over to another process has to import MLflow there.
    assert parent_of
    return runtime.flow_run.id, stage()


def test_results_come_in_order_from_processes_with_one_thread_each():
    flow_run_id, results = spread()
    assert [number for number, *_ in results] == list(range(5))
    pids = {pid for _, pid, *_ in results}
    assert (len(pids), os.getpid() in pids) == (2, False)
    assert {threads for _, _, threads, _ in results} == {1}
    assert not any(has_mlflow for *_, has_mlflow in results)
    assert workers() == set()
    names = _shard_names(flow_run_id, expected=5)
    assert names == [f"describe {number}" for number in range(1, 6)]


def _shard_names(flow_run_id: str, *, expected: int) -> list[str]:
    """Names of the shards that Prefect's pages show for a flow run; they arrive there as events, a little later."""
    deadline = time.monotonic() + 30
    with get_client(sync_client=True) as client:
        while True:
            runs = [run for run in client.read_task_runs() if str(run.flow_run_id) == flow_run_id]
            names = sorted(run.name for run in runs if run.name.startswith("describe") and run.state.is_completed())
            if len(names) == expected or time.monotonic() > deadline:
                return names
            time.sleep(0.5)


def test_refusals_of_our_own_arrive_as_they_were(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"none\.jsonl is not a file; name a Parquet or JSONL file"):
        list(fan_out(require_trace_file, [str(tmp_path / "none.jsonl"), "b"]))
    assert workers() == set()


def test_a_defect_arrives_with_the_traceback_of_its_worker():
    with pytest.raises(ShardFailed, match=r"(?s)spread_work\.py.*return 1 / number.*ZeroDivisionError"):
        list(fan_out(spread_work.divide, [1, 0]))


def test_a_worker_that_is_killed_is_no_hang():
    with pytest.raises(ShardFailed, match="a worker process ended without a word"):
        list(fan_out(spread_work.die, [1, 2, 3]))
    assert workers() == set()


def test_a_reader_who_has_enough_waits_for_nobody():
    results = fan_out(spread_work.sleep, [0.1, 600.0, 600.0])
    assert next(results) == 0.1
    assert len(workers()) == 2
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < STOP_SECONDS
    assert workers() == set()


def test_one_worker_or_one_shard_stays_in_this_process(monkeypatch: pytest.MonkeyPatch):
    assert list(fan_out(spread_work.is_main_thread, [1])) == [True]
    monkeypatch.setattr(module, "num_workers", lambda: 1)
    assert list(fan_out(spread_work.is_main_thread, [1, 2])) == [True, True]
    assert list(fan_out(spread_work.is_main_thread, [])) == []


def test_spread_traces_are_the_very_same_artifact(tracking, home: Path, tmp_path: Path, monkeypatch):
    config, chosen = ExpCoTConfig(style="brief"), AnomLLMConfig(tasks=("point", "freq"), count=4)
    alone = ArtifactStore(tmp_path / "alone")
    expected = write_traces(alone, synthesize(alone, chosen), config)
    monkeypatch.setattr(shards, "FEWEST_VIEWS_TO_FAN_OUT", 1)
    monkeypatch.setattr(shards, "VIEWS_PER_SHARD", 2)
    series = StageResult.of("series", synthesize(ArtifactStore(home), chosen))
    traces = write_expert_traces.fn(parent_of(tracking), series, config)
    assert (traces.key, traces.digest) == (expected.key, expected.digest)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGINT, id="interrupt", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, id="terminate"),
        pytest.param(signal.SIGKILL, id="kill"),
    ],
)
def test_a_stopped_flow_leaves_no_worker(number: int):
    """An interrupt reaches the whole group, as from a terminal; the other signals reach the flow's process alone."""
    with get_client(sync_client=True) as client:
        environment = os.environ | {
            "PREFECT_API_URL": str(client.api_url),
            "PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS": "2",
        }
    command = [sys.executable, "-c", "from tests.tasks.spread_work import long_flow; long_flow()"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout.readline() == "slept 0.1\n"
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 2
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(STOP_SECONDS) != 0
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    process.stdout.close()
    assert alive == []
