"""`anomseer serve` in a process of its own."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from flows.serving.command import announcement


def test_it_serves_until_it_is_interrupted(nano_folder: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ANOMSEER_HOME", str(tmp_path))
    command = [sys.executable, "-c", "from flows.cli import main; main()", "serve", str(nano_folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/v1", first)[0]
        assert first == f"Serving {nano_folder.name} ({nano_folder}) at {address}; Ctrl-C ends it.\n"
        # The socket is bound before the line is printed, so this waits for the server instead of failing.
        assert httpx.get(f"{address}/models", timeout=60).json()["data"][0]["id"] == nano_folder.name
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    # There is nothing to go on from.
    assert errors.endswith("anomseer: stopped serving\n")


def test_an_open_address_is_pointed_out(tmp_path: Path):
    assert "there is no key" not in announcement("nano", tmp_path, "http://127.0.0.1:1/v1", "127.0.0.1")
    assert "there is no key" in announcement("nano", tmp_path, "http://0.0.0.0:1/v1", "0.0.0.0")
