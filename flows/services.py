"""`anomseer up` and `anomseer down`: a Prefect server, an MLflow server and a worker, on this machine.

`HOME/services.json` names what runs; logs are in `HOME/services/`. Every process carries one mark in its environment,
so `down` stops what `up` started, flow runs and training ranks included, and nothing else. Both servers listen on
127.0.0.1 only: Prefect's has no password.
"""

import json
import os
import shutil
import socket
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

import psutil

from anomseer_core.settings import Settings
from flows.deployments import WORK_POOL, register_deployments
from flows.processes import MARK, BackgroundProcess, StartFailed, end, family, start, tail
from mlflow_server.config import TrackingServerConfig, embedded_artifacts, embedded_backend
from mlflow_server.launch import answers, prepare, server_command, server_environment
from tasks import tags

START_SECONDS = 180.0
LAST_PORT = 65_535
# Of our runs only the parents carry this tag.
FLOW_RUNS = f"tags.`{tags.CONFIGURATION}` != ''"
# A flow run ends its training processes first; Prefect gives a cancelled run as much.
FLOW_RUN_GRACE_SECONDS = 30.0
SERVICE_GRACE_SECONDS = 10.0
PREFECT = (sys.executable, "-m", "prefect", "--no-prompt")
QUIET = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
}


@dataclass(frozen=True)
class Services:
    """What `up` started, as `services.json` holds it.

    runs_url: the page of our runs in MLflow. temporary: where the processes put their temporary files.
    """

    prefect_api_url: str
    mlflow_url: str
    mark: str
    processes: tuple[BackgroundProcess, ...] = ()
    runs_url: str = ""
    temporary: str = ""

    @property
    def prefect_url(self) -> str:
        """Address of Prefect's UI."""
        return self.prefect_api_url.removesuffix("/api")

    @property
    def worker_name(self) -> str:
        """Prefect's name of our worker: another each time, since an old one counts as online for a while."""
        return f"anomseer-{self.mark[:8]}"

    @property
    def running(self) -> bool:
        """Whether all three processes live."""
        return len(self.processes) == 3 and all(process.find() for process in self.processes)

    def describe(self) -> str:
        return f"Prefect  {self.prefect_url}\nMLflow   {self.runs_url}"


def up(
    settings: Settings,
    *,
    prefect_port: int = 4200,
    mlflow_port: int = 5000,
    say: Callable[[str], None] = print,
) -> Services:
    """Start the servers and the worker, wait until each answers, register the deployments, and say where they are.

    Running already: says so. Raises ValueError when a port is none or taken, StartFailed naming the log when a
    process does not come up; then nothing keeps running.
    """
    _require_ports(prefect_port, mlflow_port)
    services = read_services(settings)
    if services and services.running:
        say(f"Running already.\n{services.describe()}")
        return services
    down(settings, say=lambda _: None)
    _require_free(prefect_port, "--prefect-port")
    _require_free(mlflow_port, "--mlflow-port")
    services = Services(
        f"http://127.0.0.1:{prefect_port}/api",
        f"http://127.0.0.1:{mlflow_port}",
        mark=uuid.uuid4().hex,
        # Prefect leaves a folder behind for every worker that is stopped. Not below the home: sockets need short paths.
        temporary=tempfile.mkdtemp(prefix="anomseer-"),
    )
    try:
        services = _start_all(settings, services, say)
    except BaseException:
        down(settings, say=lambda _: None)
        shutil.rmtree(services.temporary, ignore_errors=True)
        raise
    say(services.describe())
    return services


def down(settings: Settings, *, say: Callable[[str], None] = print) -> None:
    """Stop what `up` started: the worker with its flow runs while the servers still listen, then the servers."""
    services = read_services(settings)
    if services is None:
        say("Nothing is running.")
        return
    # A worker that is asked to end kills its flow runs on the spot: they are asked first, and the servers still listen.
    end(family(services.processes, services.mark) - _own(services), grace_seconds=FLOW_RUN_GRACE_SECONDS)
    end(family(services.processes, services.mark), grace_seconds=SERVICE_GRACE_SECONDS)
    if services.temporary:
        shutil.rmtree(services.temporary, ignore_errors=True)
    _path(settings).unlink(missing_ok=True)
    say("Stopped.")


