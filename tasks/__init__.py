"""Prefect tasks: resolve inputs, make one call into `anomseer_core`, record it in MLflow, return a small value."""

import os

# MLflow reads these when it is imported, which the modules of this package do: nothing is sent anywhere, and the
# terminal stays ours.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}.items():
    os.environ.setdefault(_name, _value)
