"""The stage that runs a detector without training over the series of an artifact."""

from pathlib import Path

from anomseer_core.baselines.blind_expert import BlindExpertDetector
from anomseer_core.baselines.isolation_forest import IsolationForestDetector
from anomseer_core.baselines.matrix_profile import MatrixProfileDetector
from anomseer_core.baselines.trivial import ANSWERS, TrivialDetector
from anomseer_core.evaluation.config import Baseline, BaselineConfig
from anomseer_core.evaluation.detector import Detector, record_predictions
from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.store import Artifact, ArtifactStore

STAGE = Stage(
    name="baseline predictions",
    kind="predictions",
    modules=("anomseer_core.evaluation.baseline_predictions",),
    libraries=("numba", "numpy", "pyarrow", "scikit-learn", "scipy", "stumpy"),
)


def create_baseline(name: Baseline) -> Detector:
    """The detector of that name."""
    if name in ANSWERS:
        return TrivialDetector(name)
    classical = {item.name: item for item in (MatrixProfileDetector, IsolationForestDetector, BlindExpertDetector)}
    return classical[name]()


def predict_baseline(
    store: ArtifactStore, series: Artifact, config: BaselineConfig, observer: Observer = SILENT
) -> Artifact:
    """Predictions of one baseline for every series. Raises DamagedArtifact when the series were changed."""
    series.verify()
    seconds: dict[str, float] = {}

    def write(directory: Path) -> dict[str, int]:
        return record_predictions(create_baseline(config.name), series, directory, observer, seconds)

    recipe = Recipe(STAGE, {"series": series.reference}, config)
    return store.produce(recipe, write, volatile=lambda: {"seconds": seconds})
