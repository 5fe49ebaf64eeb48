"""The deployments of `infra/prefect.yaml`: how they are registered, and where their parameters come from."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from anomseer_core.configurations import CONFIGURATIONS
from flows.processes import StartFailed

WORK_POOL = "anomseer"


def named_configuration(name: str) -> dict[str, Any]:
    """A build step of `prefect.yaml`: the complete parameters of a named configuration, as the run form shows them."""
    return {"config": CONFIGURATIONS[name]().model_dump(mode="json")}


def register_deployments(environment: Mapping[str, str], *, log: Path) -> None:
    """Create or update every deployment at the server that `environment` names, as `prefect deploy --all` does.

    The work pool must exist. Prefect's words go to `log`; raises StartFailed naming it when Prefect refuses.
    """
    with as_file(files("infra") / "prefect.yaml") as path:
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(path)]
        # The file names modules, not paths; from its own folder nothing there can shadow them.
        done = subprocess.run(
            command, env=dict(environment), cwd=path.parent, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode != 0:
        raise StartFailed(f"the deployments of {path} were not registered; Prefect's words are in {log}")
