"""Tasks that make or read labelled series."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.dataset import read_archive
from anomseer_core.synthesis.config import BenchmarkConfig, MixedConfig
from anomseer_core.synthesis.dataset import synthesize
from tasks.stages import StageResult, run_stage


@task(
    name="synthesize",
    description="Draw the labelled series of a synthetic benchmark from a seed.",
    task_run_name="synthesize {config.benchmark} {config.split}",
    cache_policy=NO_CACHE,
)
def synthesize_series(mlflow_run: str, config: BenchmarkConfig | MixedConfig) -> StageResult:
    name = f"{config.benchmark}-{config.split}"
    return run_stage(mlflow_run, name, lambda store, _, observer: synthesize(store, config, observer))


@task(
    name="read-archive",
    description="Read, cut and choose labelled series of a real archive.",
    task_run_name="read archive",
    cache_policy=NO_CACHE,
)
def read_archive_series(mlflow_run: str, config: ArchiveConfig) -> StageResult:
    return run_stage(mlflow_run, "archive-eval", lambda store, _, observer: read_archive(store, config, observer))
