"""Means over seeds of score artifacts: found by folder or MLflow run, and recorded as an MLflow run of their own."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from mlflow.entities import Metric

from anomseer_core.evaluation.comparison_sides import (
    ScoredRun,
    chosen_artifacts,
    read_rows,
    require_same_yardstick,
)
from anomseer_core.reports.repetition import SHOWN, over_seeds, to_markdown
from anomseer_core.store import Artifact, ArtifactStore
from tasks import tags
from tasks.comparison import find_run
from tasks.connection import Tracking
from tasks.recording import record_inputs
from tasks.tables import record_tables
from tasks.tracking import log_config, open_child

STAGE = "repetition"
TABLE, TEXT = "seeds.json", "seeds.md"


@dataclass(frozen=True)
class Repeated:
    """The table of a mean over seeds, and the MLflow run that holds it."""

    table: pd.DataFrame
    mlflow_run: str


def average_and_record(tracking: Tracking, store: ArtifactStore, references: Sequence[str]) -> Repeated:
    """Average runs that differ in their seed, each named as `find_run` takes it.

    Raises ValueError or FileNotFoundError with a line that names the reference and the mend.
    """
    if len(references) < 2:
        raise ValueError("a mean over seeds needs two evaluations or more; name the run of each seed")
    seeds = [_artifacts(find_run(tracking, store, reference.strip()).scored) for reference in references]
    _require_different(references, seeds)
    # Detectors without training are the same artifact for every seed.
    distinct = {item.key: item for items in seeds for item in items}
    require_same_yardstick(list(distinct.values()))
    table = over_seeds([read_rows(items) for items in seeds])
    about = {tags.STAGE: STAGE}
    with open_child(tracking, "", name=f"mean of {len(references)} seeds", about=about) as run_id:
        log_config(tracking.client, run_id, {"seeds": list(references)})
        roles = {f"scores {number}": item for number, item in enumerate(distinct.values(), start=1)}
        record_inputs(tracking, run_id, {role: (role, item) for role, item in roles.items()})
        record_tables(tracking.client, run_id, {TABLE: table})
        tracking.client.log_text(run_id, to_markdown(table), TEXT)
        tracking.client.log_batch(run_id, metrics=_metrics(table))
    return Repeated(table, run_id)


def _artifacts(run: ScoredRun) -> list[Artifact]:
    """Those of the chosen detector, or of all."""
    return chosen_artifacts(run) if run.detector else list(run.artifacts)


def _require_different(references: Sequence[str], seeds: Sequence[Sequence[Artifact]]) -> None:
    seen: dict[frozenset[str], str] = {}
    for reference, items in zip(references, seeds, strict=True):
        other = seen.setdefault(frozenset(item.key for item in items), reference)
        if other is not reference:
            raise ValueError(f"{other} and {reference} hold the very same scores; name runs of different seeds")


def _metrics(table: pd.DataFrame) -> list[Metric]:
    now = int(time.time() * 1000)
    return [
        Metric(f"{row['benchmark']}/{row['detector']}/{name}{suffix}", float(row[name + suffix]), now, 0)
        for row in table.to_dict("records")
        for name in SHOWN
        for suffix in ("", "_sd")
        if not pd.isna(row[name + suffix])
    ]
