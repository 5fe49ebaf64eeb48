"""Inputs of a small real training job: a born nano policy, series and expert traces, in a store of their own."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.policy.birth import create_policy
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig
from anomseer_core.synthesis.dataset import synthesize


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


@pytest.fixture
def empty_store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)
