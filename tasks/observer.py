"""What a running stage says, passed on: progress to the run log, metrics and completions to MLflow."""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from tasks.delivery import Delivery, Log

PROGRESS_SECONDS = 5.0
# Lines of child processes go to the run's page; the terminal leaves them out (flows/terminal.py).
CHILD_OUTPUT = {"child_output": True}


class StageObserver:
    """Implements `anomseer_core.observer.Observer` for the stage `name`."""

    def __init__(self, name: str, delivery: Delivery, log: Log) -> None:
        self.name = name
        self.delivery = delivery
        self.log = log
        # What the learning curves are drawn from.
        self.history: list[dict[str, Any]] = []
        self._first: tuple[float, int] | None = None
        self._last_report = time.monotonic()

    def progress(self, done: int, total: int, unit: str) -> None:
        """Log stage, count, rate and time left, at most every few seconds; the stage's end has a line of its own."""
        now = time.monotonic()
        # Rates leave out what came before the first report: imports, and what a resumed run had already.
        if self._first is None:
            self._first = (now, done)
        if now - self._last_report < PROGRESS_SECONDS or done >= total:
            return
        self._last_report = now
        self.log.info("%s", progress_line(self.name, done, total, unit, self._rate(now, done)))

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        self.history.append({"step": step, "metrics": dict(values)})
        self.delivery.add_metrics(step, values)

    def completions(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        self.delivery.add_completions(step, rows)

    def line(self, text: str) -> None:
        if text.strip():
            self.log.info("%s", text, extra=CHILD_OUTPUT)

    def _rate(self, now: float, done: int) -> float:
        started, already = self._first
        return (done - already) / (now - started) if now > started else 0.0


def progress_line(name: str, done: int, total: int, unit: str, rate: float) -> str:
    """One line of progress; `rate` [units/s] is 0 while unknown.

    >>> progress_line("timerpo", 3, 8, "steps", 0.1)
    'timerpo: 3 of 8 steps, 10.0 s each, 50 s left'
    >>> progress_line("anomllm-train", 900, 3200, "series", 100.0)
    'anomllm-train: 900 of 3200 series, 100 a second, 23 s left'
    """
    line = f"{name}: {done} of {total} {unit}"
    if rate <= 0:
        return line
    speed = f"{rate:.3g} a second" if rate >= 1 else f"{1 / rate:.1f} s each"
    return f"{line}, {speed}, {duration((total - done) / rate)} left"


def duration(seconds: float) -> str:
    """A time a person reads at a glance: `23 s`, `4 min 10 s`, `2 h 5 min`."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def run_log() -> Log:
    """The log of the current Prefect run; a plain logger outside of one."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("tasks")
