"""The two training stages: cold start on expert traces, and TimerPO. Each launches one job and files its checkpoint."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from anomseer_core.config import Config
from anomseer_core.observer import SILENT, Observer
from anomseer_core.policy.trained_weights import require_adapters
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.store import Artifact, ArtifactStore, commit, link_or_copy
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, SnapshotConfig, TimerPOConfig, Unfinished
from anomseer_core.training.interrupted import discard_state
from anomseer_core.training.job import Owner, TrainingJob
from anomseer_core.training.launch import launch, resolve_launch
from anomseer_core.training.zero import read_settings

log = logging.getLogger(__name__)
LIBRARIES = ("torch", "transformers", "deepspeed", "matplotlib", "pillow", "numpy")
COLD_START = Stage("cold-start", "checkpoint", modules=("anomseer_core.training.supervised",), libraries=LIBRARIES)
TIMERPO = Stage(
    "timerpo", "checkpoint", modules=("anomseer_core.training.reinforcement",), libraries=(*LIBRARIES, "POT")
)
DEFAULT_SNAPSHOTS = SnapshotConfig()


class TrainingRecipe(Config):
    """What shapes a trained checkpoint besides its inputs: the method, the processes, and DeepSpeed's own settings."""

    method: ColdStartConfig | TimerPOConfig
    launch: LaunchConfig
    deepspeed: dict[str, Any]


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
    require_supervisable(config, launch)
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
    """Train a policy with TimerPO. Raises ValueError when the processes cannot run what the config asks for."""
    require_reinforceable(config, launch)
    for line in config.idle_settings():
        log.warning("training: %s", line)
    train = TrainingStage(store, TIMERPO, "timerpo", snapshots.training_every, snapshots.unfinished)
    return train.run((policy, series, traces), config, launch, observer)


def require_supervisable(config: ColdStartConfig, launch: LaunchConfig) -> None:
    """Raises ValueError when a step's traces, or the evaluation prompts, do not divide among the ranks."""
    require_divisible("cold_start.batch_size", config.batch_size, launch)
    require_divisible("cold_start.evaluation_prompts", config.evaluation_prompts, launch)


def require_reinforceable(config: TimerPOConfig, launch: LaunchConfig) -> None:
    """Raises ValueError when prompts do not divide among ranks and mini-batches, or gradients do not stay whole."""
    require_divisible("training.prompts_per_step", config.prompts_per_step, launch, parts=config.mini_batches)
    require_divisible("training.evaluation_prompts", config.evaluation_prompts, launch)
    if config.integration == "pcgrad" and launch.zero_stage:
        raise ValueError(
            f"training.integration = pcgrad projects whole gradients, which launch.zero_stage = {launch.zero_stage} "
            "cuts up; set launch.zero_stage to 0"
        )


def require_divisible(field: str, value: int, launch: LaunchConfig, *, parts: int = 1) -> None:
    """parts: mini-batches into which each rank's share is cut."""
    ranks = resolve_launch(launch).ranks
    if value % (ranks * parts):
        sharers = f"{ranks} ranks" + (f" of {parts} mini-batches each" if parts > 1 else "")
        raise ValueError(f"{field} = {value} does not divide among {sharers}; choose a multiple of {ranks * parts}")


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
        require_adapters(config.weights)
        policy, series, traces = (artifact.verify() for artifact in inputs)
        resolved = resolve_launch(settings)
        references = {"policy": policy.reference, "series": series.reference, "traces": traces.reference}
        shaped_by = TrainingRecipe(method=config, launch=resolved, deepspeed=read_settings(resolved))
        recipe = Recipe(self._stage_of(config), references, shaped_by)
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
            commit=commit(),
            snapshot_every=self.snapshot_every,
        )

        def write(target: Path) -> Mapping[str, int]:
            checkpoint = launch(job, config.steps, observer, self.unfinished)
            shutil.copytree(checkpoint, target, dirs_exist_ok=True, copy_function=link_or_copy)
            return {"steps": config.steps}

        artifact = self.store.produce(recipe, write)
        discard_state(job.folder)
        return artifact

    def _stage_of(self, config: ColdStartConfig | TimerPOConfig) -> Stage:
        """The stage, with the library of adapters where they are trained."""
        if config.weights.lora_rank:
            return replace(self.stage, libraries=(*self.stage.libraries, "peft"))
        return self.stage
