"""Where a job begins: at the snapshot of an interrupted run of the same job, or anew.

The folder of a job is named after its recipe, so a changed setting leads to another folder and to a new training. What
lies unfinished under other settings is told, or refused where the user asked for that.
"""

import logging
import shutil
from pathlib import Path
from typing import Any

from anomseer_core.config import flatten
from anomseer_core.training.claim import LOCKS, is_claimed
from anomseer_core.training.config import Unfinished
from anomseer_core.training.job import CHECKPOINT, JOB, TrainingJob
from anomseer_core.training.snapshots import SNAPSHOTS, cut_back, newest_step, newest_usable

MOST_SHOWN = 5
SHOWN_DIGEST = 12
log = logging.getLogger(__name__)


def prepare(job: TrainingJob, unfinished: Unfinished) -> TrainingJob:
    """The job with the step it starts from; its folder holds nothing that belongs to later steps.

    Raises ValueError naming the settings that differ when the folder belongs to another job, or, under `refuse`, when
    the only interrupted training on the same data has other settings.
    """
    restarts = unfinished == "restart"
    before = None if restarts else _stored_job(job.folder)
    if before:
        _require_same(job, before)
    elif not restarts:
        _mind_others(job, refuse=unfinished == "refuse")
    snapshot = newest_usable(job.folder) if before else None
    if snapshot is None:
        if (job.folder / JOB).exists():
            log.info("%s: starts over%s", job.method, "" if restarts else ", no usable snapshot is left")
        _clear(job.folder)
        return job.model_copy(update={"start": 0})
    cut_back(job.folder, snapshot)
    shutil.rmtree(job.folder / CHECKPOINT, ignore_errors=True)
    log.info("%s: resumed from step %d of %d", job.method, snapshot.step, job.config.steps)
    return job.model_copy(update={"start": snapshot.step})


def discard_state(folder: Path) -> None:
    """Delete of a finished job what its artifact holds too or nothing needs any more; the record of its steps stays."""
    for name in (SNAPSHOTS, CHECKPOINT):
        shutil.rmtree(folder / name, ignore_errors=True)


def differences(job: TrainingJob, other: TrainingJob) -> list[str]:
    """The settings in which an earlier job differs, each with its value then and now."""
    now, then = flatten(job.identity), flatten(other.identity)
    return [
        f"{_user_name(name, job.method)} was {_short(then.get(name))}, is {_short(now.get(name))}"
        # DeepSpeed's own settings last: most follow from fields of `launch`, and nobody can set them here.
        for name in sorted(now.keys() | then.keys(), key=lambda name: (name.startswith("config.deepspeed."), name))
        if now.get(name) != then.get(name)
    ]


def _stored_job(folder: Path) -> TrainingJob | None:
    """The job a folder belongs to. Raises ValueError when its description cannot be read."""
    if not (folder / JOB).exists():
        return None
    try:
        return TrainingJob.load(folder / JOB)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{folder / JOB} is damaged or of another version; delete {folder} and run again") from error


def _require_same(job: TrainingJob, before: TrainingJob) -> None:
    found = differences(job, before)
    if found:
        raise ValueError(
            f"{job.folder} holds a training with other settings: {_listed(found)}; "
            "set them back to go on with it, or start over with snapshots.unfinished=restart"
        )


def _mind_others(job: TrainingJob, *, refuse: bool) -> None:
    """Tell of the interrupted training on the same data whose settings are the nearest, or refuse because of it."""
    found = [(differences(job, other), other) for other in _interrupted_beside(job)]
    if not found:
        return
    nearest, other = min(found, key=lambda item: len(item[0]))
    place = f"an interrupted {job.method} training, step {newest_step(other.folder)} of {other.config.steps}, lies in"
    if refuse:
        raise ValueError(
            f"{place} {other.folder} with other settings: {_listed(nearest)}; set them back to go on with it, "
            "or start a new one with snapshots.unfinished=resume"
        )
    log.info("%s %s with other settings: %s; this is a new one", place, other.folder, _listed(nearest))


def _interrupted_beside(job: TrainingJob) -> list[TrainingJob]:
    """Jobs of the same method and inputs in folders beside this one's that could go on, and do not run now."""
    others = []
    for path in sorted(job.folder.parent.glob(f"*/{JOB}")):
        if path.parent == job.folder or not newest_step(path.parent) or is_claimed(path.parent):
            continue
        try:
            other = _stored_job(path.parent)
        except ValueError:
            continue
        if other.method == job.method and other.identity["inputs"] == job.identity["inputs"]:
            others.append(other)
    return others


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in LOCKS:
            path.unlink()


def _user_name(name: str, method: str) -> str:
    """A field of a recipe as `--set` names it."""
    group = "training" if method == "timerpo" else "cold_start"
    prefixes = {
        "config.method.": f"{group}.",
        "config.launch.": "launch.",
        "config.deepspeed.": "DeepSpeed's ",
        "inputs.": "the ",
    }
    for prefix, shown in prefixes.items():
        if name.startswith(prefix):
            return shown + name.removeprefix(prefix)
    return {"code": "the code of this project"}.get(name, name.removeprefix("libraries."))


def _short(value: Any) -> str:
    text = str(value)
    is_digest = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    return text[:SHOWN_DIGEST] if is_digest else text


def _listed(found: list[str]) -> str:
    if not found:
        return "none"
    more = len(found) - MOST_SHOWN
    return "; ".join(found[:MOST_SHOWN] + ([f"and {more} more"] if more > 0 else []))
