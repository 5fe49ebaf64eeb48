"""Evaluation alone: any detectors on chosen held-out benchmarks."""

from pathlib import Path

from prefect import flow

from anomseer_core.configurations import nano
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.policy.folder import find_shipped
from anomseer_core.settings import load_settings
from anomseer_core.store import Artifact, ArtifactStore
from flows.evaluation_config import EvaluationRunConfig, evaluation_of, find_policies
from flows.held_out import RunSummary, evaluate_detectors, held_out_series
from flows.preflight import require_evaluable
from flows.recorded import recorded_flow_run
from flows.run_names import describe_detectors, tell_checkpoint
from tasks.connection import connect
from tasks.observer import run_log
from tasks.policy import adopt_policy
from tasks.stages import StageResult

DEFAULT = evaluation_of(nano())


@flow(name="anomseer-evaluate")
def evaluate(config: EvaluationRunConfig = DEFAULT) -> RunSummary:
    """Evaluate detectors on held-out series: a trained policy, a model behind an API, trivial and classical ones.

    Whatever was answered before is reused. A run that was stopped goes on where it was: answers are kept shard by
    shard, those of an API one by one.

    Args:
        config: The detectors, the benchmarks, and how answers are sampled and scored. The form starts from the
            configuration `nano`; a field left out of a request to the API takes the paper's value instead.
    """
    require_evaluable(config)
    checkpoints = find_policies(ArtifactStore(load_settings().home), config)
    endpoint = config.endpoint if "endpoint" in config.models else None
    with recorded_flow_run("evaluate", config, describe_detectors(config, checkpoints)) as run:
        policies = {name: take_in(run, name, checkpoint) for name, checkpoint in checkpoints.items()}
        held_out = held_out_series(
            run,
            config.anomllm,
            config.visual_time_anomaly,
            config.archive,
            config.benchmarks,
            diverse=config.diverse,
        )
        return evaluate_detectors(run, policies, held_out, config.evaluation, endpoint)


def take_in(run: str, name: str, checkpoint: Artifact | Path) -> StageResult:
    """The policy of a checkpoint, which tables will call by that name."""
    if isinstance(checkpoint, Artifact):
        told = tell_checkpoint(connect(load_settings()), checkpoint)
        run_log().info("%s is checkpoint %s: %s", name, checkpoint.path, told)
        return StageResult.of("checkpoint", checkpoint)
    if checkpoint == find_shipped():
        run_log().info("%s is the policy that comes with this package", name)
        return adopt_policy(run, PolicyConfig(preset="shipped"))
    run_log().info("%s is checkpoint %s, a folder from elsewhere", name, checkpoint)
    return adopt_policy(run, PolicyConfig(source=str(checkpoint)))
