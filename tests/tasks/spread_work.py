"""Functions for worker processes, and a flow that spreads them, for a process of its own."""

import os
import signal
import sys
import threading
import time

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from tasks.fan_out import fan_out


def describe(number: int) -> tuple[int, int, int, bool]:
    """The number again, who worked on it, with how many threads of numba, and whether MLflow came along."""
    import numba

    # Long enough for the other worker to come up and take its share.
    time.sleep(0.5)
    return number, os.getpid(), numba.get_num_threads(), "mlflow" in sys.modules


def is_main_thread(_: int) -> bool:
    return threading.current_thread() is threading.main_thread()


def divide(number: int) -> float:
    return 1 / number


def die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@task(cache_policy=NO_CACHE)
def take_long() -> None:
    for seconds in fan_out(sleep, [0.1, 0.1, 600.0, 600.0]):
        print("slept", seconds, flush=True)


@flow
def long_flow() -> None:
    take_long()
