"""Evaluation alone: one checkpoint on chosen held-out benchmarks, beside the trivial and classical detectors."""

from prefect import flow

from anomseer_core.pipeline import nano
from anomseer_core.settings import load_settings
from anomseer_core.store import Artifact, ArtifactStore
from flows.evaluation_config import EvaluationRunConfig, evaluation_of, find_checkpoint
from flows.held_out import RunSummary, evaluate_detectors, held_out_series
from flows.preflight import require_evaluable
from flows.recorded import recorded_flow_run
from tasks.policy import adopt_policy
from tasks.stages import StageResult

DEFAULT = evaluation_of(nano())


@flow(name="anomseer-evaluate")
def evaluate(config: EvaluationRunConfig = DEFAULT) -> RunSummary:
    """Evaluate a trained policy on held-out series, beside the trivial and classical detectors.

    Args:
        config: The checkpoint, the benchmarks, and how answers are sampled and scored.
    """
    require_evaluable(config)
    checkpoint = find_checkpoint(ArtifactStore(load_settings().home), config.checkpoint)
    with recorded_flow_run("evaluate", config) as run:
        if isinstance(checkpoint, Artifact):
            policies = {checkpoint.manifest["stage"]: StageResult.of("checkpoint", checkpoint)}
        else:
            policies = {checkpoint.name: adopt_policy(run, str(checkpoint))}
        held_out = held_out_series(run, config.anomllm, config.visual_time_anomaly, config.archive, config.benchmarks)
        return evaluate_detectors(run, policies, held_out, config.evaluation)
