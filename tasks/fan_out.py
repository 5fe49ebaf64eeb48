"""Shards as Prefect tasks in worker processes: `fan_out` implements `anomseer_core.fan_out.FanOut`.

Workers are spawned, so each imports anew (four seconds of one core); they compute with one thread each, and end when
the pipe from their parent closes, however the parent ends. What a shard raises is raised in the parent: a refusal in
the words of our own code as it was, anything else as a `ShardFailed` that holds the worker's traceback.
"""

import logging
import os
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext, TaskRunContext
from prefect.futures import PrefectFuture
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.settings.context import get_current_settings
from prefect.states import Failed, State
from prefect.task_runners import ProcessPoolTaskRunner

from anomseer_core.fan_out import Result, Shard, in_process

OUR_PACKAGES = ("anomseer_core", "tasks")
# Read by numerical libraries when they are loaded: workers share the cores, so each gets one thread.
ONE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# Submitted at once: enough to keep workers busy, few enough to hold. Prefect may start what it holds in any order.
SHARDS_PER_WORKER = 2


class ShardFailed(RuntimeError):
    """A defect in a worker; the message holds its traceback."""


def fan_out(function: Callable[[Shard], Result], shards: Sequence[Shard], /) -> Generator[Result, None, None]:
    """The result of every shard, in order, each computed in a Prefect task of its own.

    As many workers as this process may use cores, or as `PREFECT_TASKS_RUNNER_PROCESS_POOL_MAX_WORKERS` says; where
    that is one, or there is one shard, the calling process does it all.
    """
    workers = min(num_workers(), len(shards))
    if workers < 2:
        yield from in_process(function, shards)
        return
    lifeline, parent_end = Pipe(duplex=False)
    runner = ProcessPoolTaskRunner(max_workers=workers, initializer=start_worker, initargs=(lifeline,))
    with lifeline, parent_end, runner:
        try:
            waiting = (_submit(runner, function, *item) for item in enumerate(shards, start=1))
            with known_to_workers():
                pending = deque(islice(waiting, SHARDS_PER_WORKER * workers))
            while pending:
                result = _result(pending.popleft())
                pending.extend(islice(waiting, 1))
                yield result
        except BaseException:
            # An error, a signal, or a reader that has enough: the work under way is not waited for.
            parent_end.close()
            raise


@contextmanager
def known_to_workers() -> Iterator[None]:
    """What a runner tells its workers when the first shards are submitted: the run they belong to, and the API.

    The run without its own code: workers would import the whole flow, torch included, for none of it. The API by name,
    be it a temporary one: every worker would start one of its own, which outlives it.
    """
    flow_run, task_run = FlowRunContext.get(), TaskRunContext.get()
    with ExitStack() as stack:
        client = stack.enter_context(get_client(sync_client=True))
        stack.enter_context(temporary_settings({PREFECT_API_URL: str(client.api_url)}))
        if flow_run:
            stack.enter_context(flow_run.model_copy(update={"flow": shards_of_a_flow, "parameters": {}}))
        if task_run:
            stack.enter_context(task_run.model_copy(update={"task": run_shard, "parameters": {}}))
        yield


def num_workers() -> int:
    """Worker processes to start at most."""
    return get_current_settings().tasks.runner.process_pool_max_workers or len(os.sched_getaffinity(0))


def start_worker(lifeline: Connection) -> None:
    """Prepare a worker process. An interrupt from the terminal reaches it too and is the parent's to handle."""
    os.environ.update(ONE_THREAD)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            # The states of shards are on their pages; the terminal has the stage's own progress.
            handler.setLevel(logging.WARNING)
    threading.Thread(target=_leave_with_parent, args=(lifeline,), name="lifeline", daemon=True).start()


@task(
    name="shard",
    description="One part of a stage that is spread over processes.",
    task_run_name="{name} {number}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def run_shard(name: str, number: int, work: bytes) -> bytes | State[bytes]:
    """Apply a pickled function to its shard; result or error come back pickled."""
    function, shard = pickle.loads(work)
    try:
        return pickle.dumps(function(shard))
    except Exception as error:
        return Failed(message=str(error), data=pickle.dumps(_wrap(error)))


@flow
def shards_of_a_flow() -> None:
    """Never run: it stands for the flow of a shard's run in a worker."""


def _wrap(error: Exception) -> Exception:
    """What the parent raises: refusals that our own code words, and defects with the worker's traceback."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    if frame.f_globals.get("__name__", "").split(".")[0] in OUR_PACKAGES:
        return error
    return ShardFailed("".join(traceback.format_exception(error)))


def _submit(
    runner: ProcessPoolTaskRunner, function: Callable[[Shard], Result], number: int, shard: Shard
) -> PrefectFuture[bytes]:
    # Prefect searches parameters for futures to wait for; bytes hold none.
    work = pickle.dumps((function, shard))
    return runner.submit(run_shard, {"name": function.__name__, "number": number, "work": work})


def _result(future: PrefectFuture[bytes]) -> Any:
    try:
        packed = future.result(raise_on_failure=False)
    except BrokenProcessPool as error:
        raise ShardFailed("a worker process ended without a word, perhaps for want of memory") from error
    if isinstance(packed, BaseException):
        raise ShardFailed("a shard was given up by Prefect") from packed
    value = pickle.loads(packed)
    if isinstance(value, Exception):
        raise value
    return value


def _leave_with_parent(lifeline: Connection) -> None:
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
