"""Tasks that bring a policy into the store, before any training of ours."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from anomseer_core.policy.birth import create_policy
from anomseer_core.policy.config import PolicyConfig
from tasks.stages import StageResult, run_stage


@task(
    name="initial-policy",
    description="Create the nano policy with its own tokenizer, or take a pretrained one.",
    task_run_name="create policy {config.preset}",
    cache_policy=NO_CACHE,
)
def create_initial_policy(mlflow_run: str, traces: StageResult, config: PolicyConfig) -> StageResult:
    return run_stage(
        mlflow_run,
        "initial-policy",
        lambda store, inputs, observer: create_policy(store, inputs["traces"], config, observer),
        {"traces": traces},
    )


@task(
    name="adopt-policy",
    description="Take the shipped policy, or a checkpoint folder from elsewhere, into the store.",
    task_run_name="adopt policy",
    cache_policy=NO_CACHE,
)
def adopt_policy(mlflow_run: str, config: PolicyConfig) -> StageResult:
    return run_stage(
        mlflow_run, "adopted-policy", lambda store, _, observer: create_policy(store, None, config, observer)
    )
