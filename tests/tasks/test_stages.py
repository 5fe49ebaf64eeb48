import json
from pathlib import Path

import pytest

from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore, DamagedArtifact
from tasks import recording, tags
from tasks.connection import Tracking
from tasks.recording import DATASET_DIGEST_LENGTH
from tasks.stages import closing_line
from tests.tasks.test_tracking import parent_of
from tests.tasks.toy_stages import ToyConfig, chain, draw, train


def stored(kind: str, key: str):
    return ArtifactStore(load_settings().home).find(kind, key)


def files_of(tracking: Tracking, run_id: str, folder: str = "artifact") -> list[str]:
    return sorted(Path(item.path).name for item in tracking.client.list_artifacts(run_id, folder))


def test_a_stage_leaves_its_artifact_and_its_record(tracking: Tracking):
    parent = parent_of(tracking)
    series = draw(parent)
    artifact = stored("series", series.key)
    assert (series.name, series.kind, series.reused) == ("toy-series", "series", False)
    assert (series.path, series.digest) == (str(artifact.path), artifact.digest)

    run = tracking.client.get_run(series.run_id)
    assert run.info.status == "FINISHED"
    expected = {
        tags.PARENT: parent,
        tags.NAME: "toy-series",
        tags.STAGE: "draw",
        tags.KIND: "series",
        tags.KEY: artifact.key,
        tags.DIGEST: artifact.digest,
        tags.PATH: str(artifact.path),
        tags.REUSED: "false",
        tags.RECORDED: "true",
        tags.COMMIT: artifact.manifest["commit"],
    }
    assert expected.items() <= run.data.tags.items()
    assert run.data.params == {"seed": "7", "alpha": "0.3"}
    assert files_of(tracking, series.run_id) == ["manifest.json", "series.parquet"]
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.digest == artifact.digest[:DATASET_DIGEST_LENGTH]
    assert json.loads(dataset.dataset.source) == {"uri": artifact.path.as_uri()}


def test_training_metrics_and_completions_arrive(tracking: Tracking):
    parent = parent_of(tracking)
    policy = train(parent, draw(parent))
    history = tracking.client.get_metric_history(policy.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    table = Path(tracking.client.download_artifacts(policy.run_id, "completions/0000.json")).read_text()
    content = json.loads(table)
    assert content["columns"] == ["step", "series_id", "response", "reward"]
    assert content["data"] == [[step, "a", "<think>", 0.5] for step in range(3)]


def test_a_checkpoint_is_a_model_linked_to_its_maker_and_its_reader(tracking: Tracking):
    _, policy, answers = chain(parent_of(tracking))
    made, read = (tracking.client.get_run(result.run_id) for result in (policy, answers))
    model_id = made.outputs.model_outputs[0].model_id
    assert [item.model_id for item in read.inputs.model_inputs] == [model_id]
    model = tracking.client.get_logged_model(model_id)
    assert (model.status, model.source_run_id, model.tags[tags.DIGEST]) == ("READY", policy.run_id, policy.digest)
    folder = Path(model.artifact_location.removeprefix("file://"))
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == ["manifest.json", "model.safetensors", "nested/tokenizer.json"]


def test_a_reused_stage_links_to_the_original_record(tracking: Tracking):
    first = chain(parent_of(tracking))
    second = chain(parent_of(tracking, "flow-2"))
    for made, found in zip(first, second, strict=True):
        assert (found.reused, found.key, found.digest) == (True, made.key, made.digest)
        about = tracking.client.get_run(found.run_id).data.tags
        assert (about[tags.REUSED], about[tags.ORIGINAL]) == ("true", made.run_id)
        assert tags.RECORDED not in about
    assert len(tracking.client.search_logged_models([tracking.experiment_id])) == 1


def test_changing_a_field_recomputes_what_depends_on_it_alone(tracking: Tracking):
    chain(parent_of(tracking))
    parent = parent_of(tracking, "flow-2")
    series = draw(parent)
    assert series.reused
    assert not train(parent, series, ToyConfig(alpha=0.0)).reused


def test_an_interrupted_record_is_made_good_by_the_next_run(tracking: Tracking):
    """The artifact was published and its run died before the record was whole: the next run records it in full."""
    series = draw(parent_of(tracking))
    tracking.client.delete_tag(series.run_id, tags.RECORDED)
    again = draw(parent_of(tracking, "flow-2"))
    about = tracking.client.get_run(again.run_id).data.tags
    assert (about[tags.REUSED], about[tags.RECORDED]) == ("true", "true")
    assert files_of(tracking, again.run_id) == ["manifest.json", "series.parquet"]


def test_a_large_file_stays_where_it_is_and_is_linked(tracking: Tracking, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recording, "UPLOAD_LIMIT_BYTES", 10)
    parent = parent_of(tracking)
    series = draw(parent)
    policy = train(parent, series)
    assert files_of(tracking, series.run_id) == ["manifest.json"]
    about = tracking.client.get_run(series.run_id).data.tags
    assert about[tags.LINKED_FILE + "series.parquet"] == (Path(series.path) / "series.parquet").as_uri()
    (model,) = tracking.client.search_logged_models([tracking.experiment_id])
    assert model.tags[tags.LINKED_FILE + "model.safetensors"] == (Path(policy.path) / "model.safetensors").as_uri()


def test_a_damaged_input_fails_the_stage_by_name(tracking: Tracking):
    parent = parent_of(tracking)
    series = draw(parent)
    (Path(series.path) / "series.parquet").write_text("changed")
    with pytest.raises(DamagedArtifact, match=r"series.parquet was changed"):
        train(parent, series)
    (failed,) = tracking.client.search_runs([tracking.experiment_id], f"tags.`{tags.NAME}` = 'toy-policy'")
    assert failed.info.status == "FAILED"
    assert "series.parquet was changed" in failed.data.tags[tags.ERROR]


def test_the_closing_line_counts_what_was_made(tracking: Tracking):
    series = draw(parent_of(tracking))
    artifact = stored("series", series.key)
    assert closing_line("toy-series", artifact, 61) == "toy-series: reused, nothing it depends on has changed"
    made = ArtifactStore(load_settings().home).open(artifact.path)
    assert closing_line("toy-series", made, 61.2) == "toy-series: 1 series in 1 min 1 s"
    assert closing_line("toy-series", made, 0.2) == "toy-series: 1 series"
