"""Which errors are refusals worded for the user, and which are defects that need their trace."""

from collections.abc import Collection
from types import TracebackType


def is_raised_in(error: BaseException, packages: Collection[str]) -> bool:
    """Whether an error was raised by a line of one of these top-level packages, not by a library they call."""
    trace = error.__traceback__
    return trace is not None and _raising_module(trace).split(".")[0] in packages


def _raising_module(trace: TracebackType) -> str:
    while trace.tb_next:
        trace = trace.tb_next
    return trace.tb_frame.f_globals.get("__name__", "")
