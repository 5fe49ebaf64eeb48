"""The stage that draws a synthetic benchmark and publishes it as a `series` artifact."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.series import Series, write_series
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.synthesis import generate
from anomseer_core.synthesis.config import BenchmarkConfig, FieldConfig, MixedConfig, VisualTimeAnomalyConfig

SERIES_FILE = "series.parquet"
STAGE = Stage(
    name="synthesize",
    kind="series",
    modules=("anomseer_core.synthesis.dataset",),
    libraries=("numpy", "scipy", "pyarrow"),
)


def synthesize(store: ArtifactStore, config: BenchmarkConfig | MixedConfig, observer: Observer = SILENT) -> Artifact:
    """Draw the series of every task, in the order of the config (of each part in turn), into `series.parquet`."""

    def write(directory: Path) -> Mapping[str, int]:
        return {SERIES_FILE: write_series(_draw(config, observer), directory / SERIES_FILE)}

    return store.produce(Recipe(STAGE, {}, config), write)


def _draw(config: BenchmarkConfig | MixedConfig, observer: Observer) -> Iterator[Series]:
    parts = config.parts if isinstance(config, MixedConfig) else (config,)
    total = sum(part.count * len(part.tasks) for part in parts)
    done = 0
    for part in parts:
        form = part.form if isinstance(part, VisualTimeAnomalyConfig | FieldConfig) else None
        for task in part.tasks:
            yield from generate(part.benchmark, task, split=part.split, count=part.count, seed=part.seed, form=form)
            done += part.count
            observer.progress(done, total, "series")
