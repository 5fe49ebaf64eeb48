"""A short chain of small real stages, series -> checkpoint -> predictions, for tests of what is recorded about them."""

from collections.abc import Mapping
from pathlib import Path

from anomseer_core.config import Config
from anomseer_core.observer import Observer
from anomseer_core.recipe import Recipe, Stage
from anomseer_core.store import Artifact, ArtifactStore
from tasks.stages import StageResult, run_stage


class ToyConfig(Config):
    """Something to hash."""

    seed: int = 7
    alpha: float = 0.3


SERIES = Stage("draw", "series", modules=())
CHECKPOINT = Stage("train", "checkpoint", modules=())
PREDICTIONS = Stage("answer", "predictions", modules=())


def make(
    store: ArtifactStore, stage: Stage, inputs: Mapping[str, Artifact], config: ToyConfig, files: Mapping[str, str]
) -> Artifact:
    """An artifact of text files; the text of its config is part of every file."""

    def write(folder: Path) -> dict[str, int]:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text + config.model_dump_json(), encoding="utf-8")
        return dict.fromkeys(files, 1)

    references = {role: artifact.verify().reference for role, artifact in inputs.items()}
    return store.produce(Recipe(stage, references, config), write)


def draw(parent: str, config: ToyConfig | None = None, stage: Stage = SERIES) -> StageResult:
    def core(store: ArtifactStore, inputs: Mapping[str, Artifact], observer: Observer) -> Artifact:
        return make(store, stage, inputs, config or ToyConfig(), {"series.parquet": "series"})

    return run_stage(parent, "toy-series", core)


def train(parent: str, series: StageResult, config: ToyConfig | None = None) -> StageResult:
    def core(store: ArtifactStore, inputs: Mapping[str, Artifact], observer: Observer) -> Artifact:
        for step in range(3):
            observer.metrics(step, {"loss": 1.0 / (step + 1)})
            observer.completions(step, [{"series_id": "a", "response": "<think>", "reward": 0.5}])
            observer.progress(step + 1, 3, "steps")
        files = {"model.safetensors": "weights", "nested/tokenizer.json": "tokenizer"}
        return make(store, CHECKPOINT, inputs, config or ToyConfig(), files)

    return run_stage(parent, "toy-policy", core, {"series": series})


def answer(parent: str, policy: StageResult, series: StageResult) -> StageResult:
    def core(store: ArtifactStore, inputs: Mapping[str, Artifact], observer: Observer) -> Artifact:
        return make(store, PREDICTIONS, inputs, ToyConfig(), {"predictions.parquet": "answers"})

    return run_stage(parent, "toy-answers", core, {"policy": policy, "series": series})


def chain(parent: str) -> tuple[StageResult, StageResult, StageResult]:
    """All three stages under one parent run."""
    series = draw(parent)
    policy = train(parent, series)
    return series, policy, answer(parent, policy, series)
