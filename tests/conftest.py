"""Shared fixtures: one Prefect API for the session, a home and an MLflow database for each test that asks."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Read when Prefect and MLflow are imported: nothing of a developer's own set-up, nothing sent anywhere.
os.environ.update(
    PREFECT_HOME=tempfile.mkdtemp(prefix="anomseer-prefect-"),
    PREFECT_LOGGING_EXTRA_LOGGERS="anomseer_core",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    MLFLOW_DISABLE_TELEMETRY="true",
)
for _name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "ANOMSEER_HOME"):
    os.environ.pop(_name, None)


def pytest_sessionfinish() -> None:
    shutil.rmtree(os.environ["PREFECT_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[None]:
    """A real Prefect API on a temporary database."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture(scope="session")
def empty_mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables and nothing else: making one takes seconds, copying it none."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_mlflow_database: Path) -> Path:
    """`ANOMSEER_HOME` of one test, with an MLflow database of its own."""
    home = tmp_path / "home"
    (home / "mlflow").mkdir(parents=True)
    shutil.copyfile(empty_mlflow_database, home / "mlflow" / "mlflow.db")
    monkeypatch.setenv("ANOMSEER_HOME", str(home))
    return home


@pytest.fixture
def tracking(home: Path):
    """The MLflow of `home`, as the tasks see it."""
    from anomseer_core.settings import load_settings
    from tasks.connection import connect

    return connect(load_settings())
