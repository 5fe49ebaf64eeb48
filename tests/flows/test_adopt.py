"""The adoption flow on a real Prefect API and a real MLflow: what a trained stage leaves, this leaves too."""

import shutil
from pathlib import Path

import pytest

from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from anomseer_core.training.adoption import AdoptionConfig
from flows.adopt import adopt
from flows.cli import main
from flows.evaluation_config import find_checkpoint
from flows.lineage_report import print_lineage
from tasks import tags
from tests.training.finished import COMMIT, leave_training

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return leave_training(tmp_path_factory.mktemp("elsewhere"))


def test_an_adopted_training_is_recorded_as_a_trained_one(home: Path, tracking, trained: Path, capsys):
    summary = adopt(AdoptionConfig(folder=str(trained)))
    client = tracking.client
    parent = client.get_run(summary.mlflow_run)
    assert (parent.info.status, parent.data.tags[tags.CONFIGURATION]) == ("FINISHED", "adopt")
    query = f"tags.`{tags.PARENT}` = '{summary.mlflow_run}'"
    (child,) = client.search_runs([tracking.experiment_id], query)
    run = client.get_run(child.info.run_id)
    assert (run.info.status, run.data.tags[tags.NAME], run.data.tags[tags.COMMIT]) == ("FINISHED", "timerpo", COMMIT)
    assert run.data.params["method.steps"] == "2"
    assert [(item.step, item.value) for item in client.get_metric_history(run.info.run_id, "reward")] == [
        (1, 0.25),
        (2, 0.5),
    ]
    assert [item.path for item in client.list_artifacts(run.info.run_id, "completions")] == ["completions/0000.json"]
    assert [item.path for item in client.list_artifacts(run.info.run_id, "pictures")] == [
        "pictures/learning-curves.png"
    ]
    (output,) = run.outputs.model_outputs
    model = client.get_logged_model(output.model_id)
    assert (model.name, model.status, model.tags[tags.PATH]) == ("timerpo", "READY", summary.checkpoint)
    assert find_checkpoint(ArtifactStore(home), "latest").path == Path(summary.checkpoint)

    print_lineage(load_settings(), summary.mlflow_run)
    told = capsys.readouterr().out
    assert told.count("made elsewhere and not brought along") == 3
    assert "1 artifacts verified" in told

    again = adopt(AdoptionConfig(folder=str(trained)))
    assert again.checkpoint == summary.checkpoint
    print_lineage(load_settings(), again.mlflow_run)


def test_a_refused_folder_is_one_line_and_leaves_no_home(trained: Path, tmp_path: Path, monkeypatch, capsys):
    half = Path(shutil.copytree(trained, tmp_path / "half"))
    (half / "metrics.jsonl").unlink()
    monkeypatch.setenv("ANOMSEER_HOME", str(tmp_path / "absent"))
    with pytest.raises(SystemExit) as end:
        main(["adopt", str(half)])
    output = capsys.readouterr()
    assert (end.value.code, output.out) == (2, "")
    assert output.err.startswith(
        f"anomseer: error: {half} holds no metrics.jsonl; bring the whole folder of a finished"
    )
    assert output.err.count("\n") == 1
    assert not (tmp_path / "absent").exists()
