"""Real training jobs through DeepSpeed: one rank equals two, the same seed gives the same run, bad input is refused."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from anomseer_core.observer import SilentObserver
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.training.claim import LOCKS
from anomseer_core.training.config import BordersConfig, ColdStartConfig, LaunchConfig, SnapshotConfig, TimerPOConfig
from anomseer_core.training.job import COMPLETIONS, METRICS
from anomseer_core.training.stages import cold_start, reinforce
from tests.training.stage_process import job_of, kill_all, running_stage, wait_for

COLD_START = ColdStartConfig(steps=2, batch_size=4, learning_rate=1e-3)
# One step of borders alone, one of answers, one of reasoning.
BIRTH = ColdStartConfig(
    steps=3,
    batch_size=4,
    learning_rate=3e-4,
    borders=BordersConfig(weight=1, alone_steps=1),
    direct_steps=1,
    direct_share=0.5,
)
TIMERPO = TimerPOConfig(steps=2, prompts_per_step=4, group_size=3, max_response_tokens=12, learning_rate=1e-3)


class Recorder(SilentObserver):
    """Keeps what a launch passes on."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.completion_steps: list[int] = []
        self.progressed: list[tuple[int, int, str]] = []

    def metrics(self, step, values) -> None:
        self.steps.append(step)

    def completions(self, step, rows) -> None:
        self.completion_steps.append(step)

    def progress(self, done, total, unit) -> None:
        self.progressed.append((done, total, unit))


def weights(artifact: Artifact) -> dict[str, torch.Tensor]:
    return load_file(artifact.file("model.safetensors"))


