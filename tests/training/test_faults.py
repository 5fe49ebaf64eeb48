"""Faults of a training, each really made: a rank is killed, the disk takes no more, a loss is not a number."""

import json
import logging
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from anomseer_core.observer import SILENT, SilentObserver
from anomseer_core.policy.model import load_policy
from anomseer_core.training.config import ColdStartConfig
from anomseer_core.training.examples import load_answered_examples, step_indices
from anomseer_core.training.failures import TrainingStopped
from anomseer_core.training.job import METRICS, TrainingJob
from anomseer_core.training.launch import launch
from anomseer_core.training.snapshots import newest_step, newest_usable
from tests.training.test_launch import build_job, ranks_of

pytestmark = pytest.mark.slow
MIB = 2**20


def steps_of(job: TrainingJob) -> list[int]:
    return [json.loads(line)["step"] for line in (job.folder / METRICS).read_text().splitlines()]


class AtStep(SilentObserver):
    """Does something once the metrics of a step have come, and keeps the steps that were reported."""

    def __init__(self, step: int, act) -> None:
        self.step, self.act = step, act
        self.heard: list[int] = []
        self.progressed: list[int] = []

    def metrics(self, step, values) -> None:
        self.heard.append(step)
        if step == self.step:
            self.act()

    def progress(self, done, total, unit) -> None:
        self.progressed.append(done)


def test_a_killed_rank_ends_the_others_is_named_and_costs_few_steps(inputs, tmp_path: Path) -> None:
    job = build_job(inputs, tmp_path / "job", steps=6).model_copy(update={"snapshot_every": 1})

    def kill_rank_one() -> None:
        for process in ranks_of(job.folder):
            if "--local_rank=1" in process.cmdline():
                process.kill()

    with pytest.raises(TrainingStopped) as stopped:
        launch(job, 6, AtStep(3, kill_rank_one))
    assert "\n" not in str(stopped.value)
    reached = newest_step(job.folder)
    assert reached >= 2
    assert str(stopped.value) == (
        "cold_start stopped: rank 1 was killed by SIGKILL, as the system does when memory runs out; "
        f"run again with the same settings to go on from step {reached}"
    )
    assert not ranks_of(job.folder)

    seen = AtStep(0, None)
    assert (launch(job, 6, seen) / "model.safetensors").exists()
    assert steps_of(job) == seen.heard == [1, 2, 3, 4, 5, 6]
    assert seen.progressed == list(range(reached + 1, 7))


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """No file of this process or of those it starts may grow beyond a size: how a full disk looks to a writer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_training_goes_on_without_the_snapshots_that_cannot_be_written(inputs, tmp_path: Path, caplog) -> None:
    """Weights take 33 MB; each rank's half of the optimiser state takes 49."""
    job = build_job(inputs, tmp_path / "job", steps=5).model_copy(update={"snapshot_every": 1})

    def make_room() -> None:
        for process in ranks_of(job.folder):
            process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))

    with caplog.at_level(logging.WARNING), files_limited_to(40 * MIB):
        launch(job, 5, AtStep(2, make_room))
    assert f"cold_start: no snapshot of step 1 could be written to {job.folder / 'snapshots'}, " in caplog.text
    assert "MiB free: " in caplog.text
    assert "; there is none yet" in caplog.text
    assert newest_usable(job.folder).step == 4
    assert steps_of(job) == [1, 2, 3, 4, 5]


def test_a_policy_that_cannot_be_written_is_an_error_of_one_line(inputs, tmp_path: Path) -> None:
    job = build_job(inputs, tmp_path / "job", steps=1)
    with files_limited_to(20 * MIB), pytest.raises(TrainingStopped) as stopped:
        launch(job, 1, SILENT)
    text = str(stopped.value)
    assert text.startswith(f"cold_start stopped: the trained policy cannot be written to {job.folder}, ")
    assert "\n" not in text
    # With room, the same job is trained to its end.
    assert (launch(job, 1, SILENT) / "model.safetensors").exists()


def poisoned(inputs, folder: Path, config: ColdStartConfig) -> int:
    """A policy that reads one token as not-a-number; returns the first 1-based step in which that token occurs.

    The output layer gets weights of its own, since otherwise no step at all would be finite.
    """
    shutil.copytree(inputs.policy.path, folder, ignore=shutil.ignore_patterns("manifest.json", "volatile.json"))
    examples = load_answered_examples(inputs.series.file("series.parquet"), inputs.traces.file("traces.parquet"))
    ids, mask = load_policy(folder).processor.encode_responses([example.target for example in examples])
    read = [set(row[kept].tolist()[:-1]) for row, kept in zip(ids, mask, strict=True)]
    drawn = [step_indices(config.seed, step, config.batch_size, len(examples)) for step in range(config.steps)]
    tokens = [set().union(*(read[index] for index in indices)) for indices in drawn]
    step, token = next(
        (step + 1, sorted(tokens[step] - set().union(*tokens[:step]))[0])
        for step in range(1, config.steps)
        if tokens[step] - set().union(*tokens[:step])
    )
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"].clone()
    weights["model.embed_tokens.weight"][token] = torch.nan
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    about = json.loads((folder / "config.json").read_text())
    about["tie_word_embeddings"] = about["text_config"]["tie_word_embeddings"] = False
    (folder / "config.json").write_text(json.dumps(about))
    return step


def test_a_loss_that_is_not_a_number_stops_training_before_the_step(inputs, tmp_path: Path) -> None:
    config = ColdStartConfig(steps=4, batch_size=2)
    step = poisoned(inputs, tmp_path / "poisoned", config)
    job = build_job(inputs, tmp_path / "job", policy=tmp_path / "poisoned", steps=4)
    job = job.model_copy(update={"snapshot_every": 1})
    with pytest.raises(TrainingStopped) as stopped:
        launch(job, 4, SILENT)
    assert str(stopped.value) == (
        f"cold_start stopped: step {step} was not taken, its gradient is not finite; not finite before it: logprobs; "
        "a new training with a lower learning rate (cold_start.learning_rate) may get past it; "
        f"run again with the same settings to go on from step {step - 1}"
    )
    assert steps_of(job) == list(range(1, step))
    assert newest_usable(job.folder).step == step - 1
    assert not (job.folder / "checkpoint").exists()
