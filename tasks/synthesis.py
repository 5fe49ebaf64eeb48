"""Tasks that make or read labelled series."""

import pandas as pd
from matplotlib.figure import Figure
from prefect import task
from prefect.cache_policies import NO_CACHE

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.dataset import read_archive
from anomseer_core.reports.dataset_card import describe, examples_figure
from anomseer_core.series import read_series
from anomseer_core.store import Artifact
from anomseer_core.synthesis.config import BenchmarkConfig, MixedConfig
from anomseer_core.synthesis.dataset import SERIES_FILE, synthesize
from tasks.stages import Core, StageResult, run_stage


@task(
    name="synthesize",
    description="Draw the labelled series of a synthetic benchmark from a seed.",
    task_run_name="synthesize {config.benchmark} {config.split}",
    cache_policy=NO_CACHE,
)
def synthesize_series(mlflow_run: str, config: BenchmarkConfig | MixedConfig) -> StageResult:
    name = f"{config.benchmark}-{config.split}"
    return _make_series(mlflow_run, name, lambda store, _, observer: synthesize(store, config, observer))


@task(
    name="read-archive",
    description="Read, cut and choose labelled series of a real archive.",
    task_run_name="read archive",
    cache_policy=NO_CACHE,
)
def read_archive_series(mlflow_run: str, config: ArchiveConfig) -> StageResult:
    return _make_series(mlflow_run, "archive-eval", lambda store, _, observer: read_archive(store, config, observer))


def _make_series(mlflow_run: str, name: str, core: Core) -> StageResult:
    """Run a stage that makes series; its dataset card, a table and a picture, goes to MLflow with them."""
    return run_stage(mlflow_run, name, core, draw=draw_card, tabulate=tabulate_card)


def draw_card(series: Artifact, *_: object) -> dict[str, Figure]:
    return {"dataset_card.png": examples_figure(read_series(series.file(SERIES_FILE)))}


def tabulate_card(series: Artifact, *_: object) -> dict[str, pd.DataFrame]:
    return {"dataset_card.json": describe(read_series(series.file(SERIES_FILE)))}