def lines(store: ArtifactStore, name: str) -> list[dict]:
    (path,) = Path(store.home).glob(f"runs/*/{name}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(store, stage, inputs, config, ranks: int, observer=None, snapshots=None, **launch) -> Artifact:
    settings = LaunchConfig(ranks=ranks, precision="float32", **launch)
    policy, series, traces = inputs.policy, inputs.series, inputs.traces
    arguments = {"policy": policy, "series": series, "traces": traces, "config": config, "launch": settings}
    return stage(store, **arguments, snapshots=snapshots or SnapshotConfig(), observer=observer or SilentObserver())


@dataclass(frozen=True)
class Finished:
    """A finished run: its store, its checkpoint, and what its observer saw."""

    store: ArtifactStore
    checkpoint: Artifact
    seen: Recorder


@pytest.fixture(scope="module")
def one_rank(inputs, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    store, seen = ArtifactStore(tmp_path_factory.mktemp("one-rank")), Recorder()
    return Finished(store, run(store, reinforce, inputs, TIMERPO, 1, seen, micro_responses=100), seen)


def assert_equal_losses(first: ArtifactStore, second: ArtifactStore) -> None:
    for one, other in zip(lines(first, METRICS), lines(second, METRICS), strict=True):
        told = {"loss", "border_loss"} & one["metrics"].keys()
        assert told
        for name in told:
            assert other["metrics"][name] == pytest.approx(one["metrics"][name], abs=1e-4)


def test_timerpo_on_two_ranks_in_chunks_equals_one_pass_on_one(inputs, one_rank: Finished, tmp_path: Path) -> None:
    """The responses are the same: their randomness is fixed by seed, step and prompt."""
    store = ArtifactStore(tmp_path)
    two = run(store, reinforce, inputs, TIMERPO, 2, micro_responses=3)
    expected, found, before = weights(one_rank.checkpoint), weights(two), weights(inputs.policy)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=2e-5, rtol=1e-3)
    assert_equal_losses(one_rank.store, store)
    assert any(not torch.equal(before[name], tensor) for name, tensor in found.items())


def test_cold_start_on_two_ranks_in_chunks_equals_one_pass_on_one(inputs, tmp_path: Path) -> None:
    stores = [ArtifactStore(tmp_path / name) for name in ("one", "two")]
    one = run(stores[0], cold_start, inputs, BIRTH, 1, micro_responses=100)
    two = run(stores[1], cold_start, inputs, BIRTH, 2, micro_responses=1)
    expected, found, before = weights(one), weights(two), weights(inputs.policy)
    for name, tensor in expected.items():
        # As a whole to a five-hundredth of its way. AdamW divides by the size of a gradient: where that is rounding, a
        # weight alone may be off by more, up to a tenth of one step.
        assert (found[name] - tensor).norm() <= (tensor - before[name]).norm() / 500, name
        torch.testing.assert_close(found[name], tensor, atol=BIRTH.learning_rate / 10, rtol=0)
    assert_equal_losses(*stores)
    # The heads that asked for borders are gone.
    assert found.keys() == before.keys()


def test_the_same_seed_gives_the_same_run_bit_for_bit(inputs, one_rank: Finished, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    again = run(store, reinforce, inputs, TIMERPO, 1, micro_responses=100)
    first, second = lines(one_rank.store, METRICS), lines(store, METRICS)
    assert first[0]["metrics"]["loss"] == second[0]["metrics"]["loss"]
    assert again.digest == one_rank.checkpoint.digest
    assert lines(one_rank.store, COMPLETIONS) == lines(store, COMPLETIONS)


def test_a_killed_training_goes_on_and_ends_as_the_unbroken_one(inputs, one_rank: Finished, tmp_path: Path) -> None:
    """Launcher and rank are killed outright after the first of two steps."""
    home = tmp_path / "home"
    job = job_of(inputs, TIMERPO, LaunchConfig(ranks=1, precision="float32", micro_responses=100), every=1)
    with running_stage(job, home, tmp_path / "log") as process:
        wait_for(process, lambda: any(home.glob("runs/*/snapshots/step-*")))
        kill_all(process)
    store, seen = ArtifactStore(home), Recorder()
    resumed = run(store, reinforce, inputs, TIMERPO, 1, seen, micro_responses=100)
    assert resumed.digest == one_rank.checkpoint.digest
    losses = [[line["metrics"]["loss"] for line in lines(where, METRICS)] for where in (one_rank.store, store)]
    assert losses[0] == losses[1]
    assert lines(store, COMPLETIONS) == lines(one_rank.store, COMPLETIONS)
    assert (seen.steps, seen.completion_steps) == ([1, 2], [1, 2])
    assert seen.progressed == [(2, 2, "steps")]


def test_what_a_finished_training_leaves_is_its_record(one_rank: Finished) -> None:
    (folder,) = one_rank.store.home.glob("runs/*")
    assert {path.name for path in folder.iterdir()} == {"job.json", METRICS, COMPLETIONS, *LOCKS}


def test_a_finished_training_is_reused_whatever_its_snapshots(inputs, one_rank: Finished) -> None:
    snapshots = SnapshotConfig(training_every=1, unfinished="refuse")
    again = run(one_rank.store, reinforce, inputs, TIMERPO, 1, snapshots=snapshots, micro_responses=100)
    assert again.reused
    assert again.digest == one_rank.checkpoint.digest


def test_an_observer_sees_every_step_once_in_order(one_rank: Finished) -> None:
    assert one_rank.seen.steps == [1, 2]
    assert one_rank.seen.completion_steps == [1, 2]
    assert one_rank.seen.progressed == [(1, 2, "steps"), (2, 2, "steps")]


def test_completions_hold_both_advantages_and_metrics_their_names(one_rank: Finished) -> None:
    rows = lines(one_rank.store, COMPLETIONS)[0]["rows"]
    assert len(rows) == 4 * 3
    assert {"series_id", "response", "reward", "advantage_main", "advantage_reasoning", "advantage"} <= set(rows[0])
    metrics = lines(one_rank.store, METRICS)[0]["metrics"]
    expected = {"reward", "reward_std", "frac_reward_zero_std", "kl", "entropy", "grad_norm", "loss"}
    assert expected | {"transport/cost", "reasoning_reward", "completions/mean_length"} <= set(metrics)
    # One update per batch: nothing can be clipped, and the first step starts from the reference itself.
    assert metrics["clip_ratio/region_mean"] == 0
    assert metrics["kl"] == pytest.approx(0, abs=1e-6)


def test_batches_that_do_not_divide_are_refused(inputs, empty_store: ArtifactStore) -> None:
    with pytest.raises(ValueError, match=r"training.prompts_per_step = 5 does not divide among 2 ranks"):
        run(empty_store, reinforce, inputs, TIMERPO.model_copy(update={"prompts_per_step": 5}), 2)
    with pytest.raises(ValueError, match=r"cold_start.batch_size = 3 does not divide among 2 ranks"):
        run(empty_store, cold_start, inputs, COLD_START.model_copy(update={"batch_size": 3}), 2)
    assert not (empty_store.home / "runs").exists()
