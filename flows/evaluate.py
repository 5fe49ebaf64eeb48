"""Evaluation alone: one checkpoint on chosen held-out benchmarks, beside the trivial and classical detectors."""

from prefect import flow

from anomseer_core.configurations import nano
from anomseer_core.settings import load_settings
from anomseer_core.store import Artifact, ArtifactStore
from flows.evaluation_config import EvaluationRunConfig, evaluation_of, find_checkpoint
from flows.held_out import RunSummary, evaluate_detectors, held_out_series
from flows.preflight import require_evaluable
from flows.recorded import recorded_flow_run
from flows.run_names import describe_checkpoint, tell_checkpoint
from tasks.connection import connect
from tasks.observer import run_log
from tasks.policy import adopt_policy
from tasks.stages import StageResult

DEFAULT = evaluation_of(nano())


@flow(name="anomseer-evaluate")
def evaluate(config: EvaluationRunConfig = DEFAULT) -> RunSummary:
    """Evaluate a trained policy on held-out series, beside the trivial and classical detectors.

    Args:
        config: The checkpoint, the benchmarks, and how answers are sampled and scored. The form starts from the
            configuration `nano`; a field left out of a request to the API takes the paper's value instead.
    """
    require_evaluable(config)
    settings = load_settings()
    checkpoint = find_checkpoint(ArtifactStore(settings.home), config.checkpoint)
    with recorded_flow_run("evaluate", config, describe_checkpoint(checkpoint)) as run:
        if isinstance(checkpoint, Artifact):
            told = tell_checkpoint(connect(settings), checkpoint)
            run_log().info("evaluating checkpoint %s: %s", checkpoint.path, told)
            policies = {checkpoint.manifest["stage"]: StageResult.of("checkpoint", checkpoint)}
        else:
            run_log().info("evaluating checkpoint %s, a folder from elsewhere", checkpoint)
            policies = {checkpoint.name: adopt_policy(run, str(checkpoint))}
        held_out = held_out_series(run, config.anomllm, config.visual_time_anomaly, config.archive, config.benchmarks)
        return evaluate_detectors(run, policies, held_out, config.evaluation)
