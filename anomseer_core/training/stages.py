"""The two training stages: cold start on expert traces, and TimerPO. Each launches one job and files its checkpoint."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from anomseer_core.config import Config
from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.store import Artifact, ArtifactStore, link_or_copy
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, SnapshotConfig, TimerPOConfig, Unfinished
from anomseer_core.training.interrupted import discard_state
from anomseer_core.training.job import Owner, TrainingJob
from anomseer_core.training.launch import launch, resolve_launch

LIBRARIES = ("torch", "transformers", "deepspeed", "matplotlib", "pillow", "numpy")
COLD_START = Stage("cold-start", "checkpoint", modules=("anomseer_core.training.supervised",), libraries=LIBRARIES)
TIMERPO = Stage(
    "timerpo", "checkpoint", modules=("anomseer_core.training.reinforcement",), libraries=(*LIBRARIES, "POT")
)
DEFAULT_SNAPSHOTS = SnapshotConfig()


class TrainingRecipe(Config):
    """What shapes a trained checkpoint besides its inputs: the method's config and the processes it runs in."""

    method: ColdStartConfig | TimerPOConfig
    launch: LaunchConfig


def cold_start(
    store: ArtifactStore,
    *,
    policy: Artifact,
    series: Artifact,
    traces: Artifact,
    config: ColdStartConfig,
    launch: LaunchConfig,
    snapshots: SnapshotConfig = DEFAULT_SNAPSHOTS,
    observer: Observer = SILENT,
) -> Artifact:
    """Train a policy on expert traces (SFT). Raises ValueError when the batch does not divide among the ranks."""
    require_divisible("cold_start.batch_size", config.batch_size, launch)
    train = TrainingStage(store, COLD_START, "cold_start", snapshots.cold_start_every, snapshots.unfinished)
    return train.run((policy, series, traces), config, launch, observer)


def reinforce(
    store: ArtifactStore,
    *,
    policy: Artifact,
    series: Artifact,
    traces: Artifact,
    config: TimerPOConfig,
    launch: LaunchConfig,
    snapshots: SnapshotConfig = DEFAULT_SNAPSHOTS,
    observer: Observer = SILENT,
) -> Artifact:
    """Train a policy with TimerPO. Raises ValueError when the prompts do not divide among the ranks."""
    require_divisible("training.prompts_per_step", config.prompts_per_step, launch)
    train = TrainingStage(store, TIMERPO, "timerpo", snapshots.training_every, snapshots.unfinished)
    return train.run((policy, series, traces), config, launch, observer)


def require_divisible(field: str, value: int, launch: LaunchConfig) -> None:
    ranks = resolve_launch(launch).ranks
    if value % ranks:
        raise ValueError(f"{field} = {value} does not divide among {ranks} ranks; choose a multiple of {ranks}")


@dataclass(frozen=True)
class TrainingStage:
    """What a training stage is besides its inputs and settings. snapshot_every [steps]."""

    store: ArtifactStore
    stage: Stage
    method: Literal["cold_start", "timerpo"]
    snapshot_every: int
    unfinished: Unfinished

    def run(
        self,
        inputs: tuple[Artifact, Artifact, Artifact],
        config: ColdStartConfig | TimerPOConfig,
        settings: LaunchConfig,
        observer: Observer,
    ) -> Artifact:
        """The checkpoint of policy, series and traces, trained unless it exists."""
        policy, series, traces = (artifact.verify() for artifact in inputs)
        resolved = resolve_launch(settings)
        references = {"policy": policy.reference, "series": series.reference, "traces": traces.reference}
        recipe = Recipe(self.stage, references, TrainingRecipe(method=config, launch=resolved))
        job = TrainingJob(
            method=self.method,
            policy=policy.path,
            series=series.file("series.parquet"),
            traces=traces.file("traces.parquet"),
            folder=self.store.home / "runs" / f"{self.method}-{recipe.key[:20]}",
            config=config,
            launch=resolved,
            owner=Owner.this_process(),
            recipe=recipe.describe(),
            snapshot_every=self.snapshot_every,
        )

        def write(target: Path) -> Mapping[str, int]:
            checkpoint = launch(job, config.steps, observer, self.unfinished)
            shutil.copytree(checkpoint, target, dirs_exist_ok=True, copy_function=link_or_copy)
            return {"steps": config.steps}

        artifact = self.store.produce(recipe, write)
        discard_state(job.folder)
        return artifact
