import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from mlflow import MlflowClient
from pydantic import ValidationError

from mlflow_server.config import TrackingServerConfig, embedded_artifacts, embedded_backend
from mlflow_server.launch import answers, prepare, server_command, server_environment


def test_embedded_default_is_this_machine_only(tmp_path: Path) -> None:
    config = TrackingServerConfig(backend_store=embedded_backend(tmp_path), artifacts=embedded_artifacts(tmp_path))
    command = " ".join(server_command(config))
    assert "--host 127.0.0.1 --port 5000 --workers 1" in command
    assert f"--no-serve-artifacts --default-artifact-root file://{tmp_path}/mlflow/artifacts" in command
    assert "--allowed-hosts" not in command
    assert server_environment(config)["MLFLOW_BACKEND_STORE_URI"] == f"sqlite:///{tmp_path}/mlflow/mlflow.db"


def test_a_password_never_enters_the_command_line() -> None:
    config = TrackingServerConfig(backend_store="postgresql://user:secret@host/db", artifacts="s3://bucket/path")
    assert "secret" not in " ".join(server_command(config))
    assert "secret" in server_environment(config)["MLFLOW_BACKEND_STORE_URI"]


def test_proxied_object_store() -> None:
    config = TrackingServerConfig(
        backend_store="postgresql://host/db", artifacts="s3://bucket/path", artifact_access="proxied"
    )
    command = " ".join(server_command(config))
    assert "--artifacts-destination s3://bucket/path" in command
    assert "--no-serve-artifacts" not in command


def test_allowed_hosts_come_with_any_port_and_keep_this_machine() -> None:
    config = TrackingServerConfig(backend_store="sqlite:///x", artifacts="a", allowed_hosts=("tracking.example.org",))
    command = server_command(config)
    assert command[command.index("--allowed-hosts") + 1] == (
        "localhost,localhost:*,127.0.0.1,127.0.0.1:*,tracking.example.org,tracking.example.org:*"
    )


@pytest.mark.parametrize("fields", [{"port": 0}, {"port": 65_536}, {"workers": 0}, {"artifact_access": "ftp"}])
def test_settings_out_of_bounds_are_refused(fields: dict) -> None:
    with pytest.raises(ValidationError, match=next(iter(fields))):
        TrackingServerConfig(backend_store="sqlite:///x", artifacts="a", **fields)


def test_prepare_makes_the_folders_of_the_embedded_default(tmp_path: Path) -> None:
    prepare(TrackingServerConfig(backend_store=embedded_backend(tmp_path), artifacts=embedded_artifacts(tmp_path)))
    assert (tmp_path / "mlflow" / "artifacts").is_dir()


def test_url_of_a_server_that_listens_everywhere() -> None:
    config = TrackingServerConfig(backend_store="sqlite:///x", artifacts="a", host="0.0.0.0", port=5001)
    assert config.url == "http://127.0.0.1:5001"


def test_nothing_answers_at_a_free_port() -> None:
    assert not answers(f"http://127.0.0.1:{free_port()}/health")


def test_server_starts_in_the_foreground_and_checks_the_host_header(tmp_path: Path) -> None:
    """One real server: it answers, keeps runs in ANOMSEER_HOME, and refuses strangers' names."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    command = [sys.executable, "-m", "mlflow_server", "--port", str(port), "--allowed-hosts", "tracking.example.org"]
    server = subprocess.Popen(
        command,
        env=environment | {"ANOMSEER_HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/health", server)
        assert host_is_accepted(port, f"tracking.example.org:{port}")
        assert host_is_accepted(port, f"127.0.0.1:{port}")
        assert not host_is_accepted(port, f"elsewhere.example.org:{port}")
        MlflowClient(f"http://127.0.0.1:{port}").create_experiment("seen")
        embedded = MlflowClient(embedded_backend(tmp_path)).get_experiment_by_name("seen")
        assert embedded.artifact_location.startswith(embedded_artifacts(tmp_path))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until_answers(url: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not answers(url):
        assert server.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.2)


def host_is_accepted(port: int, host: str) -> bool:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status == 200
    except urllib.error.HTTPError as error:
        if error.code != 403:
            raise
        return False
