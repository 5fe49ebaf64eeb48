"""Scores together with what they are about: the series, and the answers as the rules of the scores read them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from anomseer_core.evaluation.config import ScoringConfig
from anomseer_core.evaluation.detector import SERIES_FILE
from anomseer_core.evaluation.prediction import PREDICTIONS_FILE, Prediction, read_predictions
from anomseer_core.evaluation.profiles import choose_profile, reread
from anomseer_core.evaluation.scores import SCORES_FILE, read_scores
from anomseer_core.recipe import Reference
from anomseer_core.series import Series, read_series
from anomseer_core.store import Artifact, ArtifactStore


@dataclass(frozen=True)
class Scored:
    """One score artifact, its rows, and the artifacts it was made from."""

    scores: Artifact
    rows: pd.DataFrame
    predictions: Artifact
    series: Artifact

    @property
    def detector(self) -> str:
        return self.rows["detector"].iloc[0]

    @property
    def benchmark(self) -> str:
        return self.rows["benchmark"].iloc[0]

    @property
    def profile(self) -> str:
        return self.rows["profile"].iloc[0]

    def read_series(self) -> Iterator[Series]:
        return read_series(self.series.file(SERIES_FILE))

    def read_answers(self) -> Iterator[Prediction]:
        return read_scored(self.scores, {"predictions": self.predictions, "series": self.series})


def find_scored(store: ArtifactStore, path: Path | str) -> Scored:
    """The scores in a folder, with their inputs. Raises FileNotFoundError where one is not in the store any more."""
    scores = store.open(path)
    predictions, series = (_input(store, scores, role) for role in ("predictions", "series"))
    return Scored(scores, read_scores(scores.file(SCORES_FILE)), predictions, series)


def find_policy(store: ArtifactStore, scored: Scored) -> Artifact | None:
    """The checkpoint that answered; None for a detector without one, or one that the store has no more."""
    reference = scored.predictions.inputs.get("policy")
    return _find(store, reference) if reference else None


def read_scored(scores: Artifact, inputs: Mapping[str, Artifact]) -> Iterator[Prediction]:
    """The predictions as the rules of the scores read them. inputs: of the scores, by role."""
    config = ScoringConfig(**scores.manifest["recipe"]["config"])
    series = read_series(inputs["series"].file(SERIES_FILE))
    for item, answer in zip(series, read_predictions(inputs["predictions"].file(PREDICTIONS_FILE)), strict=True):
        profile = choose_profile(config.profile, item.benchmark)
        yield reread(profile, answer, item) if config.reading == "response" else answer


def _input(store: ArtifactStore, artifact: Artifact, role: str) -> Artifact:
    found = _find(store, artifact.inputs[role])
    if found is None:
        raise FileNotFoundError(f"the {role} of {artifact.path} are not in {store.root} any more; evaluate again")
    return found


def _find(store: ArtifactStore, reference: Reference) -> Artifact | None:
    found = store.find(reference.kind, reference.key)
    return found if found and found.digest == reference.digest else None
