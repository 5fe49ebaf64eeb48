"""The pace of questions."""

import threading
import time

from anomseer_core.endpoint.asking import Pace


def test_threads_pass_evenly_spaced():
    pace = Pace(per_minute=60 / 0.05)
    passed = []

    def go():
        pace.wait()
        passed.append(time.monotonic())

    threads = [threading.Thread(target=go) for _ in range(5)]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Turns are at 0, 0.05, ... 0.2 s; nobody passes before his.
    assert all(moment - started >= 0.05 * turn - 0.001 for turn, moment in enumerate(sorted(passed)))


def test_without_a_rate_nobody_waits():
    pace = Pace(0.0)
    started = time.monotonic()
    for _ in range(1000):
        pace.wait()
    assert time.monotonic() - started < 2
