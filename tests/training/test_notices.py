"""What a rank says, and the signal that ended it."""

import signal
import subprocess
import sys
import time

import pytest

from anomseer_core.training.notices import Notice, read_notice, tell
from anomseer_core.training.rank_exits import RankExits


def test_a_notice_is_one_line_and_is_read_back(capfd: pytest.CaptureFixture[str]) -> None:
    tell("stop", 1, "two\nlines of \u00fcber 1 MiB" + "x" * 5000)
    (line,) = capfd.readouterr().out.splitlines()
    assert len(line) < 4096
    notice = read_notice("[rank1]: " + line)
    assert (notice.kind, notice.rank) == ("stop", 1)
    assert notice.text.startswith("two lines of \u00fcber 1 MiBxxx")


def test_other_lines_are_no_notices() -> None:
    assert read_notice("[INFO] a notice of DeepSpeed") is None
    assert read_notice("") is None
    assert Notice(kind="process", rank=0, pid=1).text == ""


@pytest.mark.skipif(sys.platform != "linux", reason="process handles are Linux's")
def test_the_first_rank_to_end_is_known_with_its_signal() -> None:
    ranks = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(3)]
    exits = RankExits()
    for number, rank in enumerate(ranks):
        exits.watch(number, rank.pid)
    assert exits.first is None
    ranks[1].send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while exits.first is None and time.monotonic() < deadline:
        time.sleep(0.01)
    for rank in ranks:
        rank.terminate()
        rank.wait()
    assert exits.first.tell() == "rank 1 was killed by SIGKILL, as the system does when memory runs out"


def test_a_process_that_is_gone_already_is_left_out() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    exits = RankExits()
    exits.watch(0, done.pid)
    assert exits.first is None
