"""What Prefect and MLflow read from the environment when they are imported, set where the user has not.

Call `prepare` before importing either. All they write stays under `ANOMSEER_HOME`, nothing is sent anywhere, and runs
go to the servers of `anomseer up` while those answer.
"""

import os

from anomseer_core.settings import Settings
from flows.services import read_services
from mlflow_server.launch import answers

# Where `anomseer up` serves Prefect's pages; a run made without a server links to where it will be found.
LATER_UI = "http://127.0.0.1:4200"
# Time and message: the commands say whose line it is (Prefect's logging.yml, overridden by name).
CONSOLE_FORMAT = "%(asctime)s  %(message)s"
QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "anomseer_core",
    "PREFECT_LOGGING_FORMATTERS_STANDARD_FLOW_RUN_FMT": CONSOLE_FORMAT,
    "PREFECT_LOGGING_FORMATTERS_STANDARD_TASK_RUN_FMT": CONSOLE_FORMAT,
    "PREFECT_LOGGING_FORMATTERS_STANDARD_DATEFMT": "%H:%M:%S",
}


def prepare(settings: Settings) -> None:
    """Fill in what is not set. Addresses of servers that do not answer are left out."""
    defaults = {**QUIET, "PREFECT_HOME": str(settings.home / "prefect")}
    services = read_services(settings)
    if services and answers(f"{services.prefect_api_url}/health"):
        defaults["PREFECT_API_URL"] = services.prefect_api_url
    else:
        defaults["PREFECT_UI_URL"] = LATER_UI
    if services and answers(f"{services.mlflow_url}/health"):
        defaults["MLFLOW_TRACKING_URI"] = services.mlflow_url
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
