"""The sides of a comparison from score artifacts: what must be the same on both for a pair to be one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from anomseer_core.evaluation.comparison import Side
from anomseer_core.evaluation.scores import SCORES_FILE, read_scores
from anomseer_core.store import Artifact


@dataclass(frozen=True)
class ScoredRun:
    """The score artifacts that one reference names, and the detector chosen of them ("" where there is only one)."""

    reference: str
    artifacts: tuple[Artifact, ...]
    detector: str = ""


def build_side(name: str, runs: Sequence[ScoredRun]) -> Side:
    """The rows of one detector, a frame for each run. Raises ValueError when a run holds several and none is chosen."""
    return Side(name, tuple(read_rows(chosen_artifacts(run)) for run in runs))


def read_rows(artifacts: Sequence[Artifact]) -> pd.DataFrame:
    """The rows of several score artifacts in one frame."""
    return pd.concat([read_scores(item.file(SCORES_FILE)) for item in artifacts], ignore_index=True)


def chosen_artifacts(run: ScoredRun) -> list[Artifact]:
    """The artifacts of the chosen detector. Raises ValueError naming the detectors there are."""
    detectors = {item.key: _detector(item) for item in run.artifacts}
    present = sorted(set(detectors.values()))
    if run.detector and run.detector not in present:
        raise ValueError(f"{run.reference} holds no scores of {run.detector}; it has those of {', '.join(present)}")
    if not run.detector and len(present) > 1:
        raise ValueError(
            f"{run.reference} holds scores of {', '.join(present)}; choose one, as {run.reference}:{present[0]}"
        )
    return [item for item in run.artifacts if detectors[item.key] == (run.detector or present[0])]


def require_same_yardstick(artifacts: Sequence[Artifact]) -> None:
    """Raises ValueError unless all were scored in the same way, and those of one benchmark on the very same series."""
    seen: dict[str, Artifact] = {}
    for artifact in artifacts:
        first = artifacts[0]
        if _scoring(artifact) != _scoring(first):
            raise ValueError(
                f"{first.path} and {artifact.path} were scored in different ways "
                f"({_differences(_scoring(first), _scoring(artifact))}); score both in one"
            )
        for benchmark in read_scores(artifact.file(SCORES_FILE))["benchmark"].unique():
            other = seen.setdefault(benchmark, artifact)
            if other.inputs["series"].digest != artifact.inputs["series"].digest:
                raise ValueError(
                    f"{other.path} and {artifact.path} were scored on different series of {benchmark}; "
                    "compare detectors on the same ones"
                )


def _detector(artifact: Artifact) -> str:
    names = read_scores(artifact.file(SCORES_FILE))["detector"].unique()
    return names[0] if len(names) else ""


def _scoring(artifact: Artifact) -> Mapping[str, Any]:
    return artifact.manifest["recipe"]["config"]


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
    return ", ".join(f"{name} {one.get(name)} and {other.get(name)}" for name in names)
