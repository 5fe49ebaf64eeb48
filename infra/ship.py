"""`python -m infra.ship CHECKPOINT TARGET`: write the policy that ships with the package, with its two cards.

Twice: without `--scores`, then `anomseer evaluate TARGET`, then again with the score artifacts that it made, so that
the numbers on the card are those of the rounded weights. `anomseer_core/policy/shipped` is where the package looks.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import cyclopts
import pandas as pd

from anomseer_core.evaluation.scores import SCORES_FILE, read_scores
from anomseer_core.policy.export import WEIGHTS, export_policy
from anomseer_core.policy.provenance import Measurement, answers_behind, measurement, trace_provenance
from anomseer_core.refusals import is_raised_in
from anomseer_core.reports.summary import summarise
from anomseer_core.settings import load_settings
from anomseer_core.store import Artifact, ArtifactStore

MEASURES = (
    "affiliation_f1",
    "affiliation_f1_anomalous",
    "pointwise_f1",
    "interval_iou",
    "class_accuracy",
    "detection_accuracy",
)
Several = Annotated[list[Path], cyclopts.Parameter(negative="", consume_multiple=True)]
Words = Annotated[list[str], cyclopts.Parameter(negative="")]


def ship(checkpoint: Path, target: Path, *, machine: str, limit: Words, scores: Several = ()) -> None:
    """Write TARGET from the artifact of a trained checkpoint in ANOMSEER_HOME.

    Parameters
    ----------
    checkpoint
        Folder of the checkpoint artifact.
    target
        Folder to write; it must not exist.
    machine
        What trained it, in words, such as "two CPU cores".
    limit
        What it cannot do, in words. May be given several times.
    scores
        Folders of score artifacts of this policy.
    """
    store = ArtifactStore(load_settings().home)
    try:
        source = store.open(checkpoint)
        measured = [item for path in scores for item in measure(store, store.open(path))]
        facts = trace_provenance(store, source, machine=machine, limits=limit, measurements=measured)
        print(export_policy(source.path, target, facts))
    except (ValueError, FileNotFoundError) as error:
        if not is_raised_in(error, ("anomseer_core",)):
            raise
        print(f"ship: error: {error}", file=sys.stderr)
        sys.exit(2)


def measure(store: ArtifactStore, scores: Artifact) -> Iterator[Measurement]:
    """The means of a score artifact that have intervals.

    Raises as `answers_behind`.
    """
    answers = answers_behind(store, scores)
    if answers.manifest["recipe"]["config"].get("told"):
        raise ValueError(f"{scores.path}: its answers were told of events; name the scores of those that were not")
    told = {
        "weights": answering_weights(store, answers),
        "reasoning": answers.manifest["recipe"]["config"]["reasoning"],
    }
    for row in rows(summarise(read_scores(scores.file(SCORES_FILE)))):
        yield from filter(None, (measurement(row, name, **told) for name in MEASURES))


def answering_weights(store: ArtifactStore, answers: Artifact) -> str:
    """Digest of the weights that answered; empty where the store does not know."""
    reference = answers.inputs["policy"]
    policy = store.find(reference.kind, reference.key)
    return policy.manifest["files"].get(WEIGHTS, "") if policy else ""


def rows(table: pd.DataFrame) -> Sequence[dict]:
    return table.to_dict("records")


if __name__ == "__main__":
    cyclopts.run(ship)
