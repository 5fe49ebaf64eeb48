"""Tasks that train a policy in processes launched by DeepSpeed."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE

from anomseer_core.reports.figures import learning_curves
from anomseer_core.settings import load_settings
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.training.adoption import AdoptionConfig, file_training, find_inputs, read_training
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, SnapshotConfig, TimerPOConfig
from anomseer_core.training.stages import cold_start, reinforce
from tasks.connection import connect
from tasks.observer import StageObserver
from tasks.recording import recorded_name
from tasks.stages import StageResult, run_stage


@task(
    name="cold-start",
    description="Supervised training on the expert traces, before reinforcement learning.",
    task_run_name="cold start",
    cache_policy=NO_CACHE,
)
def cold_start_policy(
    mlflow_run: str,
    policy: StageResult,
    series: StageResult,
    traces: StageResult,
    config: ColdStartConfig,
    launch: LaunchConfig,
    snapshots: SnapshotConfig,
) -> StageResult:
    return run_stage(
        mlflow_run,
        "cold-start",
        lambda store, inputs, observer: cold_start(
            store, **inputs, config=config, launch=launch, snapshots=snapshots, observer=observer
        ),
        {"policy": policy, "series": series, "traces": traces},
        draw=draw_learning_curves,
    )


@task(
    name="timerpo",
    description="Reinforcement learning with TimerPO: group sampling, rewards, optimal transport, clipped objective.",
    task_run_name="TimerPO",
    cache_policy=NO_CACHE,
)
def reinforce_policy(
    mlflow_run: str,
    policy: StageResult,
    series: StageResult,
    traces: StageResult,
    config: TimerPOConfig,
    launch: LaunchConfig,
    snapshots: SnapshotConfig,
) -> StageResult:
    return run_stage(
        mlflow_run,
        "timerpo",
        lambda store, inputs, observer: reinforce(
            store, **inputs, config=config, launch=launch, snapshots=snapshots, observer=observer
        ),
        {"policy": policy, "series": series, "traces": traces},
        draw=draw_learning_curves,
    )


@task(
    name="adopt-training",
    description="Take in a training that ran outside of a flow: its checkpoint, its metrics, its recipe.",
    task_run_name="adopt {config.folder}",
    cache_policy=NO_CACHE,
)
def adopt_training(mlflow_run: str, config: AdoptionConfig) -> StageResult:
    settings = load_settings()
    tracking = connect(settings)
    training = read_training(config)
    # An input that lies here and that no run recorded would break the lineage, which asks both.
    inputs = {
        role: StageResult.of(name, artifact)
        for role, artifact in find_inputs(ArtifactStore(settings.home), training).items()
        if (name := recorded_name(tracking, artifact))
    }
    return run_stage(
        mlflow_run,
        training.stage.name,
        lambda store, read, observer: file_training(store, training, read, observer),
        inputs,
        draw=draw_learning_curves,
    )


def draw_learning_curves(
    checkpoint: Artifact, _: Mapping[str, Artifact], observer: StageObserver
) -> dict[str, Figure | Image.Image]:
    title = f"{observer.name}, checkpoint {checkpoint.digest[:12]}"
    return {"learning-curves.png": learning_curves(observer.history, title=title)}
