"""Where this installation's MLflow records live: one experiment, on the embedded database unless told otherwise.

`MLFLOW_TRACKING_URI` wins; without it, SQLite under `ANOMSEER_HOME`. The server that `anomseer up` starts has the same
database and the same artifact folder, so a run made without servers shows up when they are started.
"""

import fcntl
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from anomseer_core.settings import Settings
from mlflow_server.config import embedded_artifacts, embedded_backend

EXPERIMENT = "anomseer"


@dataclass(frozen=True)
class Tracking:
    """A connection to MLflow: the client and the experiment that holds our runs."""

    client: MlflowClient
    uri: str
    experiment_id: str


def connect(settings: Settings) -> Tracking:
    """The tracking store of these settings, with our experiment in it."""
    return _connect(settings.mlflow_tracking_uri or embedded_backend(settings.home), settings.home)


@cache
def _connect(uri: str, home: Path) -> Tracking:
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It prints whole traces of errors that it raises as well.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    # A server decides itself where its artifacts go; ours is told the same folder.
    if uri.startswith(("http://", "https://")):
        return _track(uri, None)
    with _alone_in(home / "mlflow"):
        _require_database(uri)
        return _track(uri, embedded_artifacts(home))


def _track(uri: str, artifacts: str | None) -> Tracking:
    client = MlflowClient(uri)
    return Tracking(client, uri, _experiment(client, artifacts))


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """One process at a time: two that make the tables of a new database at once both fail."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _require_database(uri: str) -> None:
    """Raises ValueError when the file of an SQLite address is no database, or was cut."""
    path = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///") or not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        # Another process that writes at this moment is no damage.
        if not isinstance(error, sqlite3.OperationalError):
            raise ValueError(
                f"MLflow's database {path} is damaged ({error}); put a copy in its place, or move it away"
            ) from error


def _experiment(client: MlflowClient, location: str | None) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        try:
            return client.create_experiment(EXPERIMENT, artifact_location=location)
        except MlflowException:
            # Another process may have created it in the meantime.
            found = client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
    return found.experiment_id
