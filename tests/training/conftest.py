"""Inputs of a small real training job: a born nano policy, series and expert traces, in a store of their own."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import distributed

from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.policy.birth import create_policy
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, TimerPOConfig
from anomseer_core.training.job import METRICS, Owner, TrainingJob


@dataclass(frozen=True)
class TrainingInputs:
    store: ArtifactStore
    series: Artifact
    traces: Artifact
    policy: Artifact


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> TrainingInputs:
    store = ArtifactStore(tmp_path_factory.mktemp("training"))
    series = synthesize(store, AnomLLMConfig(split="train", seed=3407, tasks=("range", "trend"), count=4))
    traces = write_traces(store, series, ExpCoTConfig(style="brief"))
    policy = create_policy(store, traces, PolicyConfig(vocabulary=512))
    return TrainingInputs(store, series, traces, policy)


@pytest.fixture(scope="session")
def one_process() -> Iterator[torch.device]:
    """A group of one rank in this process, in which a training job runs without a launcher."""
    from anomseer_core.training.engine import start_distributed

    with socket.socket() as probe, pytest.MonkeyPatch.context() as patch:
        probe.bind(("127.0.0.1", 0))
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(probe.getsockname()[1])}
        alone = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0", "DS_ACCELERATOR": "cpu"}
        for name, value in (alone | address).items():
            patch.setenv(name, value)
        probe.close()
        yield start_distributed(0)
        distributed.destroy_process_group()


def build_job(
    inputs: TrainingInputs, folder: Path, config: ColdStartConfig | TimerPOConfig, **launch: object
) -> TrainingJob:
    """A job of one rank in its own folder."""
    folder.mkdir(parents=True)
    return TrainingJob(
        method="cold_start" if isinstance(config, ColdStartConfig) else "timerpo",
        policy=inputs.policy.path,
        series=inputs.series.file("series.parquet"),
        traces=inputs.traces.file("traces.parquet"),
        folder=folder,
        config=config,
        launch=LaunchConfig(**({"ranks": 1, "precision": "float32", "zero_stage": 0} | launch)),
        owner=Owner.this_process(),
    )


def read_metrics(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / METRICS).read_text().splitlines()]


@pytest.fixture
def empty_store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)
