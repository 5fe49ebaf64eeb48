"""The stage that draws a synthetic benchmark and publishes it as a `series` artifact."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.series import Series, write_series
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import BenchmarkConfig, VisualTimeAnomalyConfig

SERIES_FILE = "series.parquet"
STAGE = Stage(
    name="synthesize",
    kind="series",
    modules=("anomseer_core.synthesis.dataset",),
    libraries=("numpy", "scipy", "pyarrow"),
)


def synthesize(store: ArtifactStore, config: BenchmarkConfig, observer: Observer = SILENT) -> Artifact:
    """Draw `config.count` series of every task of `config.tasks`, in that order, into `series.parquet`."""

    def write(directory: Path) -> Mapping[str, int]:
        return {SERIES_FILE: write_series(_draw(config, observer), directory / SERIES_FILE)}

    return store.produce(Recipe(STAGE, {}, config), write)


def _draw(config: BenchmarkConfig, observer: Observer) -> Iterator[Series]:
    total = config.count * len(config.tasks)
    done = 0
    form = config.form if isinstance(config, VisualTimeAnomalyConfig) else "faithful"
    for task in config.tasks:
        yield from generate(config.benchmark, task, split=config.split, count=config.count, seed=config.seed, form=form)
        done += config.count
        observer.progress(done, total, "series")
