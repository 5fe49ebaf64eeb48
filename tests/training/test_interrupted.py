"""Where a job begins: resumed, anew, or refused by the names of the settings that differ."""

import logging
from pathlib import Path

import pytest

from anomseer_core.training.claim import claim
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, TimerPOConfig
from anomseer_core.training.interrupted import differences, discard_state, prepare
from anomseer_core.training.job import CHECKPOINT, COMPLETIONS, JOB, METRICS, Owner, TrainingJob
from anomseer_core.training.snapshots import SNAPSHOTS, STATE, snapshot_path, written_snapshots
from tests.training.test_snapshots import write_snapshot

RECIPE = {
    "stage": "timerpo",
    "inputs": {"policy": "a" * 64, "series": "b" * 64},
    "config": {"method": {"alpha": 0.3, "rewards": {"format": 0.1}}, "launch": {"ranks": 2}},
    "code": "c" * 64,
    "libraries": {"torch": "2.13.0"},
}


def build_job(folder: Path, **changes) -> TrainingJob:
    fields = {
        "method": "timerpo",
        "policy": "/data/policy",
        "series": "/data/series.parquet",
        "traces": "/data/traces.parquet",
        "folder": folder,
        "config": TimerPOConfig(steps=30),
        "launch": LaunchConfig(ranks=2, precision="float32"),
        "owner": Owner(pid=1, started=0),
    }
    return TrainingJob(**fields | changes)


def interrupted(folder: Path, *steps: int, **changes) -> TrainingJob:
    """A job that was cut off after some steps, one more than its last snapshot has."""
    job = build_job(folder, **changes)
    job.save()
    for step in steps:
        write_snapshot(folder, step)
    with open(folder / METRICS, "a") as file:
        file.write("y\n")
    (folder / CHECKPOINT).mkdir()
    return job


def test_a_new_job_starts_at_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    assert prepare(build_job(tmp_path / "job"), "resume").start == 0


def test_an_interrupted_job_goes_on_from_its_newest_snapshot(tmp_path: Path, caplog) -> None:
    job = interrupted(tmp_path, 10, 20)
    with caplog.at_level(logging.INFO):
        assert prepare(job, "resume").start == 20
    assert "timerpo: resumed from step 20 of 30" in caplog.text
    assert (tmp_path / METRICS).read_text() == "x\n" * 20
    assert not (tmp_path / CHECKPOINT).exists()


def test_a_damaged_snapshot_costs_its_steps_and_two_cost_all(tmp_path: Path, caplog) -> None:
    job = interrupted(tmp_path, 10, 20)
    (snapshot_path(tmp_path, 20) / STATE / "model.pt").write_text("cut")
    assert prepare(job, "resume").start == 10
    assert (tmp_path / METRICS).read_text() == "x\n" * 10
    (snapshot_path(tmp_path, 10) / STATE / "model.pt").write_text("cut")
    with caplog.at_level(logging.INFO):
        assert prepare(job, "resume").start == 0
    assert "timerpo: starts over, no usable snapshot is left" in caplog.text
    assert not (tmp_path / METRICS).exists()


def test_a_restart_keeps_nothing_but_the_locks(tmp_path: Path) -> None:
    job = interrupted(tmp_path, 10)
    (tmp_path / COMPLETIONS).write_text("z\n")
    with claim(tmp_path):
        assert prepare(job, "restart").start == 0
    assert {path.name for path in tmp_path.iterdir()} == {"launcher.lock", "ranks.lock"}


def test_a_folder_of_other_settings_is_refused_by_their_names(tmp_path: Path) -> None:
    interrupted(tmp_path, 10)
    changed = build_job(tmp_path, config=TimerPOConfig(steps=30, alpha=0.0), launch=LaunchConfig(ranks=4))
    line = (
        r"holds a training with other settings: launch\.precision was float32, is auto; launch\.ranks was 2, is 4; "
        r"training\.alpha was 0\.3, is 0\.0; set them back to go on with it, or start over with snapshots\.unfinished"
    )
    for unfinished in ("resume", "refuse"):
        with pytest.raises(ValueError, match=line):
            prepare(changed, unfinished)
    assert len(written_snapshots(tmp_path)) == 1
    assert prepare(changed, "restart").start == 0


