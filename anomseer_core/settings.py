"""The one place that reads the environment.

`ANOMSEER_HOME` holds artifacts, runs, and the embedded databases (default `./.anomseer`). `MLFLOW_TRACKING_URI`,
`PREFECT_API_URL` and `PREFECT_HOME` are MLflow's and Prefect's own variables; set, they win over the embedded default.
`OPENAI_API_KEY` is the key of an OpenAI-compatible endpoint; it is sent there and written nowhere.
"""

import os
from dataclasses import dataclass, field
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
    openai_api_key: str = field(default="", repr=False)


def require_home(settings: Settings) -> None:
    """Raises ValueError unless the home is, or can be made, a folder to write to. Makes nothing."""
    place = next(path for path in (settings.home, *settings.home.parents) if os.path.lexists(path))
    if not place.is_dir():
        raise ValueError(f"ANOMSEER_HOME is {settings.home}, but {place} is a file; name a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ValueError(f"ANOMSEER_HOME is {settings.home}, but {place} cannot be written to; name another folder")


def load_settings() -> Settings:
    return Settings(
        home=Path(os.environ.get("ANOMSEER_HOME") or DEFAULT_HOME).resolve(),
        mlflow_tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", ""),
        prefect_api_url=os.environ.get("PREFECT_API_URL", ""),
        prefect_home=os.environ.get("PREFECT_HOME", ""),
        openai_api_key=os.environ.get("OPENAI_API_KEY", ""),
    )
