"""What the tracking server is told: where runs and artifacts are kept, and who may ask."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from pydantic import Field

from anomseer_core.config import Config
from anomseer_core.settings import load_settings


def embedded_backend(home: Path) -> str:
    """The database of runs in an installation's home; also what clients use when no server runs."""
    return f"sqlite:///{home / 'mlflow' / 'mlflow.db'}"


def embedded_artifacts(home: Path) -> str:
    """The folder of artifacts in an installation's home, as a URI."""
    return (home / "mlflow" / "artifacts").as_uri()


class TrackingServerConfig(Config):
    """One tracking server. The defaults are those of one machine, in this installation's home."""

    backend_store: Annotated[str, Parameter(env_var="MLFLOW_BACKEND_STORE_URI")] = Field(
        default_factory=lambda: embedded_backend(load_settings().home),
        min_length=1,
        description="Database of the runs: sqlite:///file or postgresql://user:password@host/db.",
    )
    artifacts: str = Field(
        default_factory=lambda: embedded_artifacts(load_settings().home),
        min_length=1,
        description="Folder or object store (s3://bucket/path) of the artifacts.",
    )
    artifact_access: Literal["direct", "proxied"] = Field(
        "direct",
        description="direct: clients read and write the artifacts themselves; proxied: the server does it for them.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 is every one.")
    port: int = Field(5000, ge=1, le=65_535, description="Port to listen on.")
    allowed_hosts: tuple[str, ...] = Field(
        (),
        description="Names under which clients reach the server, without port; none allows this machine and private"
        " addresses.",
    )
    workers: int = Field(1, ge=1, le=64, description="Server processes; more than one wants a real database.")

    @property
    def url(self) -> str:
        """Where a client on this machine finds the server."""
        return f"http://{'127.0.0.1' if self.host in ('0.0.0.0', '::') else self.host}:{self.port}"
