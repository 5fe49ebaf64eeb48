"""The one place that starts training processes, and the one that ends them.

DeepSpeed's launcher runs in a session of its own, so that a signal to its group reaches every rank; its output is
read line by line, and the metrics and completions that rank 0 appends to files are passed on as they appear. Files
rather than pipes: an absent MLflow server loses nothing, and a resumed run has its whole record.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from anomseer_core.observer import Observer
from anomseer_core.policy.precision import default_ranks, resolve_precision
from anomseer_core.training.claim import claim
from anomseer_core.training.config import LaunchConfig, Unfinished
from anomseer_core.training.failures import TrainingFailed, TrainingStopped
from anomseer_core.training.interrupted import prepare
from anomseer_core.training.job import CHECKPOINT, COMPLETIONS, METRICS, TrainingJob
from anomseer_core.training.notices import read_notice
from anomseer_core.training.rank_exits import RankExits
from anomseer_core.training.snapshots import newest_step

POLL_SECONDS = 0.3
GRACE_SECONDS = 5.0
TAIL_LINES = 30
log = logging.getLogger(__name__)


def resolve_launch(launch: LaunchConfig) -> LaunchConfig:
    """The launch with every `auto` replaced by what this machine gives it: what enters the recipe."""
    return launch.model_copy(
        update={"ranks": launch.ranks or default_ranks(), "precision": resolve_precision(launch.precision)}
    )


def launch(job: TrainingJob, total_steps: int, observer: Observer, unfinished: Unfinished = "resume") -> Path:
    """Run a job in `job.launch.ranks` processes until it ends; returns the folder of the trained checkpoint.

    An interrupted run of the same job is gone on with. The observer hears of every step once, those of before included.
    Raises ValueError as `claim` and `prepare` do, TrainingStopped when a known reason ends training, TrainingFailed
    when a process fails otherwise. However this function is left, no process of the job stays.
    """
    with claim(job.folder):
        job = prepare(job, unfinished)
        _run(job, total_steps, observer)
    return job.folder / CHECKPOINT


def _run(job: TrainingJob, total_steps: int, observer: Observer) -> None:
    path = job.save()
    output = _Output(job, observer)
    followed = _FollowedFiles(job, total_steps, observer)
    with _process_group(_command(job, path), _environment(job)) as process:
        reader = threading.Thread(target=output.read, args=(process,), daemon=True)
        reader.start()
        while process.poll() is None:
            followed.pass_on()
            output.pass_on()
            time.sleep(POLL_SECONDS)
        reader.join(timeout=GRACE_SECONDS)
    followed.pass_on()
    output.pass_on()
    if process.returncode != 0:
        raise output.failure(process.returncode)


def _command(job: TrainingJob, path: Path) -> list[str]:
    # A master port of our own choice: two runs on one machine must not meet on the default one.
    return [
        sys.executable,
        "-m",
        "deepspeed.launcher.runner",
        "--num_gpus",
        str(job.launch.ranks),
        "--master_port",
        str(_free_port()),
        "--module",
        "anomseer_core.training.rank",
        str(path),
    ]


def _environment(job: TrainingJob) -> dict[str, str]:
    """What the ranks inherit. Safe-path: a module of the user's working directory must not shadow ours."""
    threads = max(1, (os.cpu_count() or 1) // job.launch.ranks)
    environment = dict(os.environ) | {"PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": str(threads)}
    if not torch.cuda.is_available():
        environment["DS_ACCELERATOR"] = "cpu"
    return environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _process_group(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        yield process
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and _group_exists(process):
            time.sleep(0.05)
    process.wait()


def _group_exists(process: subprocess.Popen[str]) -> bool:
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


class _Output:
    """What the processes of a job print: notices are acted on, the rest goes to the observer; the end of it is kept."""

    def __init__(self, job: TrainingJob, observer: Observer) -> None:
        self.job = job
        self.observer = observer
        self.exits = RankExits()
        self.reason = ""
        self.warnings = deque[str]()
        self.tail = deque[str](maxlen=TAIL_LINES)

    def read(self, process: subprocess.Popen[str]) -> None:
        for line in process.stdout:
            notice = read_notice(line)
            if notice is None:
                self.tail.append(line.rstrip())
                self.observer.line(line.rstrip())
            elif notice.kind == "process":
                self.exits.watch(notice.rank, notice.pid)
            elif notice.kind == "warning":
                self.warnings.append(notice.text)
            else:
                # All ranks stop for the same reason, each in its own words.
                self.reason = self.reason or notice.text

    def pass_on(self) -> None:
        """Log the warnings that have come: by the caller, since the thread that reads belongs to no Prefect run."""
        while self.warnings:
            log.warning("%s: %s", self.job.method, self.warnings.popleft())

    def failure(self, status: int) -> TrainingFailed:
        """Why training ended: what a rank said, or the signal that killed one, or else the last lines."""
        first = self.exits.first
        if not self.reason and first and first.signal_number:
            self.reason = first.tell()
        if not self.reason:
            return TrainingFailed(f"training ended with status {status}; its last lines:\n" + "\n".join(self.tail))
        return TrainingStopped(f"{self.job.method} stopped: {self.reason}; {self._way_on()}")

    def _way_on(self) -> str:
        newest = newest_step(self.job.folder)
        if not newest:
            return "it had written no snapshot and will start over"
        return f"run again with the same settings to go on from step {newest}"


class _FollowedFiles:
    """Passes the lines that rank 0 has appended since the last look on to the observer."""

    def __init__(self, job: TrainingJob, total_steps: int, observer: Observer) -> None:
        self.start = job.start
        self.total_steps = total_steps
        self.observer = observer
        self.metrics = _Follower(job.folder / METRICS)
        self.completions = _Follower(job.folder / COMPLETIONS)

    def pass_on(self) -> None:
        for record in self.metrics.new_records():
            self.observer.metrics(record["step"], record["metrics"])
            # Steps of before the interruption are part of the curve and no progress of now.
            if record["step"] > self.start:
                self.observer.progress(record["step"], self.total_steps, "steps")
        for record in self.completions.new_records():
            self.observer.completions(record["step"], record["rows"])


class _Follower:
    """Reads the complete lines added to a file since the last call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0

    def new_records(self) -> list[dict]:
        if not self.path.exists():
            return []
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            complete, newline, _ = file.read().rpartition(b"\n")
        self.offset += len(complete) + len(newline)
        return [json.loads(line) for line in complete.splitlines()]
