import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from flows.processes import MARK, BackgroundProcess, end, family, start, tail

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]
# Starts a child in a session of its own, as a flow run starts its training, tells its pid, and leaves it behind.
LEAVES_AN_ORPHAN = [
    sys.executable,
    "-c",
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)\n"
    "print(child.pid, flush=True)",
]
IGNORES_REQUESTS = [
    sys.executable,
    "-c",
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(300)",
]


def test_a_pid_with_another_start_time_is_a_stranger(tmp_path: Path) -> None:
    process = start("one", SLEEP, os.environ, log=tmp_path / "one.log")
    try:
        assert process.find().pid == process.pid
        assert BackgroundProcess("one", process.pid, process.started - 10).find() is None
        assert family([BackgroundProcess("one", process.pid, process.started - 10)]) == set()
    finally:
        end(family([process]), grace_seconds=5)
    assert process.find() is None


def test_an_orphan_in_its_own_session_is_found_by_its_mark(tmp_path: Path) -> None:
    log = tmp_path / "leaves.log"
    leader = start("leaves", LEAVES_AN_ORPHAN, {**os.environ, MARK: "of-this-test"}, log=log)
    wait_until(lambda: leader.find() is None)
    orphan = int(tail(log))
    assert {process.pid for process in family([leader], "of-this-test")} == {orphan}
    end(family([leader], "of-this-test"), grace_seconds=5)
    assert family([leader], "of-this-test") == set()


def test_only_the_family_is_ended(tmp_path: Path) -> None:
    stranger = subprocess.Popen(SLEEP)
    other = start("other", SLEEP, {**os.environ, MARK: "another-mark"}, log=tmp_path / "other.log")
    ours = start("ours", SLEEP, {**os.environ, MARK: "of-this-test"}, log=tmp_path / "ours.log")
    try:
        end(family([ours], "of-this-test"), grace_seconds=5)
        assert ours.find() is None
        assert other.find() is not None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
        end(family([other]), grace_seconds=5)


def test_what_ignores_the_request_is_killed_after_the_grace(tmp_path: Path) -> None:
    log = tmp_path / "deaf.log"
    process = start("deaf", IGNORES_REQUESTS, os.environ, log=log)
    wait_until(lambda: tail(log) == "deaf")
    end(family([process]), grace_seconds=0.5)
    assert process.find() is None


def test_tail_of_a_log_that_never_was(tmp_path: Path) -> None:
    assert tail(tmp_path / "absent.log") == ""
    (tmp_path / "present.log").write_text("\n".join(str(line) for line in range(100)))
    assert tail(tmp_path / "present.log", lines=2) == "98\n99"


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)
