"""How a policy that ships came to be: data, seeds, steps, cost, what it reaches and what it cannot do.

Everything that an artifact records is read from the manifests behind a checkpoint; the machine and the limits are said
in words by whoever ships it.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from anomseer_core.config import Config
from anomseer_core.policy.card import read_card
from anomseer_core.recipe import Reference
from anomseer_core.store import VOLATILE, Artifact, ArtifactStore
from anomseer_core.training.job import METRICS

PLAIN = "plain"


class SeriesFacts(Config):
    """Series of one generator that a policy was trained on."""

    generator: str = Field(min_length=1, description="The benchmark whose generator drew them.")
    split: str = Field(description="The split drawn.")
    tasks: tuple[str, ...] = Field(min_length=1, description="Its tasks.")
    seed: int = Field(ge=0, description="Seed of the generator.")
    series: int = Field(ge=1, description="How many. [series]")
    form: str = Field("", description="Form of Field's series; empty where they are plain, or of another generator.")


class TrainingFacts(Config):
    """One stage of training."""

    stage: str = Field(min_length=1, description="Name of the stage.")
    steps: int = Field(ge=0, description="Optimiser steps. [steps]")
    seed: int = Field(ge=0, description="Seed of its order and its sampling.")
    seconds: float = Field(ge=0, allow_inf_nan=False, description="How long it took. [s]")
    commit: str = Field(min_length=1, description="Commit of the code that ran it.")


Reasoning = Literal["written", "skipped", "voted"]


class Measurement(Config):
    """A mean over held-out series with its 95 % bootstrap interval."""

    benchmark: str = Field(min_length=1, description="The held-out series.")
    profile: str = Field(min_length=1, description="The rules of scoring.")
    reasoning: Reasoning = Field("written", description="How it answered: reasons first, at once, or by a vote.")
    measure: str = Field(min_length=1, description="What is measured, as the summary names it.")
    series: int = Field(ge=1, description="Series in the mean. [series]")
    mean: float = Field(allow_inf_nan=False, description="The mean.")
    low: float = Field(allow_inf_nan=False, description="Lower end of the interval.")
    high: float = Field(allow_inf_nan=False, description="Upper end of the interval.")
    weights: str = Field("", description="SHA-256 of the weights that answered; empty where it is not known.")


class Provenance(Config):
    """The facts of a card that no digest can tell."""

    data: tuple[SeriesFacts, ...] = Field(min_length=1, description="What it was trained on.")
    training: tuple[TrainingFacts, ...] = Field(min_length=1, description="How, in this order.")
    machine: str = Field(min_length=1, description="What trained it, in words.")
    measurements: tuple[Measurement, ...] = Field((), description="What it reaches; empty before an evaluation.")
    limits: tuple[str, ...] = Field(min_length=1, description="What it cannot do, in words.")


def trace_provenance(
    store: ArtifactStore,
    checkpoint: Artifact,
    *,
    machine: str,
    limits: Sequence[str],
    measurements: Sequence[Measurement] = (),
) -> Provenance:
    """The facts of a trained checkpoint, those of the shipped policy it began with before its own.

    A copy of a shipped policy, which was not trained on, has the data and stages of its card.

    Raises FileNotFoundError naming an artifact behind it that the store lacks, ValueError for a policy that was neither
    trained here nor shipped.
    """
    stages = list(_trained(store, checkpoint))
    shipped = _shipped_before(_find(store, stages[0].inputs["policy"]) if stages else checkpoint)
    if not stages and shipped is None:
        raise ValueError(f"{checkpoint.path} was not trained here; name the artifact of a trained checkpoint")
    series = {reference.key: reference for stage in stages if (reference := stage.inputs.get("series"))}
    data = [facts for reference in series.values() for facts in describe_series(_find(store, reference))]
    earlier = shipped.data if shipped else ()
    return Provenance(
        data=(*earlier, *(facts for facts in data if facts not in earlier)),
        training=(
            *(shipped.training if shipped else ()),
            *(_describe_training(store, stage) for stage in stages),
        ),
        machine=machine,
        measurements=tuple(measurements),
        limits=tuple(limits),
    )


def _shipped_before(initial: Artifact) -> Provenance | None:
    """The facts of the shipped policy that an initial one is a copy of; None for one born here or from elsewhere."""
    told = read_card(initial.path).get("provenance")
    return Provenance.model_validate(told) if told else None


def _trained(store: ArtifactStore, checkpoint: Artifact) -> Iterator[Artifact]:
    """The trained checkpoints from the first to this one."""
    if "method" not in checkpoint.manifest["recipe"]["config"]:
        return
    yield from _trained(store, _find(store, checkpoint.inputs["policy"]))
    yield checkpoint


def _find(store: ArtifactStore, reference: Reference) -> Artifact:
    found = store.find(reference.kind, reference.key)
    if found is None:
        raise FileNotFoundError(f"{store.root} holds no {reference.kind} {reference.digest[:12]}; bring it too")
    return found


def describe_series(series: Artifact) -> Iterator[SeriesFacts]:
    """The generators behind an artifact of series."""
    config: dict[str, Any] = series.manifest["recipe"]["config"]
    for part in config.get("parts", [config]):
        yield SeriesFacts(
            generator=part["benchmark"],
            split=part["split"],
            tasks=part["tasks"],
            seed=part["seed"],
            series=part["count"] * len(part["tasks"]),
            form=_form_of(part),
        )


def _form_of(part: Mapping[str, Any]) -> str:
    """`plain` goes without saying, as in cards older than the forms of Field, and so does the one of others."""
    form: str = part.get("form", PLAIN)
    return form if part["benchmark"] == "field" and form != PLAIN else ""


def _describe_training(store: ArtifactStore, checkpoint: Artifact) -> TrainingFacts:
    method = checkpoint.manifest["recipe"]["config"]["method"]
    stage = checkpoint.manifest["stage"]
    volatile = json.loads(checkpoint.file(VOLATILE).read_text(encoding="utf-8"))
    # The clock of a stage that was resumed ran from its last start; the record of its steps has them all.
    steps = store.home / "runs" / f"{stage.replace('-', '_')}-{checkpoint.path.name}" / METRICS
    seconds = max(volatile["wall_seconds"], _step_seconds(steps))
    return TrainingFacts(
        stage=stage,
        steps=method["steps"],
        seed=method["seed"],
        seconds=seconds,
        commit=checkpoint.manifest["commit"],
    )


def _step_seconds(path: Path) -> float:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return round(sum(json.loads(line)["metrics"].get("step_time", 0.0) for line in lines), 3)


def answers_behind(store: ArtifactStore, scores: Artifact) -> Artifact:
    """The answers of a policy that were scored.

    Raises ValueError for anything but scores of a policy, and FileNotFoundError when its answers are gone.
    """
    if scores.kind != "scores":
        raise ValueError(f"{scores.path} is a {scores.kind} artifact; name the folder of scores")
    answers = _find(store, scores.inputs["predictions"])
    if "policy" not in answers.inputs:
        raise ValueError(f"{scores.path} holds scores of a detector without training; name those of this policy")
    return answers


def measurement(
    row: Mapping[str, Any], measure: str, *, weights: str = "", reasoning: Reasoning = "written"
) -> Measurement | None:
    """One measure of a row of `reports.summary.summarise`; None where it is undefined or has no interval."""
    values = [row.get(name, math.nan) for name in (measure, f"{measure}_low", f"{measure}_high")]
    if not all(math.isfinite(value) for value in values):
        return None
    mean, low, high = (round(float(value), 4) for value in values)
    count = row["n_anomalous"] if measure.endswith("_anomalous") else row["n"]
    return Measurement(
        benchmark=row["benchmark"],
        profile=row["profile"],
        reasoning=reasoning,
        measure=measure,
        series=int(count),
        mean=mean,
        low=low,
        high=high,
        weights=weights,
    )
