"""Resume state as the ranks of a job see it: loaded before the first step, written every few steps.

Writing never ends a training: a snapshot that cannot be written (a full disk) is told and left out, and the next one
is tried. So that one rank's trouble cannot leave the others waiting inside DeepSpeed's barriers, errors of writing are
held back until all ranks are through, and then agreed on.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from torch import distributed, nn

from anomseer_core.store import file_digest, write_json
from anomseer_core.training.job import TrainingJob
from anomseer_core.training.notices import tell
from anomseer_core.training.snapshots import (
    RECORD,
    SNAPSHOTS,
    STATE,
    WRITING,
    Snapshot,
    UnusableSnapshot,
    drop_older,
    growing_lengths,
    newest_step,
    read_record,
    snapshot_path,
    state_files,
)

if TYPE_CHECKING:
    import deepspeed

Result = TypeVar("Result")
KEPT = 2
# What writing raises: Python's own errors, and torch's for its files.
WRITE_ERRORS = (OSError, RuntimeError)


class ResumeState:
    """The snapshots of one job, through its engine."""

    def __init__(self, engine: "deepspeed.DeepSpeedEngine", job: TrainingJob, rank: int) -> None:
        self.engine = engine
        self.job = job
        self.rank = rank
        self.ranks = distributed.get_world_size()
        # Each parameter with the shape it has when whole: ZeRO 3 leaves none of it in place.
        self.shapes = {name: _whole_shape(parameter) for name, parameter in engine.module.named_parameters()}
        # What is frozen comes from the job's policy, as the reference does: under LoRA that is nearly all of it.
        self.has_frozen = any(not parameter.requires_grad for parameter in engine.module.parameters())

    def remaining_steps(self) -> Iterator[int]:
        """Load what the job starts from; yields the 0-based steps that are left, a snapshot after each that is due."""
        if self.job.start:
            self._load()
        for step in range(self.job.start, self.job.config.steps):
            yield step
            if self._is_due(step + 1):
                self._save(step + 1)

    def _is_due(self, step: int) -> bool:
        # After the last step the trained policy itself is written.
        every = self.job.snapshot_every
        return bool(every) and step % every == 0 and step < self.job.config.steps

    def _load(self) -> None:
        """Raises UnusableSnapshot naming what does not fit; its digests were compared by the launcher."""
        path = snapshot_path(self.job.folder, self.job.start)
        require_shapes(read_record(path), self.shapes, path)
        loaded, state = self.engine.load_checkpoint(str(path), tag=STATE, load_module_strict=not self.has_frozen)
        if loaded is None or state["step"] != self.job.start:
            raise UnusableSnapshot(f"{path}: DeepSpeed cannot load it; delete it to go on from the one before it")

    def _save(self, step: int) -> None:
        """Write a snapshot under a temporary name and publish it; tells, and goes on, when that is impossible."""
        writing = self.job.folder / SNAPSHOTS / WRITING
        try:
            self._together(lambda: self._make_room(writing))
            self._together(lambda: self._write_state(writing, step))
            shares = self._together(lambda: self._digests(writing))
            self._together(lambda: self._publish(writing, step, shares))
        except _NotWritten as error:
            if self.rank == 0:
                self._tell_failure(writing, step, error)

    def _make_room(self, writing: Path) -> None:
        """At most two snapshots lie on the disk, and the newest whole one is never touched."""
        if self.rank == 0:
            drop_older(self.job.folder, KEPT - 1)
            shutil.rmtree(writing, ignore_errors=True)
            (writing / STATE).mkdir(parents=True)

    def _write_state(self, writing: Path, step: int) -> None:
        with _errors_held_back(self.engine) as errors:
            self.engine.save_checkpoint(
                str(writing),
                tag=STATE,
                client_state={"step": step},
                save_latest=False,
                exclude_frozen_parameters=self.has_frozen,
            )
        if errors:
            raise OSError(errors[0])

    def _digests(self, writing: Path) -> dict[str, str]:
        """SHA-256 of this rank's share of the files."""
        return {name: file_digest(writing / name) for name in state_files(writing)[self.rank :: self.ranks]}

    def _publish(self, writing: Path, step: int, shares: list[dict[str, str]]) -> None:
        if self.rank == 0:
            files = {name: digest for share in shares for name, digest in share.items()}
            snapshot = Snapshot(step=step, lengths=growing_lengths(self.job.folder), shapes=self.shapes, files=files)
            write_json(writing / RECORD, snapshot.model_dump(mode="json"))
            os.rename(writing, snapshot_path(self.job.folder, step))

    def _together(self, act: Callable[[], Result]) -> list[Result]:
        """Act on every rank; the results of all. Raises _NotWritten on every rank when one of them fails."""
        result, error = None, ""
        try:
            result = act()
        except WRITE_ERRORS as raised:
            error = str(raised) or type(raised).__name__
        outcomes: list[Any] = [None] * self.ranks
        distributed.all_gather_object(outcomes, (error, result))
        for error, _ in outcomes:
            if error:
                raise _NotWritten(error)
        return [result for _, result in outcomes]

    def _tell_failure(self, writing: Path, step: int, error: Exception) -> None:
        free = shutil.disk_usage(self.job.folder).free / 2**20
        shutil.rmtree(writing, ignore_errors=True)
        newest = newest_step(self.job.folder)
        kept = f"the one of step {newest} is kept" if newest else "there is none yet"
        place = f"{writing.parent}, {free:,.0f} MiB free"
        tell("warning", self.rank, f"no snapshot of step {step} could be written to {place}: {error}; {kept}")


class _NotWritten(Exception):
    """A rank could not write its part of a snapshot."""


def require_shapes(snapshot: Snapshot, shapes: dict[str, tuple[int, ...]], path: Path) -> None:
    """Raises UnusableSnapshot naming the first tensor whose shape is not the policy's."""
    for name in sorted(snapshot.shapes.keys() | shapes.keys()):
        found, wanted = (told.get(name, "absent") for told in (snapshot.shapes, shapes))
        if found != wanted:
            raise UnusableSnapshot(f"{path}: {name} is {found} there and {wanted} in the policy; delete {path}")


def _whole_shape(parameter: nn.Parameter) -> tuple[int, ...]:
    return tuple(getattr(parameter, "ds_shape", parameter.shape))


@contextmanager
def _errors_held_back(engine: "deepspeed.DeepSpeedEngine") -> Iterator[list[str]]:
    """Collect what goes wrong in writing a file; DeepSpeed goes on to the barrier where the other ranks wait."""
    errors: list[str] = []
    writer, save = engine.checkpoint_engine, engine.checkpoint_engine.save

    def save_or_keep_the_error(state_dict: Any, path: str) -> None:
        try:
            save(state_dict, path)
        except WRITE_ERRORS as error:
            # Its text alone: an exception that is kept keeps torch's file open, and with it the room on a full disk.
            errors.append(str(error))

    writer.save = save_or_keep_the_error
    # Programs to read a snapshot by hand: copied outside of the writer, they could fail where nothing catches it.
    engine._copy_recovery_script = lambda folder: None
    try:
        yield errors
    finally:
        del writer.save, engine._copy_recovery_script
