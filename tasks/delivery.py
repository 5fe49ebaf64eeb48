"""Metrics and sampled completions on their way to MLflow: kept until it has taken them.

A training run must not stop because its tracking server does. What cannot be delivered waits and is tried again;
what is left at the very end goes to a file that the log names.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from tasks.tables import show_tables, write_table
from tasks.tracking import first_line

DELIVERY_SECONDS = 5.0
METRICS_PER_BATCH = 1000
# MLflow shows a table as a whole: a long run fills several.
ROWS_PER_TABLE = 2000
# A cancelled flow run has 30 s in all.
FINAL_PAUSES_SECONDS = (1, 3, 6)
Log = logging.Logger | logging.LoggerAdapter


class Delivery:
    """Takes what one MLflow run is to hold, and hands it over every few seconds and at the end (`close`)."""

    def __init__(self, client: MlflowClient, run_id: str, *, leftovers: Path, log: Log) -> None:
        self.client = client
        self.run_id = run_id
        self.leftovers = leftovers
        self.log = log
        self._metrics: list[Metric] = []
        self._rows: list[dict[str, Any]] = []
        self._table = 0
        # The tables that have grown since MLflow last took them, by number.
        self._grown: dict[int, list[dict[str, Any]]] = {}
        self._last_attempt = time.monotonic()
        self._failing = False

    def add_metrics(self, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self._metrics += [Metric(name, float(value), now, step) for name, value in values.items()]
        self._deliver_when_due()

    def add_completions(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            if len(self._rows) == ROWS_PER_TABLE:
                self._rows = []
                self._table += 1
            self._rows.append({"step": step, **row})
            self._grown[self._table] = self._rows
        self._deliver_when_due()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Deliver the rest, with pauses between attempts; what MLflow still refuses goes to a file."""
        for pause in FINAL_PAUSES_SECONDS:
            if self._deliver():
                return
            time.sleep(pause)
        if not self._deliver():
            self._write_leftovers()

    def _deliver_when_due(self) -> None:
        if time.monotonic() - self._last_attempt >= DELIVERY_SECONDS:
            self._deliver()

    def _deliver(self) -> bool:
        """Whether everything has been taken."""
        self._last_attempt = time.monotonic()
        try:
            self._send_metrics()
            self._send_completions()
        except (MlflowException, OSError) as error:
            if not self._failing:
                self.log.warning("MLflow does not take metrics at the moment, they are kept: %s", first_line(error))
            self._failing = True
            return False
        self._failing = False
        return True

    def _send_metrics(self) -> None:
        while self._metrics:
            self.client.log_batch(self.run_id, metrics=self._metrics[:METRICS_PER_BATCH])
            del self._metrics[:METRICS_PER_BATCH]

    def _send_completions(self) -> None:
        if not self._grown:
            return
        for number in sorted(self._grown):
            write_table(self.client, self.run_id, pd.DataFrame(self._grown[number]), _table_name(number))
            del self._grown[number]
        show_tables(self.client, self.run_id, [_table_name(number) for number in range(self._table + 1)])

    def _write_leftovers(self) -> None:
        values = [{"key": item.key, "value": item.value, "step": item.step} for item in self._metrics]
        rows = [row for number in sorted(self._grown) for row in self._grown[number]]
        self.leftovers.parent.mkdir(parents=True, exist_ok=True)
        with open(self.leftovers, "a", encoding="utf-8") as file:
            file.writelines(json.dumps({"run_id": self.run_id, **record}) + "\n" for record in values + rows)
        self.log.error(
            "MLflow did not take %d metric values and %d completions; they are in %s",
            len(values),
            len(rows),
            self.leftovers,
        )


def _table_name(number: int) -> str:
    return f"completions/{number:04d}.json"
