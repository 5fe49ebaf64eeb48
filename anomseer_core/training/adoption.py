"""A training that ran outside of a flow, on another machine, taken in as if it had run here.

Its folder is what a job leaves (`training/job.py`): `job.json`, `metrics.jsonl` and `checkpoint/`, which may be the
published artifact with its manifest; where the whole home is brought, the artifact is found beside `runs/`. The
checkpoint is filed under the recipe of `job.json`: the key that the stage itself looks for, so that a run with the same
data, settings and code reuses it. Everything is checked first, and one thing that does not fit refuses the whole.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from anomseer_core.config import Config
from anomseer_core.observer import SILENT, Observer
from anomseer_core.policy.card import CARD, drifted, read_card, require_carded
from anomseer_core.policy.folder import read_object, require_weights
from anomseer_core.recipe import RecordedRecipe, Reference, Stage, digest_json
from anomseer_core.store import (
    MANIFEST,
    VOLATILE,
    Artifact,
    ArtifactStore,
    DamagedArtifact,
    commit,
    content_digest,
    file_digest,
    link_or_copy,
)
from anomseer_core.training.job import CHECKPOINT, COMPLETIONS, JOB, METRICS, TrainingJob
from anomseer_core.training.stages import COLD_START, TIMERPO

STAGES = {"cold_start": COLD_START, "timerpo": TIMERPO}
# The kind of each input of a training.
INPUTS = {"policy": "checkpoint", "series": "series", "traces": "traces"}
KEY_LENGTH = 20
MEND = f"bring the whole folder of a finished training: {JOB}, {METRICS} and {CHECKPOINT}"


class AdoptionConfig(Config):
    """The folder of a training that ran elsewhere."""

    folder: str = Field(min_length=1, description=f"Folder with its {JOB}, {METRICS} and {CHECKPOINT}.")
    drifted: bool = Field(
        False, description="Take it although this code draws, prompts or parses unlike the code that trained it."
    )


@dataclass(frozen=True)
class FinishedTraining:
    """A training as its folder tells it, checked. record: `job.json` as it stands; manifest: empty where none is."""

    folder: Path
    checkpoint: Path
    job: TrainingJob
    record: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def stage(self) -> Stage:
        return STAGES[self.job.method]

    @property
    def recipe(self) -> Mapping[str, Any]:
        return self.record["recipe"]

    @property
    def origin(self) -> dict[str, Any]:
        """The commit and the machine that trained, as far as they are known."""
        known = {name: self.manifest[name] for name in ("commit", "machine") if name in self.manifest}
        machine = {"threads": read_card(self.checkpoint).get("threads", 0)}
        return {"commit": self.job.commit or "unknown", "machine": machine, **known}


def read_training(config: AdoptionConfig) -> FinishedTraining:
    """Read and check the folder of a training.

    Raises FileNotFoundError naming what is missing, ValueError naming what is damaged, unfinished, contradicts another
    file, or has drifted from this code.
    """
    folder = Path(config.folder).resolve()
    job, record = _read_job(folder)
    checkpoint, manifest = _find_checkpoint(folder, record["recipe"])
    training = FinishedTraining(folder, checkpoint, job, record, manifest)
    _require_own_checkpoint(training)
    _require_finished(training)
    if not config.drifted:
        _require_today(training)
    return training


def find_inputs(store: ArtifactStore, training: FinishedTraining) -> dict[str, Artifact]:
    """The inputs that this store holds too, by role: made here anew, or brought along."""
    wanted = {(INPUTS[role], digest): role for role, digest in training.recipe["inputs"].items()}
    return {
        wanted[artifact.kind, artifact.digest]: artifact
        for artifact in store.all()
        if (artifact.kind, artifact.digest) in wanted
    }


def file_training(
    store: ArtifactStore, training: FinishedTraining, inputs: Mapping[str, Artifact], observer: Observer = SILENT
) -> Artifact:
    """The checkpoint as an artifact under the recipe that it was trained by; the observer hears of every step.

    An input that is not among `inputs` is known by its digest alone. Raises ValueError when the store holds other
    weights of this recipe.
    """
    references = {
        role: inputs[role].reference if role in inputs else Reference(INPUTS[role], "", digest)
        for role, digest in training.recipe["inputs"].items()
    }
    recipe = RecordedRecipe(training.stage, references, training.recipe)

    def write(target: Path) -> Mapping[str, int]:
        for path in _content(training.checkpoint):
            copy = target / path.relative_to(training.checkpoint)
            copy.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(path, copy)
        _tell(training, observer)
        return {"steps": training.job.config.steps}

    artifact = store.produce(recipe, write, volatile=lambda: _volatile(training), origin=training.origin)
    files = {
        path.relative_to(training.checkpoint).as_posix(): file_digest(path) for path in _content(training.checkpoint)
    }
    if artifact.digest != content_digest(files):
        raise ValueError(f"{artifact.path} holds other weights of the same training; delete it to take in these")
    return artifact


def _read_job(folder: Path) -> tuple[TrainingJob, Mapping[str, Any]]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder; {MEND}")
    path = folder / JOB
    _require_file(path)
    record = read_object(path)
    try:
        job = TrainingJob.load(path)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} is damaged or of another version of anomseer; {MEND}") from error
    _require_recipe(path, job, record)
    return job, record


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} holds no {path.name}; {MEND}")


def _require_recipe(path: Path, job: TrainingJob, record: Mapping[str, Any]) -> None:
    """The recipe must be that of this job, and the one under which its folder was named."""
    recipe = _object(record.get("recipe"))
    if not recipe:
        raise ValueError(f"{path} has no recipe; train by a stage (anomseer run), whose checkpoints have a lineage")
    settings = _object(recipe.get("config"))
    expected = {
        "stage": STAGES[job.method].name,
        "kind": "checkpoint",
        "config.method": record["config"],
        "config.launch": record["launch"],
    }
    found = {name: recipe.get(name) for name in ("stage", "kind")}
    found |= {f"config.{name}": settings.get(name) for name in ("method", "launch")}
    for name, value in expected.items():
        if found[name] != value:
            raise ValueError(f"{path} contradicts itself: {name} of its recipe is not that of the job; {MEND}")
    digests = _object(recipe.get("inputs"))
    if digests.keys() != INPUTS.keys() or not all(isinstance(digest, str) for digest in digests.values()):
        raise ValueError(f"{path}: its recipe names the inputs {', '.join(digests)}, not {', '.join(INPUTS)}; {MEND}")
    if job.folder.name != f"{job.method}-{digest_json(recipe)[:KEY_LENGTH]}":
        raise ValueError(f"{path} was changed: its recipe is not the one that named {job.folder.name}; {MEND}")


def _object(value: Any) -> Mapping[str, Any]:
    """A JSON object, empty where there is another value."""
    return value if isinstance(value, dict) else {}


def _find_checkpoint(folder: Path, recipe: Mapping[str, Any]) -> tuple[Path, Mapping[str, Any]]:
    """The folder of the weights, and the manifest where it is a published artifact."""
    key = digest_json(recipe)
    places = (folder / CHECKPOINT, folder.parent.parent / "artifacts" / "checkpoint" / key[:KEY_LENGTH])
    place = next((path for path in places if path.is_dir()), None)
    if place is None:
        raise FileNotFoundError(f"{folder} holds no {CHECKPOINT}; {MEND}")
    if not (place / MANIFEST).is_file():
        return place, {}
    try:
        artifact = ArtifactStore(folder).open(place)
    except DamagedArtifact as error:
        raise ValueError(f"{str(error).rpartition(';')[0]}; copy the checkpoint again") from error
    if artifact.manifest["recipe"] != recipe:
        raise ValueError(f"{place / MANIFEST} and {folder / JOB} tell of different trainings; {MEND}")
    return place, artifact.manifest


def _require_own_checkpoint(training: FinishedTraining) -> None:
    """The checkpoint must be whole, the one of its card, and trained by this very job."""
    require_weights(training.checkpoint)
    _require_file(training.checkpoint / CARD)
    card = read_card(training.checkpoint)
    require_carded(training.checkpoint, card)
    for name, value in (("stage", training.job.method), ("config", training.record["config"])):
        if card.get(name) != value:
            raise ValueError(f"{training.checkpoint / CARD} and {training.folder / JOB} differ in {name}; {MEND}")


def _require_finished(training: FinishedTraining) -> None:
    path = training.folder / METRICS
    _require_file(path)
    steps = {record["step"] for record in _records(path)}
    missing = set(range(1, training.job.config.steps + 1)) - steps
    if missing:
        raise ValueError(f"{path} has no step {min(missing)} of {training.job.config.steps}; {MEND}")
    for _ in _records(training.folder / COMPLETIONS):
        pass


def _require_today(training: FinishedTraining) -> None:
    names = drifted(read_card(training.checkpoint))
    if names:
        raise ValueError(
            f"{training.checkpoint}: the {' and the '.join(names)} changed since it was trained, so its answers may be "
            "worse; take the code that trained it, or adopt it with --drifted"
        )


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file of steps; none where there is no file."""
    if not path.exists():
        return
    name, fits = FIELDS[path.name]
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not (isinstance(record, dict) and isinstance(record.get("step"), int) and fits(record.get(name))):
            raise ValueError(f"{path}, line {number} is not the record of a step; {MEND}")
        yield record


def _are_metrics(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(number, int | float) for number in value.values())


def _are_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


# What a line of each file holds besides its step.
FIELDS = {METRICS: ("metrics", _are_metrics), COMPLETIONS: ("rows", _are_rows)}


def _content(checkpoint: Path) -> list[Path]:
    about = (checkpoint / MANIFEST, checkpoint / VOLATILE)
    return sorted(path for path in checkpoint.rglob("*") if path.is_file() and path not in about)


def _tell(training: FinishedTraining, observer: Observer) -> None:
    for record in _records(training.folder / METRICS):
        observer.metrics(record["step"], record["metrics"])
    for record in _records(training.folder / COMPLETIONS):
        observer.completions(record["step"], record["rows"])


def _volatile(training: FinishedTraining) -> dict[str, Any]:
    seconds = sum(item["metrics"].get("step_time", 0.0) for item in _records(training.folder / METRICS))
    drift = drifted(read_card(training.checkpoint))
    return {"wall_seconds": round(seconds, 3), "host": "elsewhere", "adopted_by": commit(), "drifted": drift}
