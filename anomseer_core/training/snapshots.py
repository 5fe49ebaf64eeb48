"""Snapshots: the resume state of a training run, as files in the job's private folder.

A snapshot is what DeepSpeed saves (weights, optimiser, learning-rate schedule) and `snapshot.json`: its step, how much
of the metrics and completions files belongs to it, and the SHA-256 of its files. It appears under its name by one
atomic rename, after every rank has written. DeepSpeed's files are pickles: they are read only from the folder where
this installation wrote them, and only with the digests of that moment.

Nothing else is needed to go on: which examples a step draws, what is sampled and any dropout are functions of the step.
"""

import logging
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from anomseer_core.store import file_digest
from anomseer_core.training.job import COMPLETIONS, METRICS

SNAPSHOTS = "snapshots"
RECORD = "snapshot.json"
# The folder of DeepSpeed's files inside a snapshot; DeepSpeed calls it the tag.
STATE = "state"
WRITING = ".writing"
PREFIX = "step-"
log = logging.getLogger(__name__)


class UnusableSnapshot(ValueError):
    """A snapshot that must not be loaded; the message says why."""


class Snapshot(BaseModel):
    """step: finished steps; lengths [bytes]: of the files that grow; shapes: of the trained tensors; files: SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    lengths: dict[str, int]
    shapes: dict[str, tuple[int, ...]]
    files: dict[str, str]


def snapshot_path(folder: Path, step: int) -> Path:
    return folder / SNAPSHOTS / f"{PREFIX}{step:08d}"


def written_snapshots(folder: Path) -> list[Path]:
    """The snapshots of a job's folder, newest first; none is half-written, any may be damaged."""
    return sorted((folder / SNAPSHOTS).glob(f"{PREFIX}*"), reverse=True)


def newest_step(folder: Path) -> int:
    """The step of the newest snapshot by its name alone; 0 without one."""
    return next((int(path.name.removeprefix(PREFIX)) for path in written_snapshots(folder)), 0)


def read_record(path: Path) -> Snapshot:
    """What a snapshot says of itself. Raises UnusableSnapshot when it says nothing readable."""
    try:
        return Snapshot.model_validate_json((path / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise UnusableSnapshot(f"{path}: {RECORD} is missing or cannot be read") from error


def require_whole(path: Path) -> Snapshot:
    """Compare every file with its digest. Raises UnusableSnapshot naming the first that differs."""
    snapshot = read_record(path)
    present = state_files(path)
    for name in sorted(set(present) ^ set(snapshot.files)):
        raise UnusableSnapshot(f"{path}: {name} is {'missing' if name in snapshot.files else 'not of this snapshot'}")
    # Large files, one core each: hashing lets other threads work.
    with ThreadPoolExecutor() as pool:
        for name, digest in zip(present, pool.map(lambda name: file_digest(path / name), present), strict=True):
            if digest != snapshot.files[name]:
                raise UnusableSnapshot(f"{path}: {name} was damaged")
    for name, length in snapshot.lengths.items():
        if _length(path.parents[1] / name) < length:
            raise UnusableSnapshot(f"{path}: {name} is shorter than when it was written")
    return snapshot


def state_files(path: Path) -> list[str]:
    """The names of DeepSpeed's files in a snapshot, in a stable order."""
    return sorted(file.relative_to(path).as_posix() for file in (path / STATE).rglob("*") if file.is_file())


def newest_usable(folder: Path) -> Snapshot | None:
    """The newest whole snapshot, or None. Damaged ones are told in the log and deleted: nothing can use them."""
    for path in written_snapshots(folder):
        try:
            return require_whole(path)
        except UnusableSnapshot as error:
            log.warning("%s; this snapshot is left out", error)
            shutil.rmtree(path)
    return None


def cut_back(folder: Path, snapshot: Snapshot) -> None:
    """Leave of a folder what belongs to a snapshot: later lines and half-written files go."""
    for name, length in snapshot.lengths.items():
        if (folder / name).exists():
            os.truncate(folder / name, length)
    shutil.rmtree(folder / SNAPSHOTS / WRITING, ignore_errors=True)


def drop_older(folder: Path, kept: int) -> None:
    for path in written_snapshots(folder)[kept:]:
        shutil.rmtree(path)


def growing_lengths(folder: Path) -> dict[str, int]:
    """Bytes of the metrics and completions files, after the system has been told to keep them."""
    for path in (folder / METRICS, folder / COMPLETIONS):
        if path.exists():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    return {name: _length(folder / name) for name in (METRICS, COMPLETIONS)}


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
