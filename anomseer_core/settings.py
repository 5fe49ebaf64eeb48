"""The one place that reads the environment.

`ANOMSEER_HOME` holds artifacts, runs, and the embedded databases (default `./.anomseer`). `MLFLOW_TRACKING_URI`,
`PREFECT_API_URL` and `PREFECT_HOME` are MLflow's and Prefect's own variables; set, they win over the embedded default.
"""

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOME = ".anomseer"
# Files above this size enter MLflow as a link, not as a copy.
UPLOAD_LIMIT_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Settings:
    """home: absolute directory of everything this installation writes. The addresses are empty when unset."""

    home: Path
    mlflow_tracking_uri: str = ""
    prefect_api_url: str = ""
    prefect_home: str = ""


def load_settings() -> Settings:
    return Settings(
        home=Path(os.environ.get("ANOMSEER_HOME") or DEFAULT_HOME).resolve(),
        mlflow_tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", ""),
        prefect_api_url=os.environ.get("PREFECT_API_URL", ""),
        prefect_home=os.environ.get("PREFECT_HOME", ""),
    )
