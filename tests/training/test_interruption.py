"""Whatever ends a training, the next start goes on from the last snapshot, and the result is the unbroken run's."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from anomseer_core.store import ArtifactStore
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, TimerPOConfig
from anomseer_core.training.job import COMPLETIONS, METRICS, TrainingJob
from tests.training.stage_process import job_of, kill_all, metric_lines, running_stage, wait_for

LAUNCH = LaunchConfig(ranks=2, precision="float32")
COLD_START = ColdStartConfig(steps=10, batch_size=4, learning_rate=1e-3)
TIMERPO = TimerPOConfig(steps=10, prompts_per_step=2, group_size=3, max_response_tokens=12, learning_rate=1e-3)


def records(home: Path, name: str) -> list[dict]:
    (path,) = home.glob(f"runs/*/{name}")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("config", [COLD_START, TIMERPO], ids=["cold start", "TimerPO"])
def test_five_kills_at_random_moments_change_nothing(inputs, tmp_path: Path, config) -> None:
    job = job_of(inputs, config, LAUNCH, every=1)
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    train_to_the_end(job, unbroken, tmp_path / "unbroken.log")

    random = np.random.default_rng(7)
    seconds_a_step = mean_step_seconds(unbroken)
    for lines in sorted(random.choice(config.steps - 1, size=5, replace=False)):
        with running_stage(job, broken, tmp_path / "broken.log") as process:
            wait_for(process, lambda lines=lines: metric_lines(broken) >= lines)
            time.sleep(random.uniform(0, 1.5 * seconds_a_step))
            kill_all(process)
    train_to_the_end(job, broken, tmp_path / "broken.log")

    (expected,), (found,) = (list(ArtifactStore(home).all()) for home in (unbroken, broken))
    assert found.digest == expected.digest
    weights = [load_file(artifact.file("model.safetensors")) for artifact in (expected, found)]
    assert all(weights[1][name].equal(tensor) for name, tensor in weights[0].items())
    lines = [records(home, METRICS) for home in (unbroken, broken)]
    assert [line["step"] for line in lines[1]] == list(range(1, config.steps + 1))
    assert [line["metrics"]["loss"] for line in lines[1]] == [line["metrics"]["loss"] for line in lines[0]]
    if isinstance(config, TimerPOConfig):
        assert records(broken, COMPLETIONS) == records(unbroken, COMPLETIONS)
    assert (tmp_path / "broken.log").read_text().count("resumed from step") >= 3


def train_to_the_end(job: TrainingJob, home: Path, log: Path) -> None:
    with running_stage(job, home, log) as process:
        assert process.wait() == 0


def mean_step_seconds(home: Path) -> float:
    times = [line["time"] for line in records(home, METRICS)]
    return (times[-1] - times[0]) / (len(times) - 1)
