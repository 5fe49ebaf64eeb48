"""Real training jobs through DeepSpeed: one rank equals two, the same seed gives the same run, bad input is refused."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from anomseer_core.observer import SilentObserver
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, TimerPOConfig
from anomseer_core.training.job import COMPLETIONS, METRICS
from anomseer_core.training.stages import cold_start, reinforce

COLD_START = ColdStartConfig(steps=2, batch_size=4, learning_rate=1e-3)
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


def run(store, stage, inputs, config, ranks: int, observer=None, **launch) -> Artifact:
    settings = LaunchConfig(ranks=ranks, precision="float32", **launch)
    policy, series, traces = inputs.policy, inputs.series, inputs.traces
    arguments = {"policy": policy, "series": series, "traces": traces, "config": config, "launch": settings}
    return stage(store, **arguments, observer=observer or SilentObserver())


@pytest.mark.parametrize(("stage", "config"), [(cold_start, COLD_START), (reinforce, TIMERPO)])
def test_two_ranks_equal_one_and_accumulation(stage, config, inputs, tmp_path: Path) -> None:
    """Fixed responses: expert traces, or samples whose randomness is fixed by seed, step and prompt."""
    stores = [ArtifactStore(tmp_path / name) for name in ("one", "two", "chunks")]
    recorder = Recorder()
    one = run(stores[0], stage, inputs, config, 1, recorder, micro_responses=100)
    two = run(stores[1], stage, inputs, config, 2, micro_responses=100)
    chunked = run(stores[2], stage, inputs, config, 1, micro_responses=3)
    before = weights(inputs.policy)
    for name, tensor in weights(one).items():
        torch.testing.assert_close(weights(two)[name], tensor, atol=2e-5, rtol=1e-3)
        torch.testing.assert_close(weights(chunked)[name], tensor, atol=2e-5, rtol=1e-3)
    assert any(not torch.equal(before[name], tensor) for name, tensor in weights(one).items())
    metrics = [[record["metrics"] for record in lines(store, METRICS)] for store in stores]
    for step in range(config.steps):
        for other in metrics[1:]:
            assert other[step]["loss"] == pytest.approx(metrics[0][step]["loss"], abs=1e-4)
    # Whoever watches sees every step once, in order.
    assert recorder.steps == [1, 2]
    assert recorder.progressed == [(1, 2, "steps"), (2, 2, "steps")]


def test_the_same_seed_gives_the_same_run_and_the_artifact_is_reused(inputs, tmp_path: Path) -> None:
    stores = [ArtifactStore(tmp_path / name) for name in ("first", "second")]
    artifacts = [run(store, reinforce, inputs, TIMERPO, 1) for store in stores]
    first, second = (lines(store, METRICS) for store in stores)
    assert first[0]["metrics"]["loss"] == second[0]["metrics"]["loss"]
    assert artifacts[0].digest == artifacts[1].digest
    assert lines(stores[0], COMPLETIONS) == lines(stores[1], COMPLETIONS)
    again = run(stores[0], reinforce, inputs, TIMERPO, 1)
    assert again.reused
    assert again.digest == artifacts[0].digest


def test_completions_hold_both_advantages_and_metrics_their_names(inputs, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    run(store, reinforce, inputs, TIMERPO, 1)
    rows = lines(store, COMPLETIONS)[0]["rows"]
    assert len(rows) == 4 * 3
    assert {"series_id", "response", "reward", "advantage_main", "advantage_reasoning", "advantage"} <= set(rows[0])
    metrics = lines(store, METRICS)[0]["metrics"]
    expected = {"reward", "reward_std", "frac_reward_zero_std", "kl", "entropy", "clip_ratio", "grad_norm", "loss"}
    assert expected | {"transport/cost", "reasoning_reward", "completions/mean_length"} <= set(metrics)
    # One update per batch: nothing can be clipped, and the first step starts from the reference itself.
    assert metrics["clip_ratio"] == 0
    assert metrics["kl"] == pytest.approx(0, abs=1e-6)


def test_batches_that_do_not_divide_are_refused(inputs, empty_store: ArtifactStore) -> None:
    with pytest.raises(ValueError, match=r"training.prompts_per_step = 5 does not divide among 2 ranks"):
        run(empty_store, reinforce, inputs, TIMERPO.model_copy(update={"prompts_per_step": 5}), 2)
    with pytest.raises(ValueError, match=r"cold_start.batch_size = 3 does not divide among 2 ranks"):
        run(empty_store, cold_start, inputs, COLD_START.model_copy(update={"batch_size": 3}), 2)
    assert not (empty_store.home / "runs").exists()
