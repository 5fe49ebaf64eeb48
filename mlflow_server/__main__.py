"""`python -m mlflow_server`: the tracking server in the foreground, until it is interrupted."""

import os
from typing import Annotated

import cyclopts

from mlflow_server.config import TrackingServerConfig
from mlflow_server.launch import prepare, server_command, server_environment

app = cyclopts.App(name="python -m mlflow_server", help="Start the MLflow tracking server in the foreground.")


@app.default
def main(*, config: Annotated[TrackingServerConfig | None, cyclopts.Parameter(name="*")] = None) -> None:
    """Start the MLflow tracking server in the foreground.

    Args:
        config: The server.
    """
    config = config or TrackingServerConfig()
    prepare(config)
    print(f"MLflow: {config.url}", flush=True)
    command = server_command(config)
    os.execve(command[0], command, {**os.environ, **server_environment(config)})


if __name__ == "__main__":
    app()
