"""What an artifact leaves in MLflow: tags on its run, its files, a dataset or a LoggedModel, links to its inputs.

The manifest is always uploaded, content files up to the upload limit; larger ones stay where they are and a tag
links to them. Datasets carry our content digest: MLflow's own ignores list columns and rows past 10,000.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from matplotlib.figure import Figure
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModel,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    RunTag,
)
from PIL import Image

from anomseer_core.recipe import Reference
from anomseer_core.reports.figures import write_png
from anomseer_core.settings import UPLOAD_LIMIT_BYTES
from anomseer_core.store import MANIFEST, Artifact
from tasks import tags
from tasks.connection import Tracking
from tasks.tracking import log_config

ARTIFACT_FOLDER = "artifact"
PICTURE_FOLDER = "pictures"
# MLflow refuses longer dataset digests; the tag beside it holds all of it.
DATASET_DIGEST_LENGTH = 36
OUTPUT = "output"


def record_inputs(tracking: Tracking, run_id: str, inputs: Mapping[str, tuple[str, Artifact]]) -> None:
    """Link a run to what its stage reads. `inputs` maps a role to the name and the artifact."""
    datasets = [_dataset(name, item, role) for role, (name, item) in inputs.items() if item.kind != "checkpoint"]
    models = [
        LoggedModelInput(find_or_log_model(tracking, run_id, name, item).model_id)
        for name, item in inputs.values()
        if item.kind == "checkpoint"
    ]
    if datasets or models:
        tracking.client.log_inputs(run_id, datasets=datasets, models=models)


def record_output(tracking: Tracking, run_id: str, name: str, artifact: Artifact) -> None:
    """Record the artifact a stage made or found again. A reused one links to the run that holds its full record."""
    original = find_record(tracking, artifact) if artifact.reused else ""
    about = describe(artifact) | {tags.REUSED: str(artifact.reused).lower()}
    if original:
        note = f"Reused: nothing had changed. The full record is run `{original}`."
        about |= {tags.ORIGINAL: original, tags.NOTE: note}
    tracking.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in about.items()])
    log_config(tracking.client, run_id, artifact.manifest["recipe"]["config"])
    tracking.client.log_artifact(run_id, str(artifact.file(MANIFEST)), ARTIFACT_FOLDER)
    if artifact.kind == "checkpoint":
        model = find_or_log_model(tracking, run_id, name, artifact)
        tracking.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    elif not original:
        _upload(tracking, run_id, artifact)
    absent = [_absent_dataset(role, item) for role, item in artifact.inputs.items() if not item.key]
    if absent:
        tracking.client.log_inputs(run_id, datasets=absent)
    if artifact.kind in ("series", "traces"):
        tracking.client.log_inputs(run_id, datasets=[_dataset(name, artifact, OUTPUT)])
    if not original:
        tracking.client.set_tag(run_id, tags.RECORDED, "true")


def record_pictures(tracking: Tracking, run_id: str, pictures: Mapping[str, Figure | Image.Image]) -> None:
    """Put pictures under their file names into a run."""
    with tempfile.TemporaryDirectory() as folder:
        for name, picture in pictures.items():
            tracking.client.log_artifact(run_id, str(write_png(picture, Path(folder) / name)), PICTURE_FOLDER)


def describe(artifact: Artifact) -> dict[str, str]:
    """The tags by which an artifact is known in MLflow."""
    return {
        tags.STAGE: artifact.manifest["stage"],
        tags.KIND: artifact.kind,
        tags.KEY: artifact.key,
        tags.DIGEST: artifact.digest,
        tags.PATH: str(artifact.path),
        tags.COMMIT: artifact.manifest["commit"],
    }


def find_record(tracking: Tracking, artifact: Artifact | Reference) -> str:
    """The id of the latest run that holds the full record of this very artifact; empty when there is none."""
    found = tracking.client.search_runs(
        [tracking.experiment_id],
        f"tags.`{tags.KEY}` = '{artifact.key}' and tags.`{tags.DIGEST}` = '{artifact.digest}'"
        f" and tags.`{tags.RECORDED}` = 'true'",
        order_by=["attributes.start_time DESC"],
        max_results=1,
    )
    return found[0].info.run_id if found else ""


def recorded_name(tracking: Tracking, artifact: Artifact) -> str:
    """What an artifact is called in MLflow; empty where no run recorded it."""
    record = find_record(tracking, artifact)
    return tracking.client.get_run(record).data.tags[tags.NAME] if record else ""


def find_model(tracking: Tracking, key: str, digest: str) -> LoggedModel | None:
    """The finished LoggedModel of a checkpoint artifact."""
    found = tracking.client.search_logged_models(
        [tracking.experiment_id], f"tags.`{tags.KEY}` = '{key}' and tags.`{tags.DIGEST}` = '{digest}'"
    )
    return next((model for model in found if model.status == LoggedModelStatus.READY), None)


def find_or_log_model(tracking: Tracking, run_id: str, name: str, artifact: Artifact) -> LoggedModel:
    """The LoggedModel of a checkpoint; where this MLflow does not know it yet, `run_id` becomes its source."""
    found = find_model(tracking, artifact.key, artifact.digest)
    if found:
        return found
    client = tracking.client
    large = _linked_files(artifact)
    model = client.create_logged_model(
        tracking.experiment_id, name=name, source_run_id=run_id, tags=describe(artifact) | large, model_type="policy"
    )
    for file in (MANIFEST, *_small_files(artifact)):
        client.log_model_artifact(model.model_id, str(artifact.file(file)), _folder(file) or None)
    return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)


def _upload(tracking: Tracking, run_id: str, artifact: Artifact) -> None:
    for file in _small_files(artifact):
        folder = PurePosixPath(ARTIFACT_FOLDER, _folder(file))
        tracking.client.log_artifact(run_id, str(artifact.file(file)), str(folder))
    links = [RunTag(key, value) for key, value in _linked_files(artifact).items()]
    if links:
        tracking.client.log_batch(run_id, tags=links)


def _dataset(name: str, artifact: Artifact, role: str) -> DatasetInput:
    dataset = Dataset(
        name=name,
        digest=artifact.digest[:DATASET_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": Path(artifact.path).as_uri()}),
        profile=json.dumps({"kind": artifact.kind, "rows": dict(artifact.rows)}),
    )
    about = {"mlflow.data.context": role, tags.ROLE: role, **describe(artifact)}
    return DatasetInput(dataset, [InputTag(key, value) for key, value in about.items()])


def _absent_dataset(role: str, reference: Reference) -> DatasetInput:
    """An input of an artifact from elsewhere, of which its digest alone is known."""
    about = {"mlflow.data.context": role, tags.ROLE: role, tags.KIND: reference.kind, tags.DIGEST: reference.digest}
    dataset = Dataset(
        name=f"{role} from elsewhere", digest=reference.digest[:DATASET_DIGEST_LENGTH], source_type="local", source="{}"
    )
    return DatasetInput(dataset, [InputTag(key, value) for key, value in about.items()])


def _small_files(artifact: Artifact) -> list[str]:
    return [name for name in sorted(artifact.manifest["files"]) if _size(artifact, name) <= UPLOAD_LIMIT_BYTES]


def _linked_files(artifact: Artifact) -> dict[str, str]:
    large = set(artifact.manifest["files"]) - set(_small_files(artifact))
    return {tags.LINKED_FILE + name: artifact.file(name).as_uri() for name in sorted(large)}


def _size(artifact: Artifact, name: str) -> int:
    return artifact.file(name).stat().st_size


def _folder(name: str) -> str:
    folder = PurePosixPath(name).parent.as_posix()
    return "" if folder == "." else folder
