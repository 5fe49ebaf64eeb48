"""Processes end with their owner, and a failing one is heard."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from anomseer_core.observer import SILENT, SilentObserver
from anomseer_core.training.config import ColdStartConfig, LaunchConfig
from anomseer_core.training.job import Owner, TrainingJob
from anomseer_core.training.launch import TrainingFailed, _Follower, launch, resolve_launch

OWNER_SCRIPT = """
import sys
from pathlib import Path
from anomseer_core.observer import SILENT
from anomseer_core.training.job import Owner, TrainingJob
from anomseer_core.training.launch import launch

if __name__ == "__main__":
    job = TrainingJob.load(Path(sys.argv[1])).model_copy(update={"owner": Owner.this_process()})
    launch(job, 10_000, SILENT)
"""


def build_job(inputs, folder: Path, **fields) -> TrainingJob:
    return TrainingJob(
        method="cold_start",
        policy=fields.get("policy", inputs.policy.path),
        series=inputs.series.file("series.parquet"),
        traces=inputs.traces.file("traces.parquet"),
        folder=folder,
        config=ColdStartConfig(steps=fields.get("steps", 1), batch_size=2),
        launch=LaunchConfig(ranks=2, precision="float32"),
        owner=Owner.this_process(),
    )


def ranks_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if str(folder) in " ".join(process.info["cmdline"] or ()) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def wait_until(condition, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False


@pytest.mark.slow
def test_no_process_outlives_an_owner_that_is_killed(inputs, tmp_path: Path) -> None:
    job = build_job(inputs, tmp_path / "job", steps=10_000)
    script = tmp_path / "owner.py"
    script.write_text(OWNER_SCRIPT)
    path = job.save()
    owner = subprocess.Popen([sys.executable, str(script), str(path)], stderr=subprocess.DEVNULL)
    try:
        assert wait_until((job.folder / "metrics.jsonl").exists, 90), "training did not start"
        assert len(ranks_of(job.folder)) >= 4
        os.kill(owner.pid, signal.SIGKILL)
        assert wait_until(lambda: not ranks_of(job.folder), 20), "training processes were left behind"
    finally:
        owner.kill()
        owner.wait()


def test_a_failing_rank_is_heard(inputs, tmp_path: Path) -> None:
    job = build_job(inputs, tmp_path / "job", policy=tmp_path / "nowhere")
    with pytest.raises(TrainingFailed, match="nowhere does not exist"):
        launch(job, 1, SILENT)
    assert not ranks_of(job.folder)


def test_an_observer_that_raises_ends_the_job(inputs, tmp_path: Path) -> None:
    class Impatient(SilentObserver):
        def metrics(self, step, values) -> None:
            raise InterruptedError

    job = build_job(inputs, tmp_path / "job", steps=10_000)
    with pytest.raises(InterruptedError):
        launch(job, 10_000, Impatient())
    assert not ranks_of(job.folder)


def test_auto_is_resolved_before_the_recipe() -> None:
    resolved = resolve_launch(LaunchConfig())
    assert resolved.ranks >= 1
    assert resolved.precision in ("float32", "bfloat16")


def test_only_whole_lines_are_passed_on(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    follower = _Follower(path)
    assert follower.new_records() == []
    path.write_text('{"a": 1}\n{"a":')
    assert follower.new_records() == [{"a": 1}]
    with open(path, "a") as file:
        file.write(" 2}\n")
    assert follower.new_records() == [{"a": 2}]
    assert follower.new_records() == []


def test_a_reused_process_id_is_not_the_owner() -> None:
    owner = Owner.this_process()
    assert owner.is_alive()
    assert not owner.model_copy(update={"started": owner.started - 1}).is_alive()
    assert not Owner(pid=2**22 + 1, started=0).is_alive()
