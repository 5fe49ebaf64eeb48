"""The whole method as one flow: series, expert traces, cold start, TimerPO, held-out evaluation, summary."""

from prefect import flow

from anomseer_core.configurations import nano
from anomseer_core.pipeline import PipelineConfig
from flows.held_out import RunSummary, evaluate_detectors, held_out_series
from flows.preflight import require_runnable
from flows.recorded import recorded_flow_run
from flows.run_names import changed_fields, describe_changes
from tasks.expcot import write_expert_traces
from tasks.policy import create_initial_policy
from tasks.synthesis import synthesize_series
from tasks.training import cold_start_policy, reinforce_policy

DEFAULT = nano()


@flow(name="anomseer-pipeline")
def pipeline(config: PipelineConfig = DEFAULT) -> RunSummary:
    """Train a policy that classifies, localises and explains anomalies, and evaluate it on held-out series.

    Stages whose inputs, configuration and code have not changed are reused, so changing one field recomputes only
    what depends on it. Progress is in the logs, metrics, checkpoints and records in MLflow, the summary among the
    artifacts of this run.

    Args:
        config: Everything that shapes the result. The form starts from the configuration `nano`, which takes
            minutes on two CPU cores; a field left out of a request to the API takes the paper's value instead.
    """
    require_runnable(config)
    with recorded_flow_run(config.name, config, describe_changes(changed_fields(config))) as run:
        data = config.synthesis
        train = synthesize_series(run, data.training)
        held_out = held_out_series(
            run, data.anomllm, data.visual_time_anomaly, data.archive, data.benchmarks, diverse=data.diverse
        )
        traces = write_expert_traces(run, train, config.expcot)
        policy = create_initial_policy(run, traces, config.policy)
        policies = {"initial": policy}
        if config.cold_start.steps:
            policy = cold_start_policy(run, policy, train, traces, config.cold_start, config.launch, config.snapshots)
            policies = {"cold-start": policy}
        if config.training.steps:
            policy = reinforce_policy(run, policy, train, traces, config.training, config.launch, config.snapshots)
            policies = {"timerpo": policy, **(policies if config.evaluation.cold_start else {})}
        return evaluate_detectors(run, policies, held_out, config.evaluation)
