"""The MLflow side of a flow run: one parent run, opened at its start and closed with the status it deserves."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed
from prefect.utilities.urls import url_for

from anomseer_core.config import Config
from anomseer_core.settings import load_settings
from anomseer_core.store import commit
from tasks import tags
from tasks.connection import Tracking, connect
from tasks.observer import run_log
from tasks.tracking import closing, find_or_create_parent, reconcile


@contextmanager
def recorded_flow_run(configuration: str, config: Config, subject: str = "") -> Iterator[str]:
    """The id of this flow run's MLflow run. Runs that a killed process left open are closed first.

    subject: what sets this run apart from others of its configuration; part of its name.
    """
    # Prefect takes the lines of this logger (PREFECT_LOGGING_EXTRA_LOGGERS) and leaves its level to the root: WARNING.
    logging.getLogger("anomseer_core").setLevel(logging.INFO)
    tracking = connect(load_settings())
    close_abandoned(tracking, run_log())
    about = {
        tags.CONFIGURATION: configuration,
        tags.COMMIT: commit(),
        # Not `runtime.flow_run.ui_url`: its path is not the one that Prefect's pages answer to.
        tags.FLOW_RUN_URL: url_for("flow-run", obj_id=runtime.flow_run.id) or "",
        tags.FLOW: runtime.flow_run.flow_name,
    }
    run_id = find_or_create_parent(
        tracking,
        runtime.flow_run.id,
        name=" ".join(filter(None, (configuration, subject, runtime.flow_run.name))),
        about=about,
        config=config.model_dump(mode="json"),
    )
    with closing(tracking.client, run_id):
        yield run_id


def close_abandoned(tracking: Tracking, log: logging.Logger | logging.LoggerAdapter) -> None:
    """End the MLflow runs whose process is gone as KILLED, and their flow runs as Crashed."""
    for run in reconcile(tracking):
        log.warning("MLflow run %s was left open by a process that is gone: marked KILLED", run.info.run_id)
        flow_run_id = run.data.tags.get(tags.FLOW_RUN_ID)
        if flow_run_id:
            _crash_flow_run(flow_run_id)


def _crash_flow_run(flow_run_id: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            flow_run = client.read_flow_run(flow_run_id)
        except ObjectNotFound:
            # Another Prefect server knows it.
            return
        if not flow_run.state.is_final():
            client.set_flow_run_state(flow_run.id, Crashed(message="Its process ended without a word."), force=True)
