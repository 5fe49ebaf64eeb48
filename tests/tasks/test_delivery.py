import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks import delivery
from tasks.connection import Tracking
from tasks.delivery import Delivery
from tests.tasks.test_tracking import parent_of

LOG = logging.getLogger("tests.delivery")


@contextmanager
def mlflow_refusing(home: Path) -> Iterator[None]:
    """Take the table of metrics away from a real MLflow database, and give it back."""

    def execute(statement: str) -> None:
        with sqlite3.connect(home / "mlflow" / "mlflow.db") as database:
            database.execute(statement)
        database.close()

    execute("ALTER TABLE metrics RENAME TO metrics_taken_away")
    try:
        yield
    finally:
        execute("ALTER TABLE metrics_taken_away RENAME TO metrics")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "DELIVERY_SECONDS", 0.0)
    monkeypatch.setattr(delivery, "FINAL_PAUSES_SECONDS", (0.0,))


def steps_of(tracking: Tracking, run_id: str) -> list[int]:
    return [point.step for point in tracking.client.get_metric_history(run_id, "loss")]


def test_what_mlflow_refuses_waits_and_arrives_in_order(home: Path, tracking: Tracking, tmp_path: Path):
    run_id = parent_of(tracking)
    with Delivery(tracking.client, run_id, leftovers=tmp_path / "left.jsonl", log=LOG) as sender:
        sender.add_metrics(0, {"loss": 1.0})
        with mlflow_refusing(home):
            sender.add_metrics(1, {"loss": 0.5})
            sender.add_metrics(2, {"loss": 0.25})
        assert steps_of(tracking, run_id) == [0]
    assert steps_of(tracking, run_id) == [0, 1, 2]
    assert not (tmp_path / "left.jsonl").exists()


def test_what_is_refused_to_the_end_goes_to_a_file_that_the_log_names(
    home: Path, tracking: Tracking, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    run_id, leftovers = parent_of(tracking), tmp_path / "undelivered" / "left.jsonl"
    with mlflow_refusing(home), Delivery(tracking.client, run_id, leftovers=leftovers, log=LOG) as sender:
        sender.add_metrics(0, {"loss": 1.0, "reward": 0.5})
        sender.add_completions(0, [{"response": "x"}])
    first, second, third = (json.loads(line) for line in leftovers.read_text().splitlines())
    assert (first["key"], first["value"], first["step"], first["run_id"]) == ("loss", 1.0, 0, run_id)
    assert second["key"] == "reward"
    assert third == {"run_id": run_id, "step": 0, "response": "x"}
    assert f"1 completions; they are in {leftovers}" in caplog.text


def test_a_stage_that_fails_still_delivers(tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run_id = parent_of(tracking)

    def stage() -> None:
        with Delivery(tracking.client, run_id, leftovers=tmp_path / "left.jsonl", log=LOG) as sender:
            sender.add_metrics(0, {"loss": 1.0})
            raise KeyboardInterrupt

    monkeypatch.setattr(delivery, "DELIVERY_SECONDS", 1000.0)
    with pytest.raises(KeyboardInterrupt):
        stage()
    assert steps_of(tracking, run_id) == [0]


def test_not_a_number_is_a_metric_too(tracking: Tracking, tmp_path: Path):
    run_id = parent_of(tracking)
    with Delivery(tracking.client, run_id, leftovers=tmp_path / "left.jsonl", log=LOG) as sender:
        sender.add_metrics(0, {"loss": float("nan")})
    assert steps_of(tracking, run_id) == [0]


def test_a_long_run_fills_several_tables(tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Five rows at two to a table: 2 + 2 + 1."""
    monkeypatch.setattr(delivery, "ROWS_PER_TABLE", 2)
    run_id = parent_of(tracking)
    with Delivery(tracking.client, run_id, leftovers=tmp_path / "left.jsonl", log=LOG) as sender:
        for step in range(5):
            sender.add_completions(step, [{"response": f"answer {step}"}])
    names = [item.path for item in tracking.client.list_artifacts(run_id, "completions")]
    assert names == ["completions/0000.json", "completions/0001.json", "completions/0002.json"]
    tables = [json.loads(Path(tracking.client.download_artifacts(run_id, name)).read_text())["data"] for name in names]
    assert tables == [[[0, "answer 0"], [1, "answer 1"]], [[2, "answer 2"], [3, "answer 3"]], [[4, "answer 4"]]]
    shown = json.loads(tracking.client.get_run(run_id).data.tags["mlflow.loggedArtifacts"])
    assert [table["path"] for table in shown] == names
