"""Comparisons of score artifacts: found by folder or MLflow run, and recorded as an MLflow run of their own."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from anomseer_core.evaluation.comparison import compare
from anomseer_core.evaluation.comparison_sides import ScoredRun, build_side, chosen_artifacts, require_same_yardstick
from anomseer_core.reports.comparison_table import to_markdown
from anomseer_core.store import Artifact, ArtifactStore
from tasks import tags
from tasks.connection import Tracking
from tasks.recording import find_record, record_inputs
from tasks.tables import record_tables
from tasks.tracking import log_config, open_child

STAGE = "comparison"
TABLE, TEXT = "comparison.json", "comparison.md"
RECORDED = ("difference", "p_value", "effect_size")


@dataclass(frozen=True)
class FoundRun:
    """Scores that were asked for, and the flow run's MLflow run that they belong to ("" where none knows them)."""

    scored: ScoredRun
    parent: str


@dataclass(frozen=True)
class Compared:
    """The table of a comparison, and the MLflow run that holds it."""

    table: pd.DataFrame
    mlflow_run: str


def compare_and_record(tracking: Tracking, store: ArtifactStore, first: str, second: str, *, seed: int) -> Compared:
    """Compare two sides, each one or several references joined by commas, as `find_run` takes them.

    Raises ValueError or FileNotFoundError with a line that names the reference and the mend.
    """
    sides = [[find_run(tracking, store, part.strip()) for part in text.split(",")] for text in (first, second)]
    artifacts = [[item for run in side for item in chosen_artifacts(run.scored)] for side in sides]
    require_same_yardstick([*artifacts[0], *artifacts[1]])
    built = [build_side(text, [run.scored for run in side]) for text, side in zip((first, second), sides, strict=True)]
    table = compare(*built, seed=seed)
    # The second is what is judged: its flow run is the one to find the comparison under.
    parent = next((run.parent for run in (*sides[1], *sides[0]) if run.parent), "")
    name = f"comparison of {first} and {second}"
    with open_child(tracking, parent, name=name, about={tags.STAGE: STAGE}) as run_id:
        log_config(tracking.client, run_id, {"first": first, "second": second, "seed": seed})
        record_inputs(tracking, run_id, _roles(artifacts))
        record_tables(tracking.client, run_id, {TABLE: table})
        tracking.client.log_text(run_id, to_markdown(table, first, second), TEXT)
        tracking.client.log_batch(run_id, metrics=_metrics(table))
    return Compared(table, run_id)


def find_run(tracking: Tracking, store: ArtifactStore, reference: str) -> FoundRun:
    """The scores behind a reference: the folder of a score artifact or an MLflow run, with `:DETECTOR` where it helps.

    An MLflow run may be that of one stage, or of a whole flow run with scores of many detectors and benchmarks.
    """
    name, _, detector = (reference, "", "") if Path(reference).is_dir() else reference.partition(":")
    if not name:
        raise ValueError(
            f"{reference!r} names no scores; give the folder of a score artifact or the id of an MLflow run"
        )
    if Path(name).is_dir():
        artifact = store.open(Path(name).resolve())
        if artifact.kind != "scores":
            raise ValueError(f"{name} is a {artifact.kind} artifact; name the folder of scores")
        return FoundRun(ScoredRun(name, (artifact,), detector), _recorded_parent(tracking, artifact))
    return _find_in_mlflow(tracking, store, name, detector)


def _find_in_mlflow(tracking: Tracking, store: ArtifactStore, run_id: str, detector: str) -> FoundRun:
    try:
        run = tracking.client.get_run(run_id)
    except MlflowException as error:
        raise ValueError(f"{run_id} is neither a folder nor a run that MLflow at {tracking.uri} knows") from error
    if run.data.tags.get(tags.KIND) == "scores":
        runs, parent = [run], run.data.tags.get(tags.PARENT, "")
    else:
        query = f"tags.`{tags.PARENT}` = '{run_id}' and tags.`{tags.KIND}` = 'scores'"
        order = ["attributes.start_time ASC"]
        runs = tracking.client.search_runs([tracking.experiment_id], query, order_by=order, max_results=5000)
        parent = run_id
    if not runs:
        raise ValueError(f"MLflow run {run_id} recorded no scores; name an evaluation, or one of its score runs")
    # A flow run that was retried recorded some of its stages twice.
    paths = list(dict.fromkeys(item.data.tags[tags.PATH] for item in runs))
    return FoundRun(ScoredRun(run_id, tuple(store.open(path) for path in paths), detector), parent)


def _recorded_parent(tracking: Tracking, artifact: Artifact) -> str:
    record = find_record(tracking, artifact)
    return tracking.client.get_run(record).data.tags.get(tags.PARENT, "") if record else ""


def _roles(artifacts: Sequence[Sequence[Artifact]]) -> dict[str, tuple[str, Artifact]]:
    """Role, name and artifact of every input: `first 1`, `first 2`, ..., `second 1`, ..."""
    return {
        f"{side} {number}": (f"{side} {number}", item)
        for side, items in zip(("first", "second"), artifacts, strict=True)
        for number, item in enumerate(items, start=1)
    }


def _metrics(table: pd.DataFrame) -> list[Metric]:
    now = int(time.time() * 1000)
    return [
        Metric(f"{row['benchmark']}/{row['part']}/{row['measure']}/{name}", float(row[name]), now, 0)
        for row in table.to_dict("records")
        for name in RECORDED
        if not pd.isna(row[name])
    ]
