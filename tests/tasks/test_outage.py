"""A real MLflow server that is gone for a minute, and a training run that is gone on with in a new MLflow run."""

import logging
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from anomseer_core.training.job import METRICS, append_line
from anomseer_core.training.launch import _FollowedFiles
from mlflow_server.config import TrackingServerConfig, embedded_artifacts, embedded_backend
from mlflow_server.launch import server_command, server_environment
from tasks.connection import Tracking
from tasks.delivery import Delivery
from tasks.observer import StageObserver
from tasks.tracking import open_child
from tests.mlflow_server.test_launch import free_port, wait_until_answers
from tests.tasks.test_tracking import parent_of
from tests.training.test_interrupted import build_job

LOG = logging.getLogger("tests.outage")
ABSENCE_SECONDS = 60


def start_server(config: TrackingServerConfig) -> subprocess.Popen:
    server = subprocess.Popen(
        server_command(config),
        env=dict(os.environ) | server_environment(config),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until_answers(f"{config.url}/health", server)
    return server


def kill(server: subprocess.Popen) -> None:
    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def steps_of(client: MlflowClient, run_id: str, metric: str = "loss") -> list[int]:
    return [point.step for point in client.get_metric_history(run_id, metric)]


@pytest.mark.slow
def test_a_server_that_is_gone_for_a_minute_misses_no_metric(home: Path, tracking: Tracking, tmp_path: Path):
    config = TrackingServerConfig(
        backend_store=embedded_backend(home), artifacts=embedded_artifacts(home), port=free_port()
    )
    run_id, leftovers, servers = parent_of(tracking), tmp_path / "left.jsonl", [start_server(config)]
    try:
        with Delivery(MlflowClient(config.url), run_id, leftovers=leftovers, log=LOG) as delivery:
            delivery.add_metrics(0, {"loss": 1.0})
            delivery._deliver()
            assert steps_of(tracking.client, run_id) == [0]
            kill(servers[0])
            back = threading.Timer(ABSENCE_SECONDS, lambda: servers.append(start_server(config)))
            back.start()
            started = time.monotonic()
            for step in range(1, 40):
                delivery.add_metrics(step, {"loss": 1 / step})
                delivery.add_completions(step, [{"response": f"answer {step}"}])
                time.sleep(0.5)
        assert time.monotonic() - started >= ABSENCE_SECONDS
        back.join()
        assert steps_of(tracking.client, run_id) == list(range(40))
        table = tracking.client.download_artifacts(run_id, "completions/0000.json")
        assert Path(table).read_text().count("answer") == 39
        assert not leftovers.exists()
    finally:
        kill(servers[-1])


def follow(tracking: Tracking, parent: str, job, steps: range, leftovers: Path, error: BaseException | None) -> str:
    """One MLflow run of a stage whose files hold some lines already and get those of `steps`."""
    with (
        open_child(tracking, parent, name="timerpo", about={}) as run_id,
        Delivery(tracking.client, run_id, leftovers=leftovers, log=LOG) as delivery,
    ):
        followed = _FollowedFiles(job, 4, StageObserver("timerpo", delivery, LOG))
        for step in steps:
            append_line(job.folder / METRICS, {"step": step, "metrics": {"loss": 1 / step}})
            followed.pass_on()
        if error:
            raise error
    return run_id


def test_a_resumed_training_has_its_whole_curve_in_its_own_run_and_no_point_twice(tracking: Tracking, tmp_path: Path):
    """Cut off after step 3 with a snapshot of step 2; a start of its own opens a run of its own."""
    job = build_job(tmp_path / "job")
    job.save()
    parent, left = parent_of(tracking), tmp_path / "left.jsonl"
    with pytest.raises(KeyboardInterrupt):
        follow(tracking, parent, job, range(1, 4), left, KeyboardInterrupt())
    lines = (job.folder / METRICS).read_bytes().splitlines(keepends=True)
    (job.folder / METRICS).write_bytes(b"".join(lines[:2]))
    second = follow(tracking, parent, job.model_copy(update={"start": 2}), range(3, 5), left, None)

    runs = tracking.client.search_runs([tracking.experiment_id], "tags.`mlflow.runName` = 'timerpo'")
    statuses = {run.info.run_id: run.info.status for run in runs}
    first = next(run_id for run_id in statuses if run_id != second)
    assert (statuses[first], statuses[second]) == ("KILLED", "FINISHED")
    assert steps_of(tracking.client, first) == [1, 2, 3]
    assert steps_of(tracking.client, second) == [1, 2, 3, 4]
