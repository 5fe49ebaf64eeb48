"""A small real server that speaks /v1/chat/completions, with the faults that real ones have."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What the server does with one request."""

    text: str | None = "Max |z| is 3. All is calm."
    status: int = 200
    finish_reason: str = "stop"
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    error: str = "no"


@dataclass
class CompletionServer:
    """url: its base address. asked: the bodies of all requests, and keys: their authorisation, in order of arrival."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    @property
    def prompts(self) -> list[str]:
        return [body["messages"][0]["content"][1]["text"] for body in self.asked]


@contextmanager
def completion_server(reply: Callable[[int], Reply], port: int = 0) -> Iterator[CompletionServer]:
    """Serve, on any free port if none is given; `reply` answers the request of that number, counted from 0."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(server.asked)
                server.asked.append(body)
                server.keys.append(self.headers["Authorization"])
            answer = reply(number) if self.path == "/v1/chat/completions" else Reply(status=404)
            time.sleep(answer.delay_seconds)
            self._send(answer)

        def _send(self, answer: Reply) -> None:
            content = json.dumps(_completion(answer) if answer.status == 200 else {"error": {"message": answer.error}})
            try:
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content.encode())
            except OSError:
                pass  # whoever asked has left

        def log_message(self, format: str, *values: Any) -> None:
            pass

    lock = threading.Lock()
    http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    http.daemon_threads = True
    server = CompletionServer(f"http://127.0.0.1:{http.server_port}/v1")
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _completion(answer: Reply) -> dict[str, Any]:
    message = {"role": "assistant", "content": answer.text}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny",
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish_reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
