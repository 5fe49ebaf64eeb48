"""`anomseer serve`: a checkpoint behind an OpenAI-compatible address on this machine."""

import socket
from pathlib import Path

import uvicorn

from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.policy.model import load_policy
from anomseer_core.policy.precision import default_device
from anomseer_core.store import Artifact
from flows.serving.app import build_app
from flows.terminal import command_name

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(checkpoint: Artifact | Path, *, host: str, port: int, decoding: DecodingConfig) -> None:
    """Serve until interrupted. Raises ValueError when the address cannot be taken."""
    folder = checkpoint.path if isinstance(checkpoint, Artifact) else checkpoint
    name = checkpoint.manifest["stage"] if isinstance(checkpoint, Artifact) else checkpoint.name
    with listen(host, port) as listener:
        app = build_app(load_policy(folder, device=default_device()), name, decoding)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/v1"
        print(announcement(name, folder, address, host), flush=True)
        config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=5)
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes any that is free."""
    if not 0 <= port <= 65535:
        raise ValueError(f"--port {port} is no port; choose one from 1 to 65535, or 0 for any")
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ValueError(f"cannot listen at {host} port {port} ({error.strerror}); choose another --port") from error


def announcement(name: str, folder: Path, address: str, host: str) -> str:
    """What the terminal says once requests are taken."""
    where = f"--set endpoint.base_url={address} --set endpoint.model={name}"
    lines = [
        f"Serving {name} ({folder}) at {address}; Ctrl-C ends it.",
        "Evaluate it as any endpoint:",
        f"  {command_name()} evaluate --detector endpoint {where}",
    ]
    if host not in LOOPBACK:
        lines.insert(1, "Whoever reaches this address may ask: there is no key.")
    return "\n".join(lines)
