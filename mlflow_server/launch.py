"""The command and the environment that make one MLflow server, and whether it answers.

The database address goes through the environment, because it may hold a password and command lines are public.
"""

import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

from mlflow_server.config import TrackingServerConfig

# MLflow replaces its own list by ours and compares the whole Host header, port included.
_THIS_MACHINE = ("localhost", "127.0.0.1")


def server_command(config: TrackingServerConfig) -> list[str]:
    """The command line of the server; `server_environment` goes with it."""
    command = [sys.executable, "-m", "mlflow", "server"]
    command += ["--host", config.host, "--port", str(config.port), "--workers", str(config.workers)]
    if config.artifact_access == "direct":
        command += ["--no-serve-artifacts", "--default-artifact-root", config.artifacts]
    else:
        command += ["--artifacts-destination", config.artifacts]
    if config.allowed_hosts:
        command += ["--allowed-hosts", ",".join(_host_headers((*_THIS_MACHINE, *config.allowed_hosts)))]
    return command


def server_environment(config: TrackingServerConfig) -> dict[str, str]:
    """Variables the server needs besides those of its parent: the database, no telemetry, no job runners."""
    return {
        "MLFLOW_BACKEND_STORE_URI": config.backend_store,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def prepare(config: TrackingServerConfig) -> None:
    """Make the folders that SQLite and a local artifact store expect to exist."""
    if config.backend_store.startswith("sqlite:///"):
        Path(config.backend_store.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    artifacts = urlparse(config.artifacts)
    if artifacts.scheme in ("", "file"):
        Path(artifacts.path).mkdir(parents=True, exist_ok=True)


def answers(url: str, *, timeout_seconds: float = 2.0) -> bool:
    """Whether a GET of `url` returns success; MLflow's `/health` is exempt from the host check."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_seconds) as response:
            return 200 <= response.status < 300
    except (urllib.error.URLError, OSError):
        return False


def _host_headers(names: tuple[str, ...]) -> list[str]:
    """`Host` headers of clients that reach the server by these names, with and without a port."""
    unique = dict.fromkeys(names)
    return [header for name in unique for header in ((name,) if name == "*" else (name, f"{name}:*"))]
