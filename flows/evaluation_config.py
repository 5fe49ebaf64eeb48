"""What an evaluation alone is asked for: a checkpoint, the benchmarks it answers, and how."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.config import Config, Unique
from anomseer_core.evaluation.config import DetectorsConfig
from anomseer_core.pipeline import PAPER_BENCHMARKS, Benchmark, PipelineConfig
from anomseer_core.store import MANIFEST, Artifact, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig, DiverseConfig, VisualTimeAnomalyConfig

LATEST = "latest"
TRAINED = ("cold-start", "timerpo")


class EvaluationRunConfig(Config):
    """One checkpoint, the benchmarks it answers, and how."""

    checkpoint: str = Field(
        LATEST,
        min_length=1,
        description="Folder of a checkpoint, or `latest`: the newest one trained by this installation.",
    )
    benchmarks: Annotated[tuple[Benchmark, ...], Unique] = Field(
        PAPER_BENCHMARKS, min_length=1, description="Benchmarks to evaluate on; the archive needs a folder."
    )
    anomllm: AnomLLMConfig = Field(default_factory=AnomLLMConfig, description="Held-out AnomLLM series.")
    visual_time_anomaly: VisualTimeAnomalyConfig = Field(
        default_factory=VisualTimeAnomalyConfig, description="Held-out VisualTimeAnomaly series."
    )
    diverse: DiverseConfig = Field(default_factory=DiverseConfig, description="Held-out Diverse series.")
    archive: ArchiveConfig = Field(default_factory=ArchiveConfig, description="Real series from a folder of yours.")
    evaluation: DetectorsConfig = Field(default_factory=DetectorsConfig, description="Detectors and scoring.")


def evaluation_of(config: PipelineConfig) -> EvaluationRunConfig:
    """The evaluation part of a pipeline's configuration."""
    data = config.synthesis
    shared = {name: getattr(config.evaluation, name) for name in DetectorsConfig.model_fields}
    return EvaluationRunConfig(
        benchmarks=data.benchmarks,
        anomllm=data.anomllm,
        visual_time_anomaly=data.visual_time_anomaly,
        diverse=data.diverse,
        archive=data.archive,
        evaluation=DetectorsConfig(**shared),
    )


def find_checkpoint(store: ArtifactStore, name: str) -> Artifact | Path:
    """The checkpoint artifact of that folder (or the latest), or the folder itself when it came from elsewhere.

    Raises FileNotFoundError when there is none, ValueError when the folder is another kind of artifact.
    """
    if name == LATEST:
        return _latest_checkpoint(store)
    folder = Path(name).resolve()
    if not (folder / MANIFEST).is_file():
        from anomseer_core.policy.folder import require_weights

        require_weights(folder)
        return folder
    artifact = store.open(folder)
    if artifact.kind != "checkpoint":
        raise ValueError(f"{folder} is a {artifact.kind} artifact; name the folder of a checkpoint")
    return artifact


def _latest_checkpoint(store: ArtifactStore) -> Artifact:
    trained = [item for item in store.all() if item.kind == "checkpoint" and item.manifest["stage"] in TRAINED]
    if not trained:
        raise FileNotFoundError(f"no trained checkpoint in {store.root}; run the pipeline first, or name a folder")
    return max(trained, key=lambda item: item.file(MANIFEST).stat().st_mtime)
