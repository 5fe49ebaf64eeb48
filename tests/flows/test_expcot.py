"""The expert's flow: real stages, MLflow on SQLite, Prefect's API."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from anomseer_core.configurations import paper, tiny
from anomseer_core.settings import load_settings
from flows.expcot import ExpCoTSummary, expcot
from flows.expcot_config import ExpCoTRunConfig, explanation_of
from flows.overrides import apply_overrides
from flows.running import print_traces
from tasks import tags
from tasks.connection import Tracking, connect
from tasks.gallery import tell_places

pytestmark = pytest.mark.usefixtures("prefect_api")


@dataclass(frozen=True)
class World:
    """The home that the tests of this file share."""

    home: Path

    @property
    def config(self) -> ExpCoTRunConfig:
        chosen = ['anomllm.tasks=["range", "freq"]', "gallery.per_class=1", 'benchmarks=["anomllm", "archive"]']
        return apply_overrides(explanation_of(tiny()), chosen)

    @property
    def tracking(self) -> Tracking:
        return connect(load_settings())

    def children(self, parent: str) -> dict[str, bool]:
        runs = self.tracking.client.search_runs([self.tracking.experiment_id], f"tags.`{tags.PARENT}` = '{parent}'")
        assert {run.info.status for run in runs} == {"FINISHED"}
        return {run.data.tags[tags.NAME]: run.data.tags[tags.REUSED] == "true" for run in runs}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("expcot") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANOMSEER_HOME", str(home))
        yield World(home)


@pytest.fixture(scope="module")
def first(world: World) -> ExpCoTSummary:
    return expcot(world.config)


def test_series_are_traced_and_told(world: World, first: ExpCoTSummary):
    stages = world.children(first.mlflow_run)
    assert stages
    assert not any(stages.values())
    (corpus,) = first.statistics
    assert (corpus.name, corpus.total.traces, corpus.total.verified_rate) == ("anomllm-train", 8, 1.0)
    assert first.skipped == {"archive": "no folder of real series is given (archive.folder)"}
    assert Path(first.traces["anomllm-train"], "traces.parquet").is_file()


def test_mlflow_holds_the_numbers_the_table_and_the_gallery(world: World, first: ExpCoTSummary):
    client = world.tracking.client
    run = client.get_run(first.mlflow_run)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["anomllm-train/verified_rate"] == 1
    assert run.data.metrics["anomllm-train/words_mean"] == first.statistics[0].total.words_mean
    assert len(run.data.metrics) < 10
    files = {item.path for item in client.list_artifacts(first.mlflow_run)}
    assert {"config.json", "statistics.json", "statistics.md", "gallery"} <= files
    page = client.download_artifacts(first.mlflow_run, "gallery/gallery.html")
    assert Path(page).read_bytes() == Path(first.page).read_bytes()
    # One example of each class that occurs.
    pictures = client.list_artifacts(first.mlflow_run, "gallery/pictures")
    assert len(pictures) == len(first.statistics[0].by_class)
    table = json.loads(Path(client.download_artifacts(first.mlflow_run, "statistics.json")).read_text())
    assert len(table["data"]) == len(pictures) + 1


def test_prefect_tells_the_statistics_and_where_the_page_is(world: World, first: ExpCoTSummary):
    flow_run = world.tracking.client.get_run(first.mlflow_run).data.tags[tags.FLOW_RUN_ID]
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["expert-traces"])))
    (told,) = [item for item in found if str(item.flow_run_id) == flow_run]
    assert "### anomllm-train" in told.data
    assert first.page in told.data


def test_a_blind_run_reuses_the_series_and_tells_the_agreement(world: World, first: ExpCoTSummary):
    second = expcot(apply_overrides(world.config, ["expcot.blind=true"]))
    reused = world.children(second.mlflow_run)
    assert reused.pop("anomllm-train")
    assert list(reused.values()) == [False]
    (corpus,) = second.statistics
    assert corpus.blind
    assert 0 <= corpus.total.class_agreement <= 1
    assert "anomllm-train/affiliation_f1" in world.tracking.client.get_run(second.mlflow_run).data.metrics


def test_the_terminal_tells_the_table_and_the_page(
    world: World, first: ExpCoTSummary, capsys: pytest.CaptureFixture[str]
):
    print_traces(load_settings(), first)
    told = capsys.readouterr().out
    assert "Verified" in told
    assert f"Gallery              {first.page}\n" in told
    assert "archive: skipped" in told


def test_a_server_s_page_is_linked(world: World):
    tracking = Tracking(world.tracking.client, "http://127.0.0.1:5000", "7")
    told = tell_places(tracking, "abc", Path("/home/page.html"))
    assert "](http://127.0.0.1:5000/#/experiments/7/runs/abc/artifacts/gallery/gallery.html)" in told
    assert "`/home/page.html`" in told


def test_the_expert_explains_the_training_series_of_a_configuration():
    chosen = explanation_of(paper())
    assert chosen.anomllm == paper().synthesis.train
    assert chosen.visual_time_anomaly == paper().synthesis.visual_time_anomaly
    assert chosen.expcot == paper().expcot
