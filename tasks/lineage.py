"""From any recorded number back to the generator's seed and the commit, every step checked on the way.

Two witnesses tell the chain: MLflow (tags, dataset and model links) and the manifests of the artifacts. A step counts
only when both say the same and the files still have the content that they had.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow.entities import DatasetInput, Run
from mlflow.exceptions import MlflowException

from anomseer_core.recipe import Reference
from anomseer_core.store import Artifact, ArtifactStore
from tasks import tags
from tasks.connection import Tracking
from tasks.recording import DATASET_DIGEST_LENGTH, OUTPUT, find_record

SHOWN_DIGEST = 12
# Fields of a stage's configuration that say where its data began.
ORIGINS = ("benchmark", "split", "tasks", "count", "seed", "folder", "source", "preset")


class BrokenLineage(ValueError):
    """The chain cannot be followed, or its two witnesses contradict each other."""


@dataclass(frozen=True)
class Step:
    """One artifact of the chain, or the flow run above several.

    role: what it is to the step above; inputs: the steps it was made from, empty where `seen_above`.
    """

    name: str
    role: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple["Step", ...] = ()
    seen_above: bool = False

    def artifacts(self) -> Iterator["Step"]:
        """Every different artifact below, and this one."""
        if "digest" in self.facts and not self.seen_above:
            yield self
        for step in self.inputs:
            yield from step.artifacts()


def trace_lineage(tracking: Tracking, store: ArtifactStore, run_id: str) -> Step:
    """The verified chain behind an MLflow run: a stage's own, or all results of a flow run.

    Raises BrokenLineage, DamagedArtifact or FileNotFoundError, each naming the place.
    """
    tracer = _Tracer(tracking, store)
    run = tracer.get_run(run_id)
    if tags.KEY in run.data.tags:
        return tracer.follow(run, role="")
    if tags.FLOW_RUN_ID in run.data.tags:
        return tracer.follow_flow_run(run)
    raise BrokenLineage(f"run {run_id} {_ending(run)} and recorded no artifact; name one that finished")


class _Tracer:
    """Walks the chain; remembers what it has verified, since most branches share their beginning."""

    def __init__(self, tracking: Tracking, store: ArtifactStore) -> None:
        self.tracking = tracking
        self.store = store
        self.seen: set[str] = set()

    def get_run(self, run_id: str) -> Run:
        """A run with its links; those that a search returns come without their models."""
        try:
            return self.tracking.client.get_run(run_id)
        except MlflowException as error:
            raise BrokenLineage(f"MLflow at {self.tracking.uri} has no run {run_id}") from error

    def follow_flow_run(self, run: Run) -> Step:
        children = self.tracking.client.search_runs(
            [self.tracking.experiment_id],
            f"tags.`{tags.PARENT}` = '{run.info.run_id}'",
            order_by=["attributes.start_time ASC"],
            max_results=5000,
        )
        finished = [self.get_run(child.info.run_id) for child in children if tags.KEY in child.data.tags]
        if not finished:
            raise BrokenLineage(
                f"flow run {run.info.run_id} {_ending(run)} and recorded no artifact; name one that finished a stage"
            )
        read = {key for child in finished for key, _ in self._inputs_in_mlflow(child)}
        results = [child for child in finished if child.data.tags[tags.KEY] not in read]
        facts = {"configuration": run.data.tags[tags.CONFIGURATION], "commit": run.data.tags[tags.COMMIT]}
        if run.info.status != "FINISHED":
            facts["ending"] = f"this run {_ending(run)}: what follows is what it finished"
        return Step(
            run.info.run_name,
            facts=facts | {"run": run.info.run_id},
            inputs=tuple(self.follow(child, role="") for child in results),
        )

    def follow(self, run: Run, role: str) -> Step:
        """The step of a run that recorded an artifact, and all before it."""
        artifact = self._open(run)
        name = run.data.tags[tags.NAME]
        facts = {"kind": artifact.kind, "digest": artifact.digest}
        if artifact.key in self.seen:
            return Step(name, role, facts, seen_above=True)
        self.seen.add(artifact.key)
        record = self._check(run, artifact)
        inputs = tuple(
            self.follow(self._recorded_run(reference, name), role=place) if reference.key else _absent(place, reference)
            for place, reference in artifact.inputs.items()
        )
        facts |= {"commit": artifact.manifest["commit"], "run": record.info.run_id, **_origin(artifact)}
        return Step(name, role, facts, inputs)

    def _open(self, run: Run) -> Artifact:
        """The artifact a run names, its files verified."""
        about = run.data.tags
        found = self.store.find(about[tags.KIND], about[tags.KEY])
        return found.verify() if found else self.store.open(Path(about[tags.PATH]))

    def _check(self, run: Run, artifact: Artifact) -> Run:
        """Compare both witnesses of one step; returns the run that holds the full record of the artifact as it is."""
        # Making an artifact again after its folder was deleted leaves two records; the later one is of these files.
        latest = find_record(self.tracking, artifact.reference)
        record = self.get_run(latest) if latest else run
        original = run.data.tags.get(tags.ORIGINAL)
        runs = {item.info.run_id: item for item in (run, self.get_run(original) if original else run, record)}
        for witness in runs.values():
            for tag, truth in ((tags.KIND, artifact.kind), (tags.KEY, artifact.key), (tags.DIGEST, artifact.digest)):
                _require_equal(witness, artifact, tag, witness.data.tags.get(tag, ""), truth)
            # By content alone: an input made anew by changed code, with the same content, lets a stage be reused.
            in_manifest = {reference.digest for reference in artifact.inputs.values()}
            in_mlflow = {digest for _, digest in self._inputs_in_mlflow(witness)}
            _require_equal(witness, artifact, "inputs", in_mlflow, in_manifest)
            self._check_model(witness, artifact)
        _require_equal(
            record, artifact, tags.COMMIT, record.data.tags.get(tags.COMMIT, ""), artifact.manifest["commit"]
        )
        digests = {role: reference.digest for role, reference in artifact.inputs.items()}
        if digests != artifact.manifest["recipe"]["inputs"]:
            raise BrokenLineage(f"artifact {artifact.path}: its manifest names other inputs than its recipe")
        return record

    def _recorded_run(self, reference: Reference, reader: str) -> Run:
        """The run that recorded an input."""
        wanted = self.store.find(reference.kind, reference.key)
        if wanted and wanted.digest != reference.digest:
            raise BrokenLineage(
                f"{reader} was made from {reference.kind} {reference.digest[:SHOWN_DIGEST]}, "
                f"but {wanted.path} holds {wanted.digest[:SHOWN_DIGEST]} now"
            )
        run_id = find_record(self.tracking, reference)
        if not run_id:
            raise BrokenLineage(
                f"{reader} was made from {reference.kind} {reference.digest[:SHOWN_DIGEST]}, "
                f"of which MLflow at {self.tracking.uri} has no record"
            )
        return self.get_run(run_id)

    def _inputs_in_mlflow(self, run: Run) -> set[tuple[str, str]]:
        """Key and digest of every dataset and model that MLflow links to a run as an input."""
        datasets = [_dataset_identity(run, item) for item in run.inputs.dataset_inputs]
        models = [self._model_identity(run, item.model_id) for item in run.inputs.model_inputs]
        return {identity for identity in (*datasets, *models) if identity is not None}

    def _check_model(self, run: Run, artifact: Artifact) -> None:
        expected = {artifact.digest} if artifact.kind == "checkpoint" else set()
        linked = {self._model_identity(run, item.model_id)[1] for item in run.outputs.model_outputs}
        _require_equal(run, artifact, "output models", linked, expected)

    def _model_identity(self, run: Run, model_id: str) -> tuple[str, str]:
        try:
            about = self.tracking.client.get_logged_model(model_id).tags
        except MlflowException as error:
            raise BrokenLineage(f"run {run.info.run_id} links to model {model_id}, which MLflow lacks") from error
        return about.get(tags.KEY, ""), about.get(tags.DIGEST, "")


def _absent(role: str, reference: Reference) -> Step:
    """Where a chain leaves this installation: an input of a training that was adopted without it."""
    name = f"{reference.kind} {reference.digest[:SHOWN_DIGEST]}"
    return Step(name, role, {"ending": "made elsewhere and not brought along: its digest alone is known"})


def _ending(run: Run) -> str:
    """How a run ended, with the reason where one is known."""
    words = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "was killed", "RUNNING": "is still running"}
    reason = run.data.tags.get(tags.ERROR, "")
    return words.get(run.info.status, run.info.status) + (f" ({reason})" if reason else "")


def _dataset_identity(run: Run, item: DatasetInput) -> tuple[str, str] | None:
    """None for a run's own output, which MLflow can only list among the inputs."""
    about = {tag.key: tag.value for tag in item.tags}
    if about.get(tags.ROLE) == OUTPUT:
        return None
    digest = about.get(tags.DIGEST, "")
    if item.dataset.digest != digest[:DATASET_DIGEST_LENGTH]:
        raise BrokenLineage(
            f"run {run.info.run_id}: dataset {item.dataset.name} has digest {item.dataset.digest}, its tag {digest}"
        )
    return about.get(tags.KEY, ""), digest


def _require_equal(run: Run, artifact: Artifact, what: str, in_mlflow: Any, in_manifest: Any) -> None:
    if in_mlflow != in_manifest:
        raise BrokenLineage(
            f"MLflow and the manifest contradict each other: {what} of run {run.info.run_id} is "
            f"{_short(in_mlflow)}, of artifact {artifact.path} {_short(in_manifest)}"
        )


def _short(value: Any) -> str:
    if isinstance(value, set):
        return ", ".join(sorted(digest[:SHOWN_DIGEST] for digest in value)) or "nothing"
    return str(value) or "missing"


def _origin(artifact: Artifact) -> dict[str, str]:
    """What an artifact without inputs began with: the seed of a generator, the files of a folder."""
    config = artifact.manifest["recipe"]["config"]
    if artifact.inputs:
        return {"seed": str(config["seed"])} if "seed" in config else {}
    return {name: _text(config[name]) for name in ORIGINS if config.get(name) not in (None, "")}


def _text(value: Any) -> str:
    return str(len(value)) if isinstance(value, list) else str(value)