def test_fields_that_shape_no_result_are_no_difference(tmp_path: Path) -> None:
    job = interrupted(tmp_path, 10)
    other = job.model_copy(update={"snapshot_every": 7, "owner": Owner.this_process(), "start": 3})
    assert differences(other, job) == []
    assert prepare(other, "resume").start == 10


def test_with_a_recipe_its_parts_are_compared_under_the_names_a_user_knows(tmp_path: Path) -> None:
    then = build_job(tmp_path, recipe=RECIPE)
    method = {"alpha": 0.3, "rewards": {"format": 0.2}}
    now = RECIPE | {
        "inputs": {"policy": "d" * 64, "series": "b" * 64},
        "config": {"method": method, "launch": {"ranks": 2}},
        "code": "e" * 64,
        "libraries": {"torch": "2.14.0"},
    }
    # Where the files lie is no difference once their content is known.
    assert differences(build_job(tmp_path, recipe=now, policy="/elsewhere"), then) == [
        "the code of this project was cccccccccccc, is eeeeeeeeeeee",
        "training.rewards.format was 0.1, is 0.2",
        "the policy was aaaaaaaaaaaa, is dddddddddddd",
        "torch was 2.13.0, is 2.14.0",
    ]


def test_a_changed_setting_starts_a_new_training_or_is_refused_when_asked_to(tmp_path: Path, caplog) -> None:
    """The folder of a stage is named after its recipe, so the interrupted training lies in another one."""
    (tmp_path / "now").mkdir()
    interrupted(tmp_path / "then", 10)
    interrupted(tmp_path / "other data", 10, series="/data/other.parquet", config=TimerPOConfig(steps=30, alpha=0.0))
    interrupted(tmp_path / "other method", 10, method="cold_start", config=ColdStartConfig(steps=30))
    interrupted(tmp_path / "nothing to go on from", config=TimerPOConfig(steps=30, alpha=0.0))
    job = build_job(tmp_path / "now", config=TimerPOConfig(steps=30, alpha=0.0))
    with caplog.at_level(logging.INFO):
        assert prepare(job, "resume").start == 0
    assert "step 10 of 30, lies in" in caplog.text
    assert "then with other settings: training.alpha was 0.3, is 0.0; this is a new one" in caplog.text
    line = r"an interrupted timerpo training, .* with other settings: training\.alpha was 0\.3, is 0\.0; set them back"
    with pytest.raises(ValueError, match=line):
        prepare(job, "refuse")
    assert prepare(job, "restart").start == 0
    with claim(tmp_path / "then"):
        # It is at work, not interrupted.
        assert prepare(job, "refuse").start == 0


def test_an_unreadable_job_is_named(tmp_path: Path) -> None:
    job = interrupted(tmp_path, 10)
    (tmp_path / "job.json").write_text("{")
    with pytest.raises(ValueError, match=r"job\.json is damaged or of another version; delete"):
        prepare(job, "resume")


def test_a_finished_job_keeps_its_record_alone(tmp_path: Path) -> None:
    interrupted(tmp_path, 10)
    discard_state(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"job.json", METRICS}
    discard_state(tmp_path / "nowhere")
    assert not (tmp_path / SNAPSHOTS).exists()


def test_a_restart_needs_no_whole_description(tmp_path: Path) -> None:
    job = interrupted(tmp_path, 10)
    (tmp_path / JOB).write_text("{")
    with pytest.raises(ValueError, match="is damaged or of another version"):
        prepare(job, "resume")
    assert prepare(job, "restart").start == 0