def read_services(settings: Settings) -> Services | None:
    """What `up` started last and `down` has not stopped; its processes may have ended since."""
    try:
        fields = json.loads(_path(settings).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    processes = tuple(BackgroundProcess(**process) for process in fields.pop("processes"))
    return Services(**fields, processes=processes)


def service_environment(settings: Settings, services: Services) -> dict[str, str]:
    """The environment of every service, and so of every flow run the worker starts.

    PYTHONSAFEPATH keeps the working folder off the import path, where a user's own tasks.py would shadow ours.
    """
    return {
        **os.environ,
        **QUIET,
        MARK: services.mark,
        **({"TMPDIR": services.temporary} if services.temporary else {}),
        "ANOMSEER_HOME": str(settings.home),
        "PREFECT_HOME": settings.prefect_home or str(settings.home / "prefect"),
        "PREFECT_API_URL": services.prefect_api_url,
        "PREFECT_UI_URL": services.prefect_url,
        "MLFLOW_TRACKING_URI": services.mlflow_url,
        "PREFECT_LOGGING_EXTRA_LOGGERS": "anomseer_core",
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _own(services: Services) -> set[psutil.Process]:
    """The servers with their children, and the worker without its flow runs."""
    servers = [process for process in services.processes if process.name != "worker"]
    worker = [process.find() for process in services.processes if process.name == "worker"]
    return family(servers) | {process for process in worker if process}


def _start_all(settings: Settings, services: Services, say: Callable[[str], None]) -> Services:
    environment = service_environment(settings, services)
    say(f"Starting Prefect and MLflow; logs in {settings.home / 'services'}")
    services = _start_prefect(settings, services, environment)
    services = _start_mlflow(settings, services, environment)
    _wait_for(settings, services, "prefect", lambda: answers(f"{services.prefect_api_url}/health"))
    say("Starting a worker")
    services = _start(settings, services, "worker", _worker_command(services), environment)
    _wait_for(settings, services, "mlflow", lambda: answers(f"{services.mlflow_url}/health"))
    _wait_for(settings, services, "worker", lambda: _worker_is_online(services))
    say("Registering the deployments of infra/prefect.yaml")
    register_deployments(environment, log=_log(settings, "deployments"))
    return _record(settings, replace(services, runs_url=_runs_page(settings, services)))


def _worker_command(services: Services) -> list[str]:
    """One flow run at a time: two would share the same cores and GPUs. The others wait their turn."""
    command = [*PREFECT, "worker", "start", "--pool", WORK_POOL, "--type", "process", "--limit", "1"]
    return [*command, "--name", services.worker_name]


def _start_prefect(settings: Settings, services: Services, environment: Mapping[str, str]) -> Services:
    host, port = services.prefect_url.removeprefix("http://").split(":")
    command = [*PREFECT, "server", "start", "--host", host, "--port", port]
    return _start(settings, services, "prefect", command, environment)


def _start_mlflow(settings: Settings, services: Services, environment: Mapping[str, str]) -> Services:
    config = TrackingServerConfig(
        backend_store=embedded_backend(settings.home),
        artifacts=embedded_artifacts(settings.home),
        port=int(services.mlflow_url.rsplit(":", 1)[1]),
    )
    prepare(config)
    # The server itself must not take its own address for its store.
    own = {name: value for name, value in environment.items() if name != "MLFLOW_TRACKING_URI"}
    return _start(settings, services, "mlflow", server_command(config), {**own, **server_environment(config)})


def _start(
    settings: Settings, services: Services, name: str, command: list[str], environment: Mapping[str, str]
) -> Services:
    """Start one process and record it at once, so that `down` finds it even when `up` is killed."""
    process = start(name, command, environment, log=_log(settings, name))
    return _record(settings, replace(services, processes=(*services.processes, process)))


def _wait_for(settings: Settings, services: Services, name: str, ready: Callable[[], bool]) -> None:
    process = next(process for process in services.processes if process.name == name)
    log = _log(settings, name)
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.find() is None:
            raise StartFailed(f"{name} ended while starting ({_last_words(log)}); its output is in {log}")
        if time.monotonic() > deadline:
            raise StartFailed(f"{name} did not answer within {START_SECONDS:.0f} s; its output is in {log}")
        time.sleep(0.3)


def _worker_is_online(services: Services) -> bool:
    request = urllib.request.Request(
        f"{services.prefect_api_url}/work_pools/{WORK_POOL}/workers/filter",
        data=b"{}",
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            workers = json.load(response)
            return any(worker["name"] == services.worker_name and worker["status"] == "ONLINE" for worker in workers)
    except OSError:
        return False  # the worker has not made its pool yet


def _runs_page(settings: Settings, services: Services) -> str:
    """The flow runs in MLflow, newest first, without the many stages below them.

    MLflow's own start page shows the language-model views that we do not fill.
    """
    from tasks.connection import connect

    experiment = connect(replace(settings, mlflow_tracking_uri=services.mlflow_url)).experiment_id
    chosen = f"workflowType=machine_learning&searchFilter={quote(FLOW_RUNS)}"
    return f"{services.mlflow_url}/#/experiments/{experiment}/runs?{chosen}"


def _require_ports(prefect_port: int, mlflow_port: int) -> None:
    for port, flag in ((prefect_port, "--prefect-port"), (mlflow_port, "--mlflow-port")):
        if not 1 <= port <= LAST_PORT:
            raise ValueError(f"{flag} {port} is no port; choose one from 1 to {LAST_PORT}")
    if prefect_port == mlflow_port:
        raise ValueError(f"--prefect-port and --mlflow-port are both {mlflow_port}; choose two different ones")


def _last_words(log: Path) -> str:
    """The last line that a process wrote."""
    return tail(log, lines=1).strip() or "without a word"


def _require_free(port: int, flag: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ValueError(f"port {port} is taken; choose another with {flag}") from error


def _record(settings: Settings, services: Services) -> Services:
    path = _path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(services), indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
    return services


def _path(settings: Settings) -> Path:
    return settings.home / "services.json"


def _log(settings: Settings, name: str) -> Path:
    return settings.home / "services" / f"{name}.log"
