import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from flows.embedded_api import EmbeddedApi, embedded_api

SCRIPT = """
import sys, time
from pathlib import Path
from flows.embedded_api import embedded_api
with embedded_api(Path(sys.argv[1])) as api:
    api.wait()
    print(api.url, api.process.pid, flush=True)
    time.sleep(600)
"""


def test_the_api_survives_an_interrupt_of_its_session_and_leaves_when_its_parent_is_killed(tmp_path: Path):
    """Ctrl-C reaches every process of the terminal's session, and the API is not among them."""
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_LOGGING_LEVEL": "ERROR"}
    parent = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        url, pid = parent.stdout.readline().split()
        server = psutil.Process(int(pid))
        assert os.getsid(server.pid) != os.getsid(parent.pid)
        assert urllib.request.urlopen(f"{url}/health").read() == b"true"
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    server.wait(timeout=30)
    assert not server.is_running()


def test_an_api_that_does_not_come_up_names_its_log(tmp_path: Path):
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        process.wait()
        with pytest.raises(RuntimeError, match=rf"its output is in {tmp_path / 'api.log'}"):
            EmbeddedApi("http://127.0.0.1:9/api", process, tmp_path / "api.log").wait()


def test_the_api_ends_with_the_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Left before it answers, as a refused or interrupted command leaves it."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with embedded_api(tmp_path) as api:
        assert api.process.poll() is None
    assert api.process.returncode is not None
