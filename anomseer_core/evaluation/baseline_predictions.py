"""The stage that runs a detector without training over the series of an artifact."""

from anomseer_core.baselines.catalogue import create_baseline
from anomseer_core.evaluation.config import BaselineConfig
from anomseer_core.evaluation.shards import Shard, detect_shard, predict_in_shards
from anomseer_core.fan_out import FanOut, in_process
from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.store import Artifact, ArtifactStore

STAGE = Stage(
    name="baseline predictions",
    kind="predictions",
    modules=("anomseer_core.evaluation.baseline_predictions",),
    libraries=("numba", "numpy", "pyarrow", "scikit-learn", "scipy", "statsmodels", "stumpy"),
    version=2,
)


def predict_baseline(
    store: ArtifactStore,
    series: Artifact,
    config: BaselineConfig,
    observer: Observer = SILENT,
    *,
    fan_out: FanOut = in_process,
) -> Artifact:
    """Predictions of one baseline for every series. Raises DamagedArtifact when the series were changed.

    Parameters of other detectors have no part in them. fan_out: where the shards of much work are worked on.
    """
    series.verify()
    own = BaselineConfig(name=config.name, parameters=config.parameters.of(config.name))
    recipe = Recipe(STAGE, {"series": series.reference}, own)
    return predict_in_shards(store, recipe, series, run_baseline, observer, fan_out=fan_out)


def run_baseline(shard: Shard) -> int:
    """Answer the series of one shard, in whatever process."""
    config: BaselineConfig = shard.config
    return detect_shard(create_baseline(config.name, config.parameters), shard)
