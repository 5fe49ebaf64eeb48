"""One file over HTTP, in pieces where the connection breaks, whole or not at all.

What has arrived waits in a `.part` file beside a note of the server's validator (ETag or date); the next attempt, in
this command or a later one, asks for the rest on condition that the file is still the same. The size that the server
states and the SHA-256 that the user states are checked before anybody sees the file.
"""

import fcntl
import hashlib
import http.client
import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from anomseer_core.observer import SILENT, Observer
from anomseer_core.store import file_digest, write_json

SCHEMES = ("http", "https")
CHUNK_BYTES = 2**20
TIMEOUT_SECONDS = 60.0
PAUSES_SECONDS = (1, 3, 9)
MEGABYTE = 10**6
HEADERS = {"User-Agent": "anomseer", "Accept-Encoding": "identity"}
# Worth another attempt: the server's or the network's mood, not the request.
PASSING_STATUSES = (408, 429, 500, 502, 503, 504)


def is_url(source: str) -> bool:
    return "://" in source


def shown(url: str) -> str:
    """An address without user name, password and query: they may be secrets, and manifests are kept."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def download(
    url: str,
    folder: Path,
    *,
    sha256: str = "",
    observer: Observer = SILENT,
    pauses_seconds: tuple[float, ...] = PAUSES_SECONDS,
) -> Path:
    """The downloaded file, in `folder`, under a name that only this address has; the caller removes it.

    Raises ValueError when the address, the answer, the size or the SHA-256 is wrong, and when the connection keeps
    breaking; then what has arrived stays for the next time.
    """
    if urlsplit(url).scheme not in SCHEMES or not urlsplit(url).netloc:
        raise ValueError(f"{shown(url)}: only {' and '.join(SCHEMES)} addresses can be downloaded")
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:20]}.part"
    with _alone(part, url):
        for pause in (*pauses_seconds, None):
            try:
                _fetch_rest(url, part, observer)
                break
            except _Broken as error:
                if pause is None:
                    arrived = part.stat().st_size
                    raise ValueError(
                        f"{shown(url)}: {error}; {arrived:,} bytes are there, run the command again to go on"
                    ) from error
                time.sleep(pause)
        digest = file_digest(part)
        if sha256 and digest != sha256.lower():
            _forget(part)
            raise ValueError(f"{shown(url)}: its SHA-256 is {digest}, not {sha256.lower()}; nothing of it was kept")
        _note_of(part).unlink(missing_ok=True)
    return part


class _Broken(Exception):
    """The transfer stopped before its end."""


@dataclass(frozen=True)
class _Note:
    """What the server said of the file whose beginning is there."""

    validator: str = ""
    total: int = 0


def _fetch_rest(url: str, part: Path, observer: Observer) -> None:
    """One attempt. Raises _Broken when another one may succeed, ValueError when none can."""
    note = _read_note(part)
    have = part.stat().st_size if note.validator else 0
    if note.total and have == note.total:
        return
    conditions = {"Range": f"bytes={have}-", "If-Range": note.validator} if have else {}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers=HEADERS | conditions), timeout=TIMEOUT_SECONDS
        ) as response:
            # Any other answer than the rest of the very same file starts it anew.
            rest = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            have = have if response.status == http.HTTPStatus.PARTIAL_CONTENT and rest else 0
            note = _begin(url, part, response.headers, have)
            _receive(response, part, have, note.total, observer)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            _forget(part)
            raise _Broken("the server's file became shorter") from error
        if error.code in PASSING_STATUSES:
            raise _Broken(f"the server answered {error.code} {error.reason}") from error
        raise ValueError(f"{shown(url)}: the server answered {error.code} {error.reason}; check the address") from error
    except (OSError, http.client.HTTPException) as error:
        raise _Broken(f"the connection broke ({getattr(error, 'reason', error)})") from error
    size = part.stat().st_size
    if note.total and size != note.total:
        if size > note.total:
            _forget(part)
        raise _Broken(f"the connection broke ({size} of {note.total} bytes)")


def _begin(url: str, part: Path, headers: Mapping[str, str], have: int) -> _Note:
    """Note the validator and the size before anything is written, and see that there is room."""
    length = headers.get("Content-Length")
    total = have + int(length) if length and length.isdecimal() else 0
    etag = headers.get("ETag", "")
    # A weak tag promises an equal meaning, not equal bytes.
    validator = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
    free = shutil.disk_usage(part.parent).free
    if total - have > free:
        raise ValueError(f"{shown(url)} has {total} bytes, and only {free} are free in {part.parent}")
    note = _Note(validator, total)
    write_json(_note_of(part), {"url": shown(url), "validator": note.validator, "total": note.total})
    return note


def _receive(response: Any, part: Path, have: int, total: int, observer: Observer) -> None:
    # Unbuffered, as it arrives: a killed process leaves all that it has received.
    with open(part, "r+b", buffering=0) as file:
        file.seek(have)
        file.truncate()
        while chunk := response.read1(CHUNK_BYTES):
            file.write(chunk)
            have += len(chunk)
            observer.progress(have // MEGABYTE, max(have, total) // MEGABYTE, "MB")


@contextmanager
def _alone(part: Path, url: str) -> Iterator[None]:
    """Hold the part file, so that two commands never write into it at once."""
    with open(part, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ValueError(f"{shown(url)} is being downloaded by another command; wait for it") from error
        try:
            yield
        finally:
            if not part.stat().st_size:
                part.unlink()


def _note_of(part: Path) -> Path:
    return part.with_suffix(".json")


def _read_note(part: Path) -> _Note:
    try:
        fields = json.loads(_note_of(part).read_text(encoding="utf-8"))
        return _Note(str(fields["validator"]), int(fields["total"]))
    except (OSError, ValueError, KeyError, TypeError):
        return _Note()


def _forget(part: Path) -> None:
    part.write_bytes(b"")
    _note_of(part).unlink(missing_ok=True)
