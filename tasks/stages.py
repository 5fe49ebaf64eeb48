"""The shape of every stage task: resolve inputs, one core call, record in MLflow, return a small value."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from anomseer_core.observer import Observer
from anomseer_core.settings import load_settings
from anomseer_core.store import Artifact, ArtifactStore
from tasks import tags
from tasks.connection import connect
from tasks.delivery import Delivery
from tasks.observer import StageObserver, duration, run_log
from tasks.recording import record_inputs, record_output, record_pictures
from tasks.tables import record_tables
from tasks.tracking import open_child


@dataclass(frozen=True)
class StageResult:
    """A finished stage as the next one needs it: the artifact by path, key and digest, and its MLflow run."""

    name: str
    kind: str
    path: str
    key: str
    digest: str
    run_id: str
    reused: bool

    @classmethod
    def of(cls, name: str, artifact: Artifact, run_id: str = "") -> "StageResult":
        return cls(name, artifact.kind, str(artifact.path), artifact.key, artifact.digest, run_id, artifact.reused)


Core = Callable[[ArtifactStore, Mapping[str, Artifact], Observer], Artifact]
Measure = Callable[[Artifact], Mapping[str, float]]
Tabulate = Callable[[Artifact, Mapping[str, Artifact]], Mapping[str, pd.DataFrame]]
Draw = Callable[[Artifact, Mapping[str, Artifact], StageObserver], Mapping[str, Figure | Image.Image]]


def run_stage(
    parent: str,
    name: str,
    core: Core,
    inputs: Mapping[str, StageResult] | None = None,
    *,
    measure: Measure | None = None,
    draw: Draw | None = None,
    tabulate: Tabulate | None = None,
    log_level: int = logging.INFO,
) -> StageResult:
    """Run one stage under the MLflow run `parent`, in a run of its own.

    core: makes the artifact from the store, the input artifacts by role, and an observer.
    measure: what of the finished artifact becomes metrics of the run.
    draw: pictures of a newly made artifact by file name, from it, the inputs and what the observer heard.
    tabulate: tables of a newly made artifact by file name, from it and the inputs.
    log_level: of the closing line; the many short stages of an evaluation need not all be told.
    """
    settings, log, started = load_settings(), run_log(), time.monotonic()
    tracking, store = connect(settings), ArtifactStore(settings.home)
    named = {role: (result.name, resolve(store, result)) for role, result in (inputs or {}).items()}
    with open_child(tracking, parent, name=name, about={tags.STAGE: name}) as run_id:
        record_inputs(tracking, run_id, named)
        leftovers = settings.home / "undelivered" / f"{run_id}.jsonl"
        with Delivery(tracking.client, run_id, leftovers=leftovers, log=log) as delivery:
            observer = StageObserver(name, delivery, log)
            read = {role: artifact for role, (_, artifact) in named.items()}
            artifact = core(store, read, observer)
            delivery.add_metrics(0, measure(artifact) if measure else {})
        record_output(tracking, run_id, name, artifact)
        if draw and not artifact.reused:
            record_pictures(tracking, run_id, draw(artifact, read, observer))
        if tabulate and not artifact.reused:
            record_tables(tracking.client, run_id, tabulate(artifact, read))
    log.log(log_level, "%s", closing_line(name, artifact, time.monotonic() - started))
    return StageResult.of(name, artifact, run_id)


def resolve(store: ArtifactStore, result: StageResult) -> Artifact:
    """The artifact of a finished stage, unverified: the stage that reads it verifies it."""
    found = store.find(result.kind, result.key)
    return found or store.open(Path(result.path))


def closing_line(name: str, artifact: Artifact, seconds: float) -> str:
    """One line about a finished stage, such as `anomllm-train: 200 series in 3 s`."""
    if artifact.reused:
        return f"{name}: reused, nothing it depends on has changed"
    # A manifest counts rows by file and other things by their own name.
    amounts = [f"{count:,} {what.removesuffix('.parquet')}" for what, count in artifact.rows.items()]
    return f"{name}: {', '.join(amounts)}" + (f" in {duration(seconds)}" if seconds >= 1 else "")
