"""The task that gives series their expert chain-of-thought traces."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.expcot.corpus import write_traces
from anomseer_core.expcot.statistics import measure_traces
from tasks.fan_out import fan_out
from tasks.stages import StageResult, run_stage


@task(
    name="expert-traces",
    description="Write an expert trace for every training series, or take one from elsewhere; check every number.",
    task_run_name="write expert traces",
    cache_policy=NO_CACHE,
)
def write_expert_traces(mlflow_run: str, series: StageResult, config: ExpCoTConfig) -> StageResult:
    return run_stage(
        mlflow_run,
        "expert-traces",
        lambda store, inputs, observer: write_traces(store, inputs["series"], config, observer, fan_out=fan_out),
        {"series": series},
        measure=measure_traces,
    )
