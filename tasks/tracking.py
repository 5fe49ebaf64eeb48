"""MLflow runs: one parent per flow run, one child per stage, each closed by the process that opened it.

Everything goes through `MlflowClient` with explicit run ids. A run ends FINISHED, FAILED (an error) or KILLED (a
signal); a process that is killed outright cannot say so, and `reconcile` says it at the next start.
"""

import logging
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import LoggedModelStatus, Param, Run
from mlflow.exceptions import MlflowException

from anomseer_core.config import flatten
from anomseer_core.training.job import Owner
from tasks import tags
from tasks.connection import Tracking

PARAMS_PER_BATCH = 100
# Longer values are cut by MLflow without a word; the whole configuration is an artifact of the run.
LONGEST_PARAM = 500
log = logging.getLogger(__name__)


def find_or_create_parent(
    tracking: Tracking, flow_run_id: str, *, name: str, about: Mapping[str, str], config: Mapping[str, Any]
) -> str:
    """The id of a flow run's MLflow run, running and owned by this process; a retried flow run gets its run back."""
    found = tracking.client.search_runs(
        [tracking.experiment_id], f"tags.`{tags.FLOW_RUN_ID}` = '{flow_run_id}'", max_results=1
    )
    run_tags = {tags.FLOW_RUN_ID: flow_run_id, **about, **_owner_tags()}
    if found:
        run_id = found[0].info.run_id
        for key, value in run_tags.items():
            tracking.client.set_tag(run_id, key, value)
        if tags.ERROR in found[0].data.tags:
            tracking.client.delete_tag(run_id, tags.ERROR)
        tracking.client.update_run(run_id, status="RUNNING")
        return run_id
    run_id = tracking.client.create_run(tracking.experiment_id, run_name=name, tags=run_tags).info.run_id
    log_config(tracking.client, run_id, config)
    return run_id


@contextmanager
def open_child(tracking: Tracking, parent: str, *, name: str, about: Mapping[str, str]) -> Iterator[str]:
    """The run of one stage under its parent ("" for none), closed with the status that the body's end calls for."""
    run_tags = {tags.NAME: name, **about, **_owner_tags()} | ({tags.PARENT: parent} if parent else {})
    run_id = tracking.client.create_run(tracking.experiment_id, run_name=name, tags=run_tags).info.run_id
    with closing(tracking.client, run_id):
        yield run_id


@contextmanager
def closing(client: MlflowClient, run_id: str) -> Iterator[None]:
    """Set the run's final status: FINISHED, FAILED after an error, KILLED after a signal or an interrupt."""
    try:
        yield
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"
        try:
            client.set_tag(run_id, tags.ERROR, first_line(error))
            client.set_terminated(run_id, status)
        except (MlflowException, OSError) as failure:
            # The error that ended the body must not be hidden; `reconcile` closes the run at the next start.
            log.warning("MLflow run %s could not be marked %s: %s", run_id, status, first_line(failure))
        raise
    client.set_terminated(run_id, "FINISHED")


def reconcile(tracking: Tracking) -> list[Run]:
    """Mark KILLED every RUNNING run whose owner, a process of this machine, is gone; returns those runs."""
    here = f"attributes.status = 'RUNNING' and tags.`{tags.OWNER_HOST}` = '{platform.node()}'"
    abandoned = [run for run in _search_all(tracking, here) if not _owner(run).is_alive()]
    for run in abandoned:
        tracking.client.set_tag(run.info.run_id, tags.ERROR, "its process ended without a word")
        tracking.client.set_terminated(run.info.run_id, "KILLED")
        _fail_pending_models(tracking, run.info.run_id)
    return abandoned


def log_config(client: MlflowClient, run_id: str, config: Mapping[str, Any]) -> None:
    """The configuration as `config.json`, and its fields as parameters named as `--set` and the form name them."""
    client.log_dict(run_id, dict(config), "config.json")
    params = [Param(name, str(value)[:LONGEST_PARAM]) for name, value in flatten(config).items()]
    for start in range(0, len(params), PARAMS_PER_BATCH):
        client.log_batch(run_id, params=params[start : start + PARAMS_PER_BATCH])


def _search_all(tracking: Tracking, query: str) -> list[Run]:
    runs: list[Run] = []
    token = None
    while True:
        page = tracking.client.search_runs([tracking.experiment_id], query, max_results=1000, page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def _fail_pending_models(tracking: Tracking, run_id: str) -> None:
    for model in tracking.client.search_logged_models(
        [tracking.experiment_id], f"attributes.source_run_id = '{run_id}'"
    ):
        if model.status == LoggedModelStatus.PENDING:
            tracking.client.finalize_logged_model(model.model_id, LoggedModelStatus.FAILED)


def _owner_tags() -> dict[str, str]:
    owner = Owner.this_process()
    return {
        tags.OWNER_HOST: platform.node(),
        tags.OWNER_PID: str(owner.pid),
        tags.OWNER_STARTED: repr(owner.started),
    }


def _owner(run: Run) -> Owner:
    return Owner(pid=int(run.data.tags[tags.OWNER_PID]), started=float(run.data.tags[tags.OWNER_STARTED]))


def first_line(error: BaseException) -> str:
    """What an error says, fit for a tag or a line of a log."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:500]
