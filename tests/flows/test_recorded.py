import logging
import platform

import pytest
from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.states import Running

from anomseer_core.config import Config
from flows.recorded import close_abandoned, recorded_flow_run
from tasks import tags
from tasks.connection import Tracking
from tasks.observer import run_log
from tasks.tracking import find_or_create_parent

pytestmark = pytest.mark.usefixtures("prefect_api")


class ToyConfig(Config):
    alpha: float = 0.3


def test_a_flow_run_is_recorded_and_finishes(tracking: Tracking):
    @flow
    def toy() -> tuple[str, str]:
        with recorded_flow_run("toy-configuration", ToyConfig()) as run_id:
            return run_id, str(runtime.flow_run.id)

    run_id, flow_run_id = toy()
    run = tracking.client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name.startswith("toy-configuration ")
    about = run.data.tags
    assert (about[tags.FLOW_RUN_ID], about[tags.FLOW], about[tags.CONFIGURATION]) == (
        flow_run_id,
        "toy",
        "toy-configuration",
    )
    assert about[tags.FLOW_RUN_URL].endswith(f"/runs/flow-run/{flow_run_id}")
    assert about[tags.OWNER_HOST] == platform.node()


def test_a_retried_flow_run_goes_on_in_its_own_record(tracking: Tracking):
    seen: list[tuple[str, str]] = []

    @flow(retries=1, retry_delay_seconds=0)
    def flaky() -> None:
        with recorded_flow_run("toy", ToyConfig()) as run_id:
            seen.append((run_id, tracking.client.get_run(run_id).info.status))
            if len(seen) == 1:
                raise RuntimeError("once")

    flaky()
    assert seen == [(seen[0][0], "RUNNING")] * 2
    run = tracking.client.get_run(seen[0][0])
    assert run.info.status == "FINISHED"
    assert tags.ERROR not in run.data.tags


def test_a_flow_that_fails_leaves_a_failed_record(tracking: Tracking):
    @flow
    def failing() -> None:
        with recorded_flow_run("toy", ToyConfig()):
            raise RuntimeError("no space left")

    with pytest.raises(RuntimeError, match="no space left"):
        failing()
    (run,) = tracking.client.search_runs([tracking.experiment_id])
    assert (run.info.status, run.data.tags[tags.ERROR]) == ("FAILED", "no space left")


def test_what_a_killed_process_left_open_is_closed_in_both(tracking: Tracking):
    @flow
    def killed() -> None: ...

    with get_client(sync_client=True) as client:
        flow_run = client.create_flow_run(killed, state=Running())
        ids = {"known": str(flow_run.id), "of another server": "00000000-0000-0000-0000-000000000000"}
        for name, flow_run_id in ids.items():
            run_id = find_or_create_parent(tracking, flow_run_id, name=name, about={}, config={})
            tracking.client.set_tag(run_id, tags.OWNER_STARTED, "0.5")
        close_abandoned(tracking, run_log())
        assert client.read_flow_run(flow_run.id).state.is_crashed()
    runs = tracking.client.search_runs([tracking.experiment_id])
    assert [run.info.status for run in runs] == ["KILLED", "KILLED"]


def test_what_the_core_tells_reaches_the_run(tracking: Tracking):
    @flow
    def telling() -> bool:
        with recorded_flow_run("toy", ToyConfig()):
            return logging.getLogger("anomseer_core.archives.dataset").isEnabledFor(logging.INFO)

    assert telling()
