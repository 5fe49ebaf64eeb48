"""End to end: the real flow, DeepSpeed with two ranks, MLflow on SQLite, Prefect's API. No mocks."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from anomseer_core.configurations import tiny
from anomseer_core.evaluation.scores import SCORES_FILE, read_scores
from anomseer_core.pipeline import PipelineConfig
from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from anomseer_core.training.adoption import AdoptionConfig
from flows.adopt import adopt
from flows.evaluate import evaluate
from flows.evaluation_config import evaluation_of, find_checkpoint
from flows.held_out import RunSummary
from flows.lineage_report import print_lineage
from flows.overrides import apply_overrides
from flows.pipeline import pipeline
from tasks import tags
from tasks.connection import Tracking, connect

pytestmark = pytest.mark.usefixtures("prefect_api")
BASELINES = ("whole-series", "isolation-forest")
RANKS = 2
STOP_SECONDS = 40


@dataclass(frozen=True)
class World:
    """The home that the tests of this file share, in their order, and the archive in it."""

    home: Path
    archive: Path

    @property
    def config(self) -> PipelineConfig:
        return apply_overrides(tiny(), self.assignments)

    @property
    def assignments(self) -> list[str]:
        names = ", ".join(f'"{name}"' for name in BASELINES)
        return [f"evaluation.baselines=[{names}]", f"synthesis.archive.folder={self.archive}", f"launch.ranks={RANKS}"]

    @property
    def tracking(self) -> Tracking:
        return connect(load_settings())

    def children(self, parent: str) -> dict[str, bool]:
        """The stages of a flow run by name, and whether each was reused."""
        runs = self.tracking.client.search_runs(
            [self.tracking.experiment_id], f"tags.`{tags.PARENT}` = '{parent}'", max_results=1000
        )
        assert {run.info.status for run in runs} == {"FINISHED"}
        return {run.data.tags[tags.NAME]: run.data.tags[tags.REUSED] == "true" for run in runs}

    def run_id(self, parent: str, name: str) -> str:
        query = f"tags.`{tags.PARENT}` = '{parent}' and tags.`{tags.NAME}` = '{name}'"
        (run,) = self.tracking.client.search_runs([self.tracking.experiment_id], query)
        return run.info.run_id


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("pipeline")
    archive = folder / "archive"
    archive.mkdir()
    for number in range(2):
        spike = range(300 + 50 * number, 310 + 50 * number)
        rows = (f"{5 if row in spike else (row % 25) / 25},{int(row in spike)}" for row in range(600))
        (archive / f"toy_{number}.out").write_text("\n".join(rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANOMSEER_HOME", str(folder / "home"))
        yield World(folder / "home", archive)


@pytest.fixture(scope="module")
def first(world: World) -> RunSummary:
    return pipeline(world.config)


def test_all_stages_finish(world: World, first: RunSummary):
    stages = world.children(first.mlflow_run)
    assert not any(stages.values())
    benchmarks = ("anomllm-eval", "visual_time_anomaly-eval", "archive-eval")
    made = {"anomllm-train", *benchmarks, "expert-traces", "initial-policy", "cold-start", "timerpo"}
    answers = {f"{name} on {data}" for name in ("timerpo", "cold-start", *BASELINES) for data in benchmarks}
    assert set(stages) == made | answers | {f"scores of {name}" for name in answers}
    assert first.skipped == {}


def test_every_held_out_series_has_a_score_of_every_detector(first: RunSummary):
    """8 AnomLLM tasks x 1, 5 VisualTimeAnomaly types x 1, 2 files of the archive."""
    rows = [len(read_scores(Path(path) / SCORES_FILE)) for path in first.scores]
    assert rows == [8] * 4 + [5] * 4 + [2] * 4


def test_the_parent_run_tells_the_whole(world: World, first: RunSummary):
    client = world.tracking.client
    run = client.get_run(first.mlflow_run)
    assert run.info.status == "FINISHED"
    assert run.data.tags[tags.CONFIGURATION] == "tiny"
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", run.data.tags[tags.COMMIT])
    assert run.data.params["training.alpha"] == "0.3"
    expected = {f"{data}/timerpo/affiliation_f1" for data in ("anomllm", "visual_time_anomaly", "archive")}
    assert expected | {"anomllm/whole-series/affiliation_f1"} <= set(run.data.metrics)
    # An oracle-free floor that is known by hand: the whole series covers every anomaly.
    assert 0 < run.data.metrics["visual_time_anomaly/whole-series/affiliation_f1"] <= 1
    files = {item.path for item in client.list_artifacts(first.mlflow_run)}
    assert {"config.json", "summary.json", "summary.md", "report.md", "errors.json", "pictures"} <= files


def test_training_leaves_metrics_completions_curves_and_a_model(world: World, first: RunSummary):
    client = world.tracking.client
    run = client.get_run(world.run_id(first.mlflow_run, "timerpo"))
    history = client.get_metric_history(run.info.run_id, "reward")
    assert [point.step for point in history] == [1, 2]
    assert {item.path for item in client.list_artifacts(run.info.run_id, "pictures")} == {
        "pictures/learning-curves.png"
    }
    assert [item.path for item in client.list_artifacts(run.info.run_id, "completions")] == ["completions/0000.json"]
    assert {item.dataset.name for item in run.inputs.dataset_inputs} == {"anomllm-train", "expert-traces"}
    before, after = run.inputs.model_inputs[0], run.outputs.model_outputs[0]
    assert client.get_logged_model(before.model_id).name == "cold-start"
    model = client.get_logged_model(after.model_id)
    assert (model.name, model.status, model.tags[tags.PATH]) == ("timerpo", "READY", first.policies["timerpo"])


def test_prefect_shows_the_flow_run_and_its_summary(world: World, first: RunSummary):
    with get_client(sync_client=True) as client:
        about = world.tracking.client.get_run(first.mlflow_run).data.tags
        flow_run = client.read_flow_run(about[tags.FLOW_RUN_ID])
        assert flow_run.state.is_completed()
        assert about[tags.FLOW_RUN_URL].endswith(str(flow_run.id))
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["summary"])))
    (summary,) = [item for item in found if item.flow_run_id == flow_run.id]
    assert "timerpo" in summary.data
    assert "| whole-series |" in summary.data


def test_lineage_leads_from_the_evaluation_to_seed_and_commit(
    world: World, first: RunSummary, capsys: pytest.CaptureFixture[str]
):
    print_lineage(load_settings(), world.run_id(first.mlflow_run, "scores of timerpo on anomllm-eval"))
    tree = capsys.readouterr().out
    beginning = world.tracking.client.get_run(world.run_id(first.mlflow_run, "anomllm-train"))
    for text in ("policy: timerpo", "policy: cold-start", "traces: expert-traces", "seed 42"):
        assert text in tree
    assert f"seed 3407  commit {beginning.data.tags[tags.COMMIT]}" in tree
    assert "8 artifacts verified" in tree


def test_a_second_run_reuses_everything(world: World, first: RunSummary):
    second = pipeline(world.config)
    stages = world.children(second.mlflow_run)
    assert all(stages.values())
    assert second.scores == first.scores
    assert second.mlflow_run != first.mlflow_run


def test_the_latest_checkpoint_is_evaluated_from_what_is_there(world: World, first: RunSummary):
    """The same series and decoding as in the pipeline: every answer is found again."""
    config = evaluation_of(world.config).model_copy(update={"checkpoint": first.policies["timerpo"]})
    summary = evaluate(config)
    assert all(world.children(summary.mlflow_run).values())
    assert summary.policies == first.policies
    latest = find_checkpoint(ArtifactStore(world.home), "latest")
    assert latest.manifest["stage"] == "timerpo"


def test_a_checkpoint_folder_from_elsewhere_is_taken_in_and_evaluated(world: World, first: RunSummary, tmp_path: Path):
    folder = tmp_path / "foreign"
    shutil.copytree(first.policies["timerpo"], folder, ignore=shutil.ignore_patterns("manifest.json", "volatile.json"))
    changes = {"checkpoint": str(folder), "benchmarks": ("archive",)}
    summary = evaluate(evaluation_of(world.config).model_copy(update=changes))
    stages = world.children(summary.mlflow_run)
    answers = [f"{name} on archive-eval" for name in ("foreign", *BASELINES)]
    assert set(stages) == {"adopted-policy", "archive-eval", *answers, *(f"scores of {name}" for name in answers)}
    assert {name for name, reused in stages.items() if not reused} >= {"adopted-policy", "foreign on archive-eval"}
    rows = [read_scores(Path(path) / SCORES_FILE) for path in (summary.scores[0], first.scores[-4])]
    assert rows[0].drop(columns="detector").equals(rows[1].drop(columns="detector"))


def test_a_training_of_another_home_is_adopted_with_its_lineage(
    world: World, first: RunSummary, home: Path, capsys: pytest.CaptureFixture[str]
):
    """`home` is a new installation; it has nothing of the pipeline's, and reads its folders alone."""
    (folder,) = world.home.glob("runs/timerpo-*")
    summary = adopt(AdoptionConfig(folder=str(folder)))
    adopted, trained = (
        ArtifactStore(home).open(summary.checkpoint),
        ArtifactStore(world.home).open(first.policies["timerpo"]),
    )
    for name in ("key", "recipe", "digest", "files", "rows", "commit", "machine", "stage"):
        assert adopted.manifest[name] == trained.manifest[name]
    print_lineage(load_settings(), summary.mlflow_run)
    assert capsys.readouterr().out.count("made elsewhere and not brought along") == 3


