"""What a run is called in MLflow, so that two runs of one configuration can be told apart in a list."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anomseer_core.baselines.trivial import ANSWERS
from anomseer_core.configurations import CONFIGURATIONS
from anomseer_core.pipeline import PipelineConfig
from anomseer_core.store import Artifact
from flows.evaluation_config import EvaluationRunConfig
from tasks import tags
from tasks.connection import Tracking
from tasks.recording import find_record
from tasks.tracking import flatten

MOST_SHOWN = 3
LONGEST_VALUE = 40
SHOWN_DIGEST = 12


def changed_fields(config: PipelineConfig) -> dict[str, Any]:
    """The fields in which a configuration departs from the named one it started from; none for a name of its own."""
    if config.name not in CONFIGURATIONS:
        return {}
    start = flatten(CONFIGURATIONS[config.name]().model_dump(mode="json"))
    return {name: value for name, value in flatten(config.model_dump(mode="json")).items() if start.get(name) != value}


def describe_changes(changed: Mapping[str, Any]) -> str:
    """The changes as `--set` takes them, the first few of them, long values cut.

    >>> describe_changes({"training.alpha": 0.0, "policy.preset": "nano"})
    'training.alpha=0.0 policy.preset=nano'
    """
    shown = [f"{name}={_short(value)}" for name, value in list(changed.items())[:MOST_SHOWN]]
    more = len(changed) - len(shown)
    return " ".join([*shown, f"and {more} more"] if more else shown)


def describe_detectors(config: EvaluationRunConfig, checkpoints: Mapping[str, Artifact | Path]) -> str:
    """The models of an evaluation; where there is none, its classical detectors. checkpoints: by name."""
    models = [describe_checkpoint(item) for item in checkpoints.values()]
    models += [config.endpoint.model] if "endpoint" in config.models else []
    names = models or [name for name in config.evaluation.baselines if name not in ANSWERS] or ["trivial predictors"]
    more = len(names) - MOST_SHOWN
    return ", ".join(names[:MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def describe_checkpoint(checkpoint: Artifact | Path) -> str:
    """The stage that made a checkpoint, and the beginning of its digest; the name of a folder from elsewhere."""
    if isinstance(checkpoint, Path):
        return checkpoint.name
    return f"{checkpoint.manifest['stage']} {checkpoint.digest[:SHOWN_DIGEST]}"


def tell_checkpoint(tracking: Tracking, checkpoint: Artifact) -> str:
    """What a checkpoint is and where it comes from, such as `timerpo, 8 steps, of run 'nano brave-otter'`."""
    parts = [checkpoint.manifest["stage"]]
    steps = checkpoint.manifest["recipe"]["config"].get("method", {}).get("steps")
    if steps is not None:
        parts.append(f"{steps} step{'s' * (steps != 1)}")
    record = find_record(tracking, checkpoint)
    parent = tracking.client.get_run(record).data.tags.get(tags.PARENT) if record else None
    if parent:
        parts.append(f"of run {tracking.client.get_run(parent).info.run_name!r}")
    return ", ".join(parts)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."
