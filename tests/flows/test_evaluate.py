"""The evaluation flow without a policy: baselines and a model behind an API, on chosen benchmarks."""

import shutil
from pathlib import Path

import pytest

from anomseer_core.configurations import tiny
from anomseer_core.dialogue import format_response
from anomseer_core.evaluation.scores import SCORES_FILE, read_scores
from anomseer_core.policy.folder import SHIPPED
from anomseer_core.series import AnomalyClass
from anomseer_core.store import ArtifactStore
from flows.evaluate import evaluate
from flows.evaluation_config import choose
from flows.running import write_report
from tasks import tags
from tests.endpoint.completion_server import Reply, completion_server
from tests.policy.conftest import nano_folder

__all__ = ["nano_folder"]

pytestmark = pytest.mark.usefixtures("prefect_api")
FOUND = format_response("A step.", [(100, 151)], AnomalyClass.TREND)


def test_detectors_without_a_policy_are_evaluated_and_shown(home: Path, tracking, tmp_path: Path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    overrides = [
        'anomllm.tasks=["point", "range"]',
        'evaluation.baselines=["always-empty", "threshold"]',
        "endpoint.model=tiny",
        "endpoint.retries=0",
    ]
    with completion_server(lambda _: Reply(FOUND)) as server:
        overrides.append(f"endpoint.base_url={server.url}")
        config = choose(tiny(), "latest", ["endpoint", "threshold"], ["anomllm"], overrides)
        summary = evaluate(config)
        again = evaluate(config)
    assert len(server.asked) == 2
    assert summary.policies == {}
    assert again.scores == summary.scores
    frames = [read_scores(Path(path) / SCORES_FILE) for path in summary.scores]
    names = ["tiny at 127.0.0.1", "always-empty", "threshold"]
    assert [(frame["detector"].iloc[0], len(frame)) for frame in frames] == [(name, 2) for name in names]
    assert frames[0]["predicted_class"].tolist() == ["trend"] * 2

    client = tracking.client
    assert client.get_run(summary.mlflow_run).info.run_name.startswith("evaluate tiny ")
    runs = client.search_runs([tracking.experiment_id], f"tags.`{tags.PARENT}` = '{summary.mlflow_run}'")
    drawn = {
        run.data.tags[tags.NAME]
        for run in runs
        if any(item.path == "pictures/examples.png" for item in client.list_artifacts(run.info.run_id, "pictures"))
    }
    assert drawn == {f"scores of {name} on anomllm-eval" for name in ("tiny at 127.0.0.1", "threshold")}

    report = tmp_path / "results" / "table.md"
    monkeypatch.setattr("sys.argv", ["anomseer", "evaluate", "--detector", "threshold"])
    write_report(summary, report)
    text = report.read_text()
    assert text.startswith("# Results\n\nWritten by `anomseer evaluate --detector threshold`, commit ")
    # Two of eight tasks: the groups that are whole stand beside the paper's, the others are missing.
    range_f1 = 100 * frames[2].loc[frames[2]["task"] == "range", "affiliation_f1"].mean()
    assert f"| threshold | - / 57.6 | - / 25.2 | {range_f1:.1f} / 60.0 | - / 47.6 | - / 47.6 |" in text
    assert "| tiny at 127.0.0.1 |" in text


def test_without_a_checkpoint_the_shipped_policy_is_evaluated(
    home: Path, nano_folder: Path, tmp_path: Path, monkeypatch
):
    """Known by its content: where the package is installed changes no recipe."""
    summaries = []
    for place in ("here", "there"):
        shipped = Path(shutil.copytree(nano_folder, tmp_path / place / SHIPPED.name))
        monkeypatch.setattr("anomseer_core.policy.folder.SHIPPED", shipped)
        overrides = ['anomllm.tasks=["point"]', "evaluation.baselines=[]", "evaluation.decoding.max_response_tokens=8"]
        summaries.append(evaluate(choose(tiny(), "latest", ["policy"], ["anomllm"], overrides)))
    assert summaries[0].scores == summaries[1].scores
    assert summaries[0].policies == summaries[1].policies
    (rows,) = [read_scores(Path(path) / SCORES_FILE) for path in summaries[0].scores]
    assert rows["detector"].tolist() == ["shipped"]
    policy = ArtifactStore(home).open(summaries[0].policies["shipped"])
    assert policy.manifest["recipe"]["config"]["preset"] == "shipped"
