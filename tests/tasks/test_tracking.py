import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from mlflow.entities import LoggedModelStatus

from tasks import tags
from tasks.connection import Tracking
from tasks.tracking import closing, find_or_create_parent, flatten, open_child, reconcile


def parent_of(tracking: Tracking, flow_run_id: str = "flow-1") -> str:
    return find_or_create_parent(
        tracking,
        flow_run_id,
        name="tiny brave-otter",
        about={tags.CONFIGURATION: "tiny", tags.COMMIT: "abc"},
        config={"training": {"alpha": 0.3, "rewards": {"format": 0.1}}, "tasks": ["point", "freq"]},
    )


def test_flatten_gives_dotted_names_and_keeps_lists():
    assert flatten({"a": {"b": {"c": 1}}, "d": [1, 2]}) == {"a.b.c": 1, "d": [1, 2]}


def test_a_parent_run_holds_tags_parameters_and_the_configuration(tracking: Tracking):
    run = tracking.client.get_run(parent_of(tracking))
    assert run.info.status == "RUNNING"
    assert run.info.run_name == "tiny brave-otter"
    assert run.data.tags[tags.FLOW_RUN_ID] == "flow-1"
    assert run.data.tags[tags.OWNER_PID] == str(psutil.Process().pid)
    assert run.data.params == {"training.alpha": "0.3", "training.rewards.format": "0.1", "tasks": "['point', 'freq']"}
    assert [item.path for item in tracking.client.list_artifacts(run.info.run_id)] == ["config.json"]


def test_a_retried_flow_run_gets_its_run_back(tracking: Tracking):
    first = parent_of(tracking)
    with pytest.raises(RuntimeError), closing(tracking.client, first):
        raise RuntimeError("no space left\non the device")
    failed = tracking.client.get_run(first)
    assert (failed.info.status, failed.data.tags[tags.ERROR]) == ("FAILED", "no space left")

    assert parent_of(tracking) == first
    again = tracking.client.get_run(first)
    assert again.info.status == "RUNNING"
    assert tags.ERROR not in again.data.tags
    assert parent_of(tracking, "flow-2") != first


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("bad"), "FAILED"), (KeyboardInterrupt(), "KILLED"), (SystemExit(143), "KILLED")],
)
def test_an_error_fails_a_run_and_a_signal_kills_it(tracking: Tracking, error: BaseException, status: str):
    with (
        pytest.raises(type(error)),
        open_child(tracking, parent_of(tracking), name="stage", about={}) as run_id,
    ):
        raise error
    assert tracking.client.get_run(run_id).info.status == status


def test_two_first_runs_at_once_make_one_database(tmp_path: Path):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from anomseer_core.settings import Settings\n"
        "from tasks.connection import connect\n"
        "print(connect(Settings(home=Path(sys.argv[1]))).experiment_id)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "home")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], told
    assert len({experiment for experiment, _ in told}) == 1


def test_a_child_names_its_parent_and_finishes(tracking: Tracking):
    parent = parent_of(tracking)
    with open_child(tracking, parent, name="stage", about={tags.STAGE: "draw"}) as run_id:
        assert tracking.client.get_run(run_id).info.status == "RUNNING"
    run = tracking.client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert (run.data.tags[tags.PARENT], run.data.tags[tags.STAGE]) == (parent, "draw")


def test_reconcile_closes_what_a_killed_process_left_open(tracking: Tracking):
    """A real process opens a run and a model and is killed; a run of this process stays as it is."""
    script = (
        "import os, signal\n"
        "from anomseer_core.settings import load_settings\n"
        "from tasks.connection import connect\n"
        "from tasks.tracking import find_or_create_parent\n"
        "tracking = connect(load_settings())\n"
        "run = find_or_create_parent(tracking, 'killed', name='killed', about={}, config={})\n"
        "tracking.client.create_logged_model(tracking.experiment_id, name='half', source_run_id=run)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -9
    ours = parent_of(tracking)

    abandoned = reconcile(tracking)
    assert [run.data.tags[tags.FLOW_RUN_ID] for run in abandoned] == ["killed"]
    assert tracking.client.get_run(abandoned[0].info.run_id).info.status == "KILLED"
    assert tracking.client.get_run(ours).info.status == "RUNNING"
    models = tracking.client.search_logged_models([tracking.experiment_id])
    assert [model.status for model in models] == [LoggedModelStatus.FAILED]
    assert reconcile(tracking) == []


def test_reconcile_leaves_the_runs_of_other_machines_alone(tracking: Tracking):
    run_id = parent_of(tracking)
    for tag, value in ((tags.OWNER_HOST, "another-machine"), (tags.OWNER_PID, "1"), (tags.OWNER_STARTED, "0.5")):
        tracking.client.set_tag(run_id, tag, value)
    assert reconcile(tracking) == []


def test_reconcile_knows_a_pid_that_was_given_to_another_process(tracking: Tracking):
    run_id = parent_of(tracking)
    tracking.client.set_tag(run_id, tags.OWNER_STARTED, "0.5")
    assert [run.info.run_id for run in reconcile(tracking)] == [run_id]
