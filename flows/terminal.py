"""What the terminal shows of a run: the stages and their progress, not the engine's own bookkeeping.

Nothing is lost: the run's page in Prefect has every line.
"""

import logging
import os
import re
import shutil
import sys
from pathlib import Path

from rich.console import Console, RenderableType

from anomseer_core.refusals import is_raised_in
from anomseer_core.store import DamagedArtifact
from anomseer_core.training.failures import TrainingStopped

OUR_PACKAGES = ("anomseer_core", "flows", "tasks", "mlflow_server")
COMMAND = "anomseer"
TABLE_COLUMNS = 100
# Failed and Crashed too: the command itself says in the end why it failed, or that it was stopped.
ROUTINE = re.compile(
    r"(Beginning flow run|View at|Finished in state (Completed|Running|Failed|Crashed)|Created task run"
    r"|Crash detected!|Crashed)"
)


def plain_console() -> Console:
    """Standard output; a file or a pipe has no width of its own and takes what the tables need."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=TABLE_COLUMNS)


def show(console: Console, *parts: RenderableType) -> None:
    """Print; into a file or a pipe without the blanks that fill a table's lines."""
    if console.is_terminal:
        console.print(*parts)
        return
    with console.capture() as printed:
        console.print(*parts)
    for line in printed.get().splitlines():
        console.print(line.rstrip(), markup=False, soft_wrap=True)


def command_name() -> str:
    """What to write before a subcommand so that it works as printed: the name where it is found, or the path."""
    started = Path(sys.argv[0])
    if started.name != COMMAND or not started.is_file():
        return COMMAND
    found = shutil.which(COMMAND)
    if found and Path(found).samefile(started):
        return COMMAND
    return min(str(started.absolute()), os.path.relpath(started), key=len)


def quieten() -> None:
    """Install the filter on Prefect's console handler; Prefect must have been imported."""
    from prefect.logging.handlers import PrefectConsoleHandler

    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            handler.addFilter(is_for_the_terminal)


def is_for_the_terminal(record: logging.LogRecord) -> bool:
    """Leaves out routine state changes, child processes' output, and traces of errors that end as one line."""
    if getattr(record, "child_output", False) or ROUTINE.match(record.getMessage()):
        return False
    error = record.exc_info[1] if record.exc_info else None
    return not (error and is_user_error(error))


def is_user_error(error: BaseException) -> bool:
    """Whether our own code words an error for its user, on one line: what arrives from a library is a defect."""
    if isinstance(error, (DamagedArtifact, TrainingStopped)):
        return True
    return isinstance(error, (ValueError, FileNotFoundError)) and is_raised_in(error, OUR_PACKAGES)
