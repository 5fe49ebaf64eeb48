"""How a training run ends when it does not finish."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# How libraries written in Rust (safetensors, tokenizers) tell what the system refused, in exceptions of other types.
SYSTEM_ERROR = "os error"


class TrainingFailed(RuntimeError):
    """A training process ended with an error; the message holds the end of its output."""


class TrainingStopped(TrainingFailed):
    """Training stopped for a reason that is known; the message is one line for the user."""


@contextmanager
def must_be_written(what: str, folder: Path) -> Iterator[None]:
    """Raises TrainingStopped naming the folder and its free space when the body cannot write."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, OSError) and SYSTEM_ERROR not in str(error):
            raise
        free = shutil.disk_usage(folder).free / 2**20
        raise TrainingStopped(f"{what} cannot be written to {folder}, {free:,.0f} MiB free: {error}") from error
