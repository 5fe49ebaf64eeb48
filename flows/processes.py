"""Background processes: started with a log file, recognised later by pid and start time, stopped with all they began.

A pid alone may have been given to a stranger since, so a process is ours only when its start time matches too. What
it started is found by descent, and by a mark in the environment that every descendant inherits: flow runs and
training ranks live in sessions of their own and survive the worker that started them.
"""

import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "ANOMSEER_SERVICES_MARK"
# psutil derives a start time from clock ticks: 10 ms.
_SAME_START_SECONDS = 0.05


class StartFailed(RuntimeError):
    """A process that a command needs did not come up; one line, naming its log."""


@dataclass(frozen=True)
class BackgroundProcess:
    """A process somebody started: `started` is its start time in seconds since the epoch, as psutil tells it."""

    name: str
    pid: int
    started: float

    def find(self) -> psutil.Process | None:
        """The living process, or None when it ended or its pid belongs to another process now."""
        try:
            process = psutil.Process(self.pid)
            alive = process.status() != psutil.STATUS_ZOMBIE
            same = abs(process.create_time() - self.started) < _SAME_START_SECONDS
        except psutil.NoSuchProcess:
            return None
        return process if alive and same else None


def start(name: str, command: Sequence[str], environment: Mapping[str, str], *, log: Path) -> BackgroundProcess:
    """Start `command` in a session of its own; its output is appended to `log`, its folder is the log's."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return BackgroundProcess(name, process.pid, psutil.Process(process.pid).create_time())


def family(leaders: Iterable[BackgroundProcess], mark: str = "") -> set[psutil.Process]:
    """The leaders that live, their descendants, and every process of this user that inherited `mark`."""
    found: set[psutil.Process] = set()
    for leader in leaders:
        if process := leader.find():
            found |= {process, *_descendants(process)}
    return found | (_marked(mark) if mark else set())


def end(members: set[psutil.Process], *, grace_seconds: float) -> None:
    """Ask the topmost of these processes to end (SIGTERM), each in its own order; when the grace is over, end them all.

    Whatever they start meanwhile is included.
    """
    _signal([process for process in members if _parent(process) not in members], "terminate")
    _signal(_wait(members, grace_seconds), "kill")
    _wait(members, grace_seconds)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error message."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _wait(members: set[psutil.Process], seconds: float) -> set[psutil.Process]:
    """Wait until all of them are gone; returns those that are not, with their descendants."""
    deadline = time.monotonic() + seconds
    alive = {process for process in members if _is_alive(process)}
    while alive and time.monotonic() < deadline:
        for process in set(alive):
            alive |= _descendants(process)
        _, remaining = psutil.wait_procs(alive, timeout=0.2)
        alive = {process for process in remaining if _is_alive(process)}
    return alive


def _parent(process: psutil.Process) -> psutil.Process | None:
    try:
        return process.parent()
    except psutil.NoSuchProcess:
        return None


def _descendants(process: psutil.Process) -> set[psutil.Process]:
    try:
        return {child for child in process.children(recursive=True) if _is_alive(child)}
    except psutil.NoSuchProcess:
        return set()


def _marked(mark: str) -> set[psutil.Process]:
    found = set()
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.pid != os.getpid() and _is_alive(process):
                found.add(process)
        except (psutil.Error, OSError):
            continue  # another user's process, or one that ended under our eyes
    return found


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(processes: Iterable[psutil.Process], method: str) -> None:
    for process in processes:
        try:
            getattr(process, method)()
        except psutil.NoSuchProcess:
            continue
