"""A Prefect API for one command: a child process that ends when its parent does, however the parent ends.

Prefect would start such a server itself, but in the command's own session, where Ctrl-C stops it before the run could
report its last state, and without noticing when the command is killed. This one listens on a socket that the parent
opened, and leaves when the pipe on its standard input closes.
"""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.processes import StartFailed

if TYPE_CHECKING:
    import uvicorn

START_SECONDS = 180.0
STOP_SECONDS = 20.0
SETTLE_SECONDS = 10.0
NEWEST_TASK_RUNS = 200


@dataclass(frozen=True)
class EmbeddedApi:
    """A server that was started; it answers once `wait` returns, so that imports can go on meanwhile."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait(self) -> None:
        """Raises StartFailed, naming the server's log, when it does not come up."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=START_SECONDS):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise StartFailed(f"Prefect's API did not come up; its output is in {self.log}")


@contextmanager
def embedded_api(prefect_home: Path) -> Iterator[EmbeddedApi]:
    """A Prefect API with its database in `prefect_home`, for as long as the body runs."""
    log = prefect_home / "api.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("ab") as output:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.embedded_api", str(listener.fileno())],
            env=_server_environment(),
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield EmbeddedApi(url, process, log)
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def send_pending() -> None:
    """Hand over what Prefect still holds, and wait until the API has filed it: task runs arrive there as events."""
    from prefect.client.orchestration import get_client
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=SETTLE_SECONDS)
    EventsWorker.drain_all(timeout=SETTLE_SECONDS)
    deadline = time.monotonic() + SETTLE_SECONDS
    before = None
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            now = sorted((str(run.id), str(run.state_type)) for run in client.read_task_runs(limit=NEWEST_TASK_RUNS))
            if now == before:
                return
            before = now
            time.sleep(1)


def serve(descriptor: int) -> None:
    """Serve on an open socket until standard input closes."""
    import uvicorn

    app = "prefect.server.api.server:create_app"
    server = uvicorn.Server(uvicorn.Config(app, factory=True, log_level="error", lifespan="on"))
    threading.Thread(target=_leave_with_parent, args=(server,), daemon=True).start()
    server.run(sockets=[socket.socket(fileno=descriptor)])


def _server_environment() -> dict[str, str]:
    """No pages and no scheduler, as in Prefect's own temporary server; modules of the user's folder stay out."""
    own = {
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
        "PYTHONSAFEPATH": "1",
    }
    return {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | own


def _leave_with_parent(server: "uvicorn.Server") -> None:
    sys.stdin.buffer.read()
    if server.started:
        server.should_exit = True
        # An open connection could hold it back.
        time.sleep(STOP_SECONDS / 2)
    os._exit(0)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
