"""A training stage in a process of its own, so that it can be killed: `python -m tests.training.stage_process`."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from anomseer_core.store import ArtifactStore
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, SnapshotConfig, TimerPOConfig
from anomseer_core.training.job import METRICS, Owner, TrainingJob
from anomseer_core.training.stages import cold_start, reinforce

ROOT = Path(__file__).parents[2]
START_SECONDS = 900
END_SECONDS = 60


@contextmanager
def running_stage(job: TrainingJob, home: Path, log: Path) -> Iterator[subprocess.Popen]:
    """Train what `job` says as a stage in the store of `home`; its own folder and start are not used."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "stage.json"
    path.write_text(job.model_dump_json())
    environment = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.training.stage_process", str(path)]
    with open(log, "ab") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.poll() is None:
            kill_all(process)


def wait_for(process: subprocess.Popen, condition: Callable[[], bool]) -> None:
    """Until the condition holds; an assertion fails when the process ends first or nothing happens."""
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert process.poll() is None, "the stage ended too early"
        assert time.monotonic() < deadline, "the stage does not get on"
        time.sleep(0.05)


def kill_all(process: subprocess.Popen) -> None:
    """SIGKILL for a launcher and everything it started, at once."""
    family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for member in family:
        try:
            member.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=END_SECONDS)
    assert alive == []


def metric_lines(home: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in home.glob(f"runs/*/{METRICS}"))


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    path = Path(sys.argv[1])
    job = TrainingJob.load(path)
    inputs = ArtifactStore(path.parent)
    stage = cold_start if isinstance(job.config, ColdStartConfig) else reinforce
    every = job.snapshot_every
    stage(
        inputs,
        policy=inputs.open(job.policy),
        series=inputs.open(job.series.parent),
        traces=inputs.open(job.traces.parent),
        config=job.config,
        launch=job.launch,
        snapshots=SnapshotConfig(cold_start_every=every, training_every=every),
    )


def job_of(inputs, config: ColdStartConfig | TimerPOConfig, launch: LaunchConfig, every: int) -> TrainingJob:
    return TrainingJob(
        method="cold_start" if isinstance(config, ColdStartConfig) else "timerpo",
        policy=inputs.policy.path,
        series=inputs.series.file("series.parquet"),
        traces=inputs.traces.file("traces.parquet"),
        folder=Path("unused"),
        config=config,
        launch=launch,
        owner=Owner.this_process(),
        snapshot_every=every,
    )


if __name__ == "__main__":
    main()
