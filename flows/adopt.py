"""Adoption: a training that ran outside of a flow becomes a checkpoint with lineage."""

from dataclasses import dataclass

from prefect import flow

from anomseer_core.training.adoption import AdoptionConfig, read_training
from flows.recorded import recorded_flow_run
from tasks.training import adopt_training


@dataclass(frozen=True)
class AdoptionSummary:
    """Where the adopted checkpoint is. stage: the one that trained it."""

    mlflow_run: str
    stage: str
    checkpoint: str


@flow(name="anomseer-adopt")
def adopt(config: AdoptionConfig) -> AdoptionSummary:
    """Take in a training that ran elsewhere: its checkpoint, its metrics, and the recipe that it was trained by.

    The folder holds what a training leaves under `runs`: job.json, metrics.jsonl and checkpoint. A file that is
    missing, damaged or contradicts another refuses the whole; so does a checkpoint that was trained with another
    picture, prompt or grammar, unless `drifted` is set.

    Args:
        config: The folder, which must be absolute here, and whether a drifted checkpoint is taken.
    """
    training = read_training(config)
    with recorded_flow_run("adopt", config, f"{training.stage.name} {training.folder.name}") as run:
        result = adopt_training(run, config)
    return AdoptionSummary(run, result.name, result.path)
