import json
import shutil
from pathlib import Path

import pytest

from anomseer_core.settings import load_settings
from anomseer_core.store import MANIFEST, ArtifactStore, DamagedArtifact, commit
from tasks import tags
from tasks.connection import Tracking
from tasks.lineage import BrokenLineage, Step, trace_lineage
from tasks.stages import StageResult
from tests.tasks.test_tracking import parent_of
from tests.tasks.toy_stages import chain


@pytest.fixture
def made(tracking: Tracking) -> tuple[StageResult, StageResult, StageResult]:
    return chain(parent_of(tracking))


def trace(tracking: Tracking, run_id: str) -> Step:
    return trace_lineage(tracking, ArtifactStore(load_settings().home), run_id)


def test_from_the_answers_back_to_seed_and_commit(tracking: Tracking, made):
    series, policy, answers = made
    step = trace(tracking, answers.run_id)
    assert (step.name, step.facts["digest"], step.facts["run"]) == ("toy-answers", answers.digest, answers.run_id)
    assert [(item.role, item.name, item.facts["digest"]) for item in step.inputs] == [
        ("policy", "toy-policy", policy.digest),
        ("series", "toy-series", series.digest),
    ]
    (origin,) = step.inputs[0].inputs
    assert (origin.name, origin.facts["seed"], origin.facts["run"]) == ("toy-series", "7", series.run_id)
    assert origin.facts["commit"] == commit()
    assert step.inputs[1].seen_above
    assert len(list(step.artifacts())) == 3


def test_a_flow_run_shows_its_results(tracking: Tracking, made):
    parent = tracking.client.get_run(made[0].run_id).data.tags[tags.PARENT]
    step = trace(tracking, parent)
    assert (step.facts["configuration"], step.facts["commit"]) == ("tiny", "abc")
    assert [item.name for item in step.inputs] == ["toy-answers"]


def test_a_reused_stage_leads_to_the_same_beginning(tracking: Tracking, made):
    again = chain(parent_of(tracking, "flow-2"))[2]
    step = trace(tracking, again.run_id)
    assert step.facts["run"] == made[2].run_id
    assert step.inputs[0].inputs[0].facts["run"] == made[0].run_id


def test_an_artifact_made_again_after_its_folder_was_deleted_is_the_same(tracking: Tracking, made):
    for result in made:
        shutil.rmtree(result.path)
    chain(parent_of(tracking, "flow-2"))
    assert len(list(trace(tracking, made[2].run_id).artifacts())) == 3


@pytest.mark.parametrize(
    ("place", "name"), [(0, "series.parquet"), (1, "model.safetensors"), (2, "predictions.parquet")]
)
def test_a_damaged_file_anywhere_on_the_way_is_named(tracking: Tracking, made, place: int, name: str):
    with (Path(made[place].path) / name).open("a") as file:
        file.write(" ")
    with pytest.raises(DamagedArtifact, match=f"{made[place].path}: {name} was changed"):
        trace(tracking, made[2].run_id)


def test_a_missing_artifact_is_named(tracking: Tracking, made):
    shutil.rmtree(made[0].path)
    with pytest.raises(FileNotFoundError, match=made[0].path):
        trace(tracking, made[2].run_id)


@pytest.mark.parametrize("tag", [tags.DIGEST, tags.COMMIT, tags.KIND])
@pytest.mark.parametrize("place", [1, 2])
def test_a_tampered_tag_contradicts_the_manifest(tracking: Tracking, made, tag: str, place: int):
    tracking.client.set_tag(made[place].run_id, tag, "series" if tag == tags.KIND else "0" * 64)
    with pytest.raises((BrokenLineage, FileNotFoundError)) as refusal:
        trace(tracking, made[2].run_id)
    assert "\n" not in str(refusal.value)


def test_a_tampered_digest_names_run_and_artifact(tracking: Tracking, made):
    answers = made[2]
    tracking.client.set_tag(answers.run_id, tags.DIGEST, "0" * 64)
    with pytest.raises(BrokenLineage, match=rf"{tags.DIGEST} of run {answers.run_id} is 0000.*{answers.path}"):
        trace(tracking, answers.run_id)


def test_a_tampered_model_contradicts_the_manifest(tracking: Tracking, made):
    (model,) = tracking.client.search_logged_models([tracking.experiment_id])
    tracking.client.set_logged_model_tags(model.model_id, {tags.DIGEST: "0" * 64})
    with pytest.raises(BrokenLineage, match=f"inputs of run {made[2].run_id}"):
        trace(tracking, made[2].run_id)


def test_a_manifest_whose_commit_was_changed_contradicts_mlflow(tracking: Tracking, made):
    path = Path(made[0].path) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | {"commit": "f" * 40}))
    with pytest.raises(BrokenLineage, match=f"{tags.COMMIT} of run {made[0].run_id}"):
        trace(tracking, made[2].run_id)


def test_a_manifest_whose_recipe_was_changed_is_damaged(tracking: Tracking, made):
    path = Path(made[0].path) / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["recipe"]["config"]["seed"] = 8
    path.write_text(json.dumps(manifest))
    with pytest.raises(DamagedArtifact, match="its manifest was changed"):
        trace(tracking, made[2].run_id)


def test_a_killed_flow_run_says_so(tracking: Tracking, made):
    parent = tracking.client.get_run(made[0].run_id).data.tags[tags.PARENT]
    tracking.client.set_tag(parent, tags.ERROR, "its process ended without a word")
    tracking.client.set_terminated(parent, "KILLED")
    step = trace(tracking, parent)
    assert step.facts["ending"].startswith("this run was killed (its process ended without a word)")
    assert len(list(step.artifacts())) == 3
    empty = parent_of(tracking, "flow-2")
    tracking.client.set_terminated(empty, "KILLED")
    with pytest.raises(BrokenLineage, match=f"run {empty} was killed and recorded no artifact"):
        trace(tracking, empty)


def test_unknown_and_unfinished_runs_are_refused(tracking: Tracking):
    with pytest.raises(BrokenLineage, match="has no run 123"):
        trace(tracking, "123")
    parent = parent_of(tracking)
    with pytest.raises(BrokenLineage, match="recorded no artifact"):
        trace(tracking, parent)
