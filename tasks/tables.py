"""Tables in MLflow: JSON artifacts that its table view shows once a tag names them."""

import json
from collections.abc import Mapping, Sequence

import pandas as pd
from mlflow import MlflowClient

# The tag by which MLflow's table view finds its tables, and how many names fit into it.
SHOWN_TABLES = "mlflow.loggedArtifacts"
MOST_SHOWN = 50


def write_table(client: MlflowClient, run_id: str, frame: pd.DataFrame, path: str) -> None:
    """Write a table whole, in the form of MLflow's `log_table`, which would append to what is there."""
    client.log_text(run_id, frame.to_json(orient="split", index=False, date_format="iso"), path)


def record_tables(client: MlflowClient, run_id: str, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables under their file names, and let the table view list them."""
    for path, frame in tables.items():
        write_table(client, run_id, frame, path)
    show_tables(client, run_id, list(tables))


def show_tables(client: MlflowClient, run_id: str, paths: Sequence[str]) -> None:
    """Let the table view of a run list the last of these tables."""
    shown = [{"path": path, "type": "table"} for path in paths[-MOST_SHOWN:]]
    client.set_tag(run_id, SHOWN_TABLES, json.dumps(shown))
