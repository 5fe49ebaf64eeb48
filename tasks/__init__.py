"""Prefect tasks: resolve inputs, make one call into `anomseer_core`, record it in MLflow, return a small value."""

import os

# MLflow and OpenMP read these when they are loaded, which the modules of this package bring about: nothing is sent
# anywhere, the terminal stays ours, and waiting threads sleep. Threads that spin while they wait slowed the nano policy
# thirteenfold on a machine with other work (2 cores, load 3); on an idle one sleeping costs nothing that shows.
for _name, _value in {
    "OMP_WAIT_POLICY": "PASSIVE",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}.items():
    os.environ.setdefault(_name, _value)
