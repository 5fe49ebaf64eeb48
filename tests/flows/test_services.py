"""`up` and `down` over the real servers: one installation is started, used over both APIs, and stopped."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from mlflow import MlflowClient
from prefect.client.orchestration import SyncPrefectClient

from anomseer_core.configurations import nano, tiny
from anomseer_core.settings import Settings
from flows.processes import end, family, start
from flows.services import Services, down, read_services, up
from mlflow_server.launch import answers

FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
RUN_SECONDS = 600


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def services(settings: Settings) -> Iterator[Services]:
    prefect_port, mlflow_port = free_ports()
    yield up(settings, prefect_port=prefect_port, mlflow_port=mlflow_port)
    down(settings)


def test_up_returns_when_both_servers_answer(services: Services) -> None:
    assert services.running
    assert answers(f"{services.prefect_api_url}/health")
    assert answers(services.prefect_url)
    assert answers(services.mlflow_url)


def test_up_again_starts_nothing(services: Services, settings: Settings, capsys: pytest.CaptureFixture) -> None:
    assert up(settings) == services
    said = capsys.readouterr().out
    assert "Running already" in said
    assert services.prefect_url in said
    assert services.runs_url in said
    assert services.runs_url.startswith(services.mlflow_url)
    query = parse_qs(urlparse(services.runs_url).fragment.partition("?")[2])
    assert query["searchFilter"] == ["tags.`anomseer.configuration` != ''"]


def test_deployments_are_registered_with_their_schedules_paused(services: Services) -> None:
    deployments = {item["name"]: item for item in ask(services, "/deployments/filter", {})}
    assert set(deployments) == {"pipeline-nano", "evaluate", "adopt", "expcot"}
    assert all(item["pull_steps"] for item in deployments.values())
    assert [item["active"] for item in deployments["pipeline-nano"]["schedules"]] == [False]
    assert deployments["pipeline-nano"]["parameters"] == {"config": nano().model_dump(mode="json")}


@pytest.mark.parametrize(
    "name",
    [
        "anomseer-pipeline/pipeline-nano",
        "anomseer-evaluate/evaluate",
        "anomseer-adopt/adopt",
        "anomseer-expcot/expcot",
    ],
)
def test_every_field_of_the_form_is_described_and_in_order(services: Services, name: str) -> None:
    schema = ask(services, f"/deployments/name/{name}")["parameter_openapi_schema"]
    assert schema["properties"]["config"]["description"]
    fields = [(title, key, field) for title, model in models(schema) for key, field in model["properties"].items()]
    undescribed = [f"{title}.{key}" for title, key, field in fields if not field.get("description")]
    assert undescribed == []
    for title, model in models(schema):
        positions = [field.get("position") for field in model["properties"].values()]
        assert sorted(positions) == list(range(len(positions))), title


def test_a_run_with_one_changed_parameter_ends_well_in_both_servers(services: Services) -> None:
    """As from the UI: the deployment's parameters, one field changed, through the worker."""
    config = small_configuration() | {"training": small_configuration()["training"] | {"alpha": 0.0}}
    deployment = ask(services, "/deployments/name/anomseer-pipeline/pipeline-nano")
    flow_run = ask(services, f"/deployments/{deployment['id']}/create_flow_run", {"parameters": {"config": config}})
    ended = wait_until_final(services, flow_run["id"])
    assert ended["state"]["type"] == "COMPLETED", ended["state"]["message"]
    assert ended["parameters"]["config"]["training"]["alpha"] == 0.0

    artifacts = ask(services, "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [flow_run["id"]]}}})
    assert [item for item in artifacts if item["type"] == "markdown"]

    client = MlflowClient(services.mlflow_url)
    experiments = [item.experiment_id for item in client.search_experiments()]
    runs = client.search_runs(experiments, f"tags.`prefect.flow_run_id` = '{flow_run['id']}'")
    parent = next(run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert parent.info.status == "FINISHED"
    children = client.search_runs(experiments, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert len(children) > 4
    assert {run.info.status for run in children} == {"FINISHED"}


@pytest.mark.parametrize(
    ("ports", "line"),
    [
        ((0, 5000), "--prefect-port 0 is no port; choose one from 1 to 65535"),
        ((4200, 99_999), "--mlflow-port 99999 is no port"),
        ((5000, 5000), "--prefect-port and --mlflow-port are both 5000"),
    ],
)
def test_ports_that_cannot_be_are_refused_before_anything_starts(
    tmp_path: Path, ports: tuple[int, int], line: str
) -> None:
    with pytest.raises(ValueError, match=f"^{line}"):
        up(Settings(home=tmp_path / "home"), prefect_port=ports[0], mlflow_port=ports[1])
    assert not (tmp_path / "home").exists()


def test_a_taken_port_is_named_with_its_flag(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ValueError, match=rf"port {port} is taken; .*--mlflow-port"):
            up(Settings(home=tmp_path), prefect_port=free_ports()[0], mlflow_port=port)
    assert read_services(Settings(home=tmp_path)) is None


def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path) -> None:
    (tmp_path / "prefect").write_text("a file where Prefect wants its folder")
    settings = Settings(home=tmp_path)
    prefect_port, mlflow_port = free_ports()
    with pytest.raises(RuntimeError, match=r"prefect ended while starting \(.+\); its output is in .*prefect\.log\Z"):
        up(settings, prefect_port=prefect_port, mlflow_port=mlflow_port)
    assert read_services(settings) is None
    assert not answers(f"http://127.0.0.1:{mlflow_port}/health")


def test_down_stops_what_up_started_and_nothing_else(
    services: Services, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    stranger = start("stranger", [sys.executable, "-c", "import time; time.sleep(300)"], os.environ, log=tmp_path / "s")
    try:
        down(settings)
        assert family(services.processes, services.mark) == set()
        assert not (settings.home / "services.json").exists()
        assert not answers(services.mlflow_url)
        assert not Path(services.temporary).exists()
        assert stranger.find() is not None
        down(settings)
        assert "Nothing is running." in capsys.readouterr().out
    finally:
        end(family([stranger]), grace_seconds=5)


def test_processes_that_ended_are_not_mistaken_for_running(settings: Settings) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    process = {"pid": int(ended.stdout), "started": time.time()}
    record = {
        "prefect_api_url": "http://127.0.0.1:9/api",
        "mlflow_url": "http://127.0.0.1:9",
        "mark": "of-another-time",
        "processes": [{"name": name, **process} for name in ("prefect", "mlflow", "worker")],
    }
    (settings.home / "services.json").write_text(json.dumps(record))
    assert not read_services(settings).running
    down(settings)
    assert read_services(settings) is None


def small_configuration() -> dict[str, Any]:
    """One step of each training, and one detector beside it: the other tests train for longer."""
    config = tiny().model_dump(mode="json")
    config["synthesis"]["train"] |= {"tasks": ["trend"], "count": 4}
    config["synthesis"]["anomllm"] |= {"tasks": ["trend"]}
    config["synthesis"]["visual_time_anomaly"] |= {"tasks": ["trend"]}
    config["cold_start"] |= {"steps": 1, "batch_size": 2}
    config["training"] |= {"steps": 1, "prompts_per_step": 2, "group_size": 2, "max_response_tokens": 16}
    config["evaluation"] |= {"baselines": ["always-empty"], "cold_start": False}
    config["evaluation"]["decoding"]["max_response_tokens"] = 16
    return config


def ask(services: Services, path: str, body: dict | None = None) -> Any:
    """GET, or POST when there is a body, at Prefect's API, by a client that asks again as every user's does.

    The server answers 503 while another process writes its SQLite database, and means "in a moment".
    """
    with SyncPrefectClient(services.prefect_api_url) as client:
        return client.request("GET" if body is None else "POST", path, json=body).json()


def wait_until_final(services: Services, flow_run_id: str) -> dict:
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        flow_run = ask(services, f"/flow_runs/{flow_run_id}")
        if flow_run["state"]["type"] in FINAL:
            return flow_run
        time.sleep(1)
    raise AssertionError(f"the flow run is still {flow_run['state']['name']}")


def models(schema: dict) -> list[tuple[str, dict]]:
    return [
        ("parameters", schema),
        *((name, item) for name, item in schema["definitions"].items() if "properties" in item),
    ]


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return first.getsockname()[1], second.getsockname()[1]
