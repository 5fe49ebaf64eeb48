"""Snapshots on disk: whole or left out, and the files beside them cut back to them."""

import logging
from pathlib import Path

import pytest

from anomseer_core.store import file_digest, write_json
from anomseer_core.training.job import COMPLETIONS, METRICS
from anomseer_core.training.snapshots import (
    RECORD,
    SNAPSHOTS,
    STATE,
    WRITING,
    UnusableSnapshot,
    cut_back,
    drop_older,
    growing_lengths,
    newest_step,
    newest_usable,
    require_whole,
    snapshot_path,
    state_files,
    written_snapshots,
)


def write_snapshot(folder: Path, step: int) -> Path:
    """A snapshot of two small files, made while the metrics hold `step` lines of two bytes."""
    (folder / METRICS).write_text("x\n" * step)
    path = snapshot_path(folder, step)
    (path / STATE).mkdir(parents=True)
    for name in ("optim.pt", "model.pt"):
        (path / STATE / name).write_text(f"{name} at {step}")
    files = {name: file_digest(path / name) for name in state_files(path)}
    lengths = growing_lengths(folder)
    write_json(path / RECORD, {"step": step, "lengths": lengths, "shapes": {"weight": [2, 3]}, "files": files})
    return path


def test_a_snapshot_says_what_it_holds(tmp_path: Path) -> None:
    snapshot = require_whole(write_snapshot(tmp_path, 5))
    assert (snapshot.step, snapshot.shapes) == (5, {"weight": (2, 3)})
    assert snapshot.lengths == {METRICS: 10, COMPLETIONS: 0}
    assert set(snapshot.files) == {"state/optim.pt", "state/model.pt"}


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda at: (at / STATE / "model.pt").write_text("other"), r"state/model\.pt was damaged"),
        (lambda at: (at / STATE / "model.pt").unlink(), r"state/model\.pt is missing"),
        (lambda at: (at / STATE / "code.py").write_text(""), r"state/code\.py is not of this snapshot"),
        (lambda at: (at / RECORD).unlink(), r"snapshot\.json is missing or cannot be read"),
        (lambda at: (at / RECORD).write_text('{"step": 10'), r"snapshot\.json is missing or cannot be read"),
        (lambda at: (at / RECORD).write_text('{"step": 10}'), r"snapshot\.json is missing or cannot be read"),
        (lambda at: (at.parents[1] / METRICS).write_text(""), r"metrics\.jsonl is shorter than when it was written"),
    ],
)
def test_a_damaged_snapshot_is_told_and_the_one_before_it_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage, line: str
) -> None:
    write_snapshot(tmp_path, 0)
    newest = write_snapshot(tmp_path, 10)
    damage(newest)
    with pytest.raises(UnusableSnapshot, match=line):
        require_whole(newest)
    with caplog.at_level(logging.WARNING):
        assert newest_usable(tmp_path).step == 0
    assert str(newest) in caplog.text
    assert not newest.exists()


def test_without_a_whole_snapshot_there_is_none(tmp_path: Path) -> None:
    assert newest_usable(tmp_path) is None
    (write_snapshot(tmp_path, 5) / STATE / "model.pt").unlink()
    assert newest_usable(tmp_path) is None


def test_later_lines_and_half_written_files_are_cut_off(tmp_path: Path) -> None:
    snapshot = require_whole(write_snapshot(tmp_path, 5))
    with open(tmp_path / METRICS, "a") as file:
        file.write("y\ny")
    (tmp_path / COMPLETIONS).write_text("z\n")
    (tmp_path / SNAPSHOTS / WRITING).mkdir()
    cut_back(tmp_path, snapshot)
    assert (tmp_path / METRICS).read_text() == "x\n" * 5
    assert (tmp_path / COMPLETIONS).read_text() == ""
    assert not (tmp_path / SNAPSHOTS / WRITING).exists()


def test_the_newest_are_kept_in_the_order_of_their_steps(tmp_path: Path) -> None:
    for step in (5, 100, 20):
        write_snapshot(tmp_path, step)
    drop_older(tmp_path, 2)
    assert written_snapshots(tmp_path) == [snapshot_path(tmp_path, 100), snapshot_path(tmp_path, 20)]
    assert newest_step(tmp_path) == 100
    assert newest_step(tmp_path / "nowhere") == 0
