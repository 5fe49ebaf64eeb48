"""One training at a time in a folder, also across a launcher that was killed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from anomseer_core.training import claim as claims
from anomseer_core.training.claim import claim, hold, is_claimed

HOLDER = """
import sys, time
from pathlib import Path
from anomseer_core.training.claim import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_launcher_is_refused_while_the_first_works(tmp_path: Path) -> None:
    assert not is_claimed(tmp_path)
    with claim(tmp_path):
        assert is_claimed(tmp_path)
        with (
            pytest.raises(ValueError, match=r"is in use: the same training is running; wait until it ends"),
            claim(tmp_path),
        ):
            pass
    with claim(tmp_path):
        pass
    assert not is_claimed(tmp_path)


def test_ranks_hold_a_folder_together_and_end_with_their_process(tmp_path: Path) -> None:
    ranks = [
        subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        assert [rank.stdout.readline() for rank in ranks] == ["held\n", "held\n"]
        for rank in ranks:
            rank.kill()
        with claim(tmp_path):
            assert all(rank.wait(timeout=5) for rank in ranks)
    finally:
        for rank in ranks:
            rank.kill()
            rank.communicate()


def test_a_launcher_waits_for_ranks_and_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "PATIENCE_SECONDS", 0.3)
    started = time.monotonic()
    with hold(tmp_path), pytest.raises(ValueError, match="ranks of an earlier training still run"), claim(tmp_path):
        pass
    assert time.monotonic() - started >= 0.3
