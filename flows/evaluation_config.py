"""What an evaluation alone is asked for: detectors, the benchmarks they answer, and how."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.baselines.trivial import ANSWERS
from anomseer_core.config import Config, Unique
from anomseer_core.endpoint.config import EndpointConfig
from anomseer_core.evaluation.config import Baseline, DetectorsConfig
from anomseer_core.evaluation.detector_names import seeded_name
from anomseer_core.pipeline import PAPER_BENCHMARKS, Benchmark, PipelineConfig
from anomseer_core.policy.folder import find_shipped, require_shipped, require_weights
from anomseer_core.store import MANIFEST, Artifact, ArtifactStore
from anomseer_core.synthesis.config import AnomLLMConfig, DiverseConfig, VisualTimeAnomalyConfig
from flows.overrides import apply_overrides

Model = Literal["policy", "endpoint"]
MODELS, BASELINES = get_args(Model), get_args(Baseline)
LATEST = "latest"
SHIPPED = "shipped"
COLD_START = "cold-start"
TIMERPO = "timerpo"
TRAINED = (COLD_START, TIMERPO)
SHOWN_DIGEST = 8


class EvaluationRunConfig(Config):
    """Detectors, the benchmarks they answer, and how."""

    models: Annotated[tuple[Model, ...], Unique] = Field(
        ("policy",),
        description="Models that answer: `policy`, the checkpoint; `endpoint`, the model of an OpenAI-compatible API. "
        "Detectors without training are in evaluation.baselines.",
    )
    checkpoint: str = Field(
        LATEST,
        min_length=1,
        description="`policy`: folder of a checkpoint; `latest`: the newest one trained by this installation, or the "
        "shipped one where there is none; `shipped`: the one that comes with this package. Several, such as seeds of "
        "one method, are joined by commas.",
    )
    cold_start: bool = Field(
        False, description="`policy`: evaluate the cold start of each checkpoint too, where this installation has it."
    )
    endpoint: EndpointConfig = Field(
        default_factory=EndpointConfig, description="`endpoint`: where its model is, and how fast it is asked."
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

    @model_validator(mode="after")
    def _every_setting_has_an_effect(self) -> "EvaluationRunConfig":
        if not self.models and not self.evaluation.baselines:
            raise ValueError("no detector is named; name a model or one of evaluation.baselines")
        if "policy" not in self.models and self.checkpoint != LATEST:
            raise ValueError(f"checkpoint {self.checkpoint} has no effect without the detector policy")
        reasoning = self.evaluation.decoding.reasoning
        if "endpoint" in self.models and reasoning != "written":
            raise ValueError(
                f"evaluation.decoding.reasoning = {reasoning}: no API lets the response of its model be begun; leave "
                "the detector endpoint out, or set evaluation.direct_too or voted_too for the policy alone"
            )
        if "endpoint" in self.models and self.evaluation.decoding.told:
            raise ValueError(
                "evaluation.decoding.told: no API takes a choice from its model; leave the detector endpoint out, or "
                "set evaluation.told_too for the policy alone"
            )
        if "endpoint" not in self.models and self.endpoint != EndpointConfig():
            raise ValueError("the endpoint's settings have no effect without the detector endpoint; name it too")
        return self


def evaluation_of(config: PipelineConfig) -> EvaluationRunConfig:
    """The evaluation part of a pipeline's configuration."""
    data = config.synthesis
    shared = {name: getattr(config.evaluation, name) for name in DetectorsConfig.model_fields}
    return EvaluationRunConfig(
        cold_start=config.evaluation.cold_start,
        benchmarks=data.benchmarks,
        anomllm=data.anomllm,
        visual_time_anomaly=data.visual_time_anomaly,
        diverse=data.diverse,
        archive=data.archive,
        evaluation=DetectorsConfig(**shared),
    )


def choose(
    config: PipelineConfig,
    checkpoint: str,
    detectors: Sequence[str],
    benchmarks: Sequence[str],
    overrides: Sequence[str],
) -> EvaluationRunConfig:
    """What the command line asks for, from the evaluation part of a pipeline. Raises ValueError with one line."""
    start = evaluation_of(config).model_copy(update={"checkpoint": checkpoint})
    if detectors:
        start = choose_detectors(start, detectors)
    if benchmarks:
        named = tuple(dict.fromkeys(name.replace("-", "_") for name in benchmarks))
        start = start.model_copy(update={"benchmarks": named})
    return apply_overrides(start, overrides)


def choose_detectors(config: EvaluationRunConfig, names: Sequence[str]) -> EvaluationRunConfig:
    """The configuration with these detectors, models and baselines alike, and the trivial predictors beside them.

    A table without the trivial rows would be hard to believe; `evaluation.baselines` can leave them out. Raises
    ValueError for a name that is none.
    """
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in (*MODELS, *BASELINES):
            close = get_close_matches(name, (*MODELS, *BASELINES), n=1)
            hint = f"did you mean {close[0]}? " if close else ""
            raise ValueError(f"unknown detector {name}: {hint}there are {', '.join((*MODELS, *BASELINES))}")
    baselines = tuple(name for name in BASELINES if name in names or name in ANSWERS)
    models = tuple(name for name in MODELS if name in names)
    evaluation = config.evaluation.model_copy(update={"baselines": baselines})
    return config.model_copy(update={"models": models, "evaluation": evaluation})


