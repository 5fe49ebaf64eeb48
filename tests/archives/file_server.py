"""A small HTTP server of one file, with ranges, validators and the faults that real ones have."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BYTES = re.compile(r"bytes=(\d+)-")


@dataclass
class Served:
    """content: the file; etag: its validator, empty for none; ranges: whether parts can be asked for; cuts: after how
    many bytes each of the next answers breaks off; statuses: what the next requests are answered instead."""

    content: bytes
    etag: str = '"1"'
    ranges: bool = True
    states_length: bool = True
    cuts: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    # Set: a cut answer stands still at the cut until the server is closed, instead of breaking off.
    stalls: bool = False
    closing: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def serve(served: Served, name: str = "archive.zip") -> Iterator[Served]:
    """Serve on the loopback interface for the length of the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            served.asked.append(asked)
            if served.statuses:
                self.send_error(served.statuses.pop(0))
                return
            start = self._start(asked)
            if start > len(served.content):
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}")
            if served.etag:
                self.send_header("ETag", served.etag)
            if served.states_length:
                self.send_header("Content-Length", str(len(served.content) - start))
            self.end_headers()
            cut = served.cuts.pop(0) if served.cuts else None
            self.wfile.write(served.content[start : None if cut is None else start + cut])
            if cut is not None and served.stalls:
                served.closing.wait()

        def _start(self, asked: str) -> int:
            same = self.headers.get("If-Range") == served.etag
            return int(BYTES.fullmatch(asked)[1]) if asked and served.ranges and same else 0

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/{name}"
    try:
        yield served
    finally:
        served.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
