"""One training at a time in the folder of a job.

Locks of the system, which end with the process that holds them: the launcher holds one, every rank another. Ranks may
outlive a killed launcher by the second their watchdog takes; a new launcher waits for them.
"""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

LAUNCHER = "launcher.lock"
RANKS = "ranks.lock"
LOCKS = (LAUNCHER, RANKS)
PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.1
log = logging.getLogger(__name__)


@contextmanager
def claim(folder: Path) -> Iterator[None]:
    """Hold the folder for one launcher. Raises ValueError while another process trains in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LAUNCHER, "w") as launcher:
        if not _lock(launcher):
            raise ValueError(f"{folder} is in use: the same training is running; wait until it ends, then run again")
        with open(folder / RANKS, "w") as ranks:
            _wait_for_ranks(ranks, folder)
        yield


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Say that a rank writes to the folder."""
    with open(folder / RANKS, "w") as file:
        _lock(file, shared=True)
        yield


def is_claimed(folder: Path) -> bool:
    """Whether a launcher trains in the folder at this moment."""
    if not (folder / LAUNCHER).exists():
        return False
    with open(folder / LAUNCHER, "a") as file:
        return not _lock(file)


def _lock(file: TextIO, *, shared: bool = False) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # Some file systems know no locks; their users must not train the same thing twice at once.
        log.warning("%s cannot be locked: %s", file.name, error)
    return True


def _wait_for_ranks(file: TextIO, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _lock(file):
        if time.monotonic() > deadline:
            raise ValueError(f"{folder} is in use: ranks of an earlier training still run; end them, then run again")
        time.sleep(POLL_SECONDS)