def find_policies(store: ArtifactStore, config: EvaluationRunConfig) -> dict[str, Artifact | Path]:
    """The checkpoints to evaluate by the names that tables show; none without the detector `policy`.

    Raises as `find_checkpoint` does, and ValueError where two have one name.
    """
    if "policy" not in config.models:
        return {}
    names = [config.checkpoint] if Path(config.checkpoint).is_dir() else config.checkpoint.split(",")
    found = [find_checkpoint(store, name.strip()) for name in names]
    if config.cold_start:
        starts = [find_cold_start(store, item) for item in found if isinstance(item, Artifact)]
        found += [start for start in starts if start]
    return name_policies(found)


def name_policies(checkpoints: Sequence[Artifact | Path]) -> dict[str, Artifact | Path]:
    """Each checkpoint once: by its stage; several of a stage by method; several of a method by seed, where they differ
    in nothing else, or by digest.

    A folder from elsewhere has its own name.
    """
    named: dict[str, Artifact | Path] = {}
    stages: dict[str, dict[str, Artifact]] = {}
    for item in checkpoints:
        if isinstance(item, Artifact):
            stages.setdefault(item.manifest["stage"], {}).setdefault(item.digest, item)
        elif named.setdefault(item.name, item) != item:
            raise ValueError(f"two checkpoints are called {item.name}; evaluate them apart, or rename one")
    for stage, items in stages.items():
        trained = _name_of_stage(stage, list(items.values()))
        if twice := named.keys() & trained.keys():
            raise ValueError(f"two checkpoints are called {min(twice)}; evaluate them apart, or rename one")
        named |= trained
    return named


def _name_of_stage(stage: str, checkpoints: Sequence[Artifact]) -> dict[str, Artifact]:
    if len(checkpoints) == 1:
        return {stage: checkpoints[0]}
    methods: dict[str, list[Artifact]] = {}
    for item in checkpoints:
        methods.setdefault(_method_of(stage, _settings(item)), []).append(item)
    return {name: item for method, items in methods.items() for name, item in _name_of_method(method, items).items()}


def _name_of_method(method: str, checkpoints: Sequence[Artifact]) -> dict[str, Artifact]:
    if len(checkpoints) == 1:
        return {method: checkpoints[0]}
    settings = [dict(_settings(item)) for item in checkpoints]
    seeds = [each.pop("seed", None) for each in settings]
    if len(set(seeds)) == len(seeds) and all(each == settings[0] for each in settings):
        return {seeded_name(method, seed): item for seed, item in zip(seeds, checkpoints, strict=True)}
    return {f"{method}-{item.digest[:SHOWN_DIGEST]}": item for item in checkpoints}


def _method_of(stage: str, settings: Mapping[str, Any]) -> str:
    """`grpo` where reasoning earns nothing; `timerpo-cosine` and the like where it is not compared by transport."""
    if stage != TIMERPO:
        return stage
    alignment = settings.get("transport", {}).get("alignment", "transport")
    return "grpo" if settings.get("alpha") == 0 else stage if alignment == "transport" else f"{stage}-{alignment}"


def _settings(checkpoint: Artifact) -> Mapping[str, Any]:
    """Of the method that trained it."""
    return checkpoint.manifest["recipe"]["config"].get("method", {})


def find_cold_start(store: ArtifactStore, checkpoint: Artifact) -> Artifact | None:
    """The cold start that a checkpoint was trained from; None where it had none, or it is not in the store."""
    parent = checkpoint.inputs.get("policy")
    found = store.find(parent.kind, parent.key) if parent else None
    return found if found and found.manifest["stage"] == COLD_START and found.digest == parent.digest else None


def find_checkpoint(store: ArtifactStore, name: str) -> Artifact | Path:
    """The checkpoint artifact of that folder (or the latest), or the folder itself when it came from elsewhere.

    Without a checkpoint trained here, the latest is the one that comes with the package.

    Raises FileNotFoundError when there is none, ValueError when the folder is another kind of artifact.
    """
    if name == SHIPPED:
        return require_shipped()
    if name == LATEST:
        return _latest_checkpoint(store)
    folder = Path(name).resolve()
    if not (folder / MANIFEST).is_file():
        require_weights(folder)
        return folder
    artifact = store.open(folder)
    if artifact.kind != "checkpoint":
        raise ValueError(f"{folder} is a {artifact.kind} artifact; name the folder of a checkpoint")
    return artifact


def _latest_checkpoint(store: ArtifactStore) -> Artifact | Path:
    trained = [item for item in store.all() if item.kind == "checkpoint" and item.manifest["stage"] in TRAINED]
    if not trained and find_shipped():
        return require_shipped()
    if not trained:
        raise FileNotFoundError(
            f"no trained checkpoint in {store.root}, and this version of anomseer ships none; run the pipeline first, "
            "or name a folder"
        )
    return max(trained, key=lambda item: item.file(MANIFEST).stat().st_mtime)