def start_training(world: World, alpha: float) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """`anomseer run` in a process of its own, up to the point where both ranks of TimerPO are alive."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = [sys.executable, "-c", "from flows.cli import main; main()", "run", "--config", "tiny"]
    for assignment in [*world.assignments, f"training.alpha={alpha}"]:
        command += ["--set", assignment]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        ranks = [child for child in family if _is_rank(child)]
        if len(ranks) >= RANKS:
            return process, family
        time.sleep(0.2)
    process.kill()
    raise AssertionError(f"training did not start:\n{process.communicate()[1]}")


def _is_rank(process: psutil.Process) -> bool:
    try:
        return "anomseer_core.training.rank" in process.cmdline() and "--local_rank" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("number", "status"),
    [
        pytest.param(signal.SIGINT, 130, id="interrupt", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, 143, id="terminate", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, -9, id="kill"),
    ],
)
def test_a_stopped_run_leaves_no_process_and_says_so(world: World, first: RunSummary, number: int, status: int):
    process, family = start_training(world, alpha=0.0)
    process.send_signal(number)
    _, output = process.communicate(timeout=STOP_SECONDS)
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    assert alive == []
    assert process.returncode == status
    assert "Traceback" not in output

    tracking = world.tracking
    newest = tracking.client.search_runs([tracking.experiment_id], order_by=["attributes.start_time DESC"])
    stopped = next(run for run in newest if tags.FLOW_RUN_ID in run.data.tags)
    expected = "RUNNING" if number == signal.SIGKILL else "KILLED"
    assert stopped.info.status == expected
    assert newest[0].data.tags[tags.NAME] == "timerpo"
    assert newest[0].info.status == expected


def test_the_form_recomputes_what_a_field_changes_and_goes_on_after_a_kill(world: World, first: RunSummary):
    """After the test above, whose last run was killed outright while training with this alpha.

    The parameters are as the form sends them, plain JSON; the archive is left out.
    """
    form = world.config.model_dump(mode="json")
    form["training"]["alpha"] = 0.0
    form["synthesis"]["archive"]["folder"] = ""
    summary = pipeline(config=form)
    assert summary.skipped == {"archive": "no folder of real series is given (archive.folder)"}
    recomputed = {name for name, reused in world.children(summary.mlflow_run).items() if not reused}
    answers = {f"timerpo on {name}" for name in ("anomllm-eval", "visual_time_anomaly-eval")}
    # Two small policies may well answer alike; scores of equal answers are reused.
    assert {"timerpo"} | answers <= recomputed <= {"timerpo"} | answers | {f"scores of {name}" for name in answers}
    tracking = world.tracking
    assert tracking.client.search_runs([tracking.experiment_id], "attributes.status = 'RUNNING'") == []
    losses = tracking.client.get_metric_history(world.run_id(summary.mlflow_run, "timerpo"), "loss")
    assert [point.step for point in losses] == list(range(1, world.config.training.steps + 1))
