"""What a stage tells whoever started it while it works. Core stays silent unless somebody listens."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Observer(Protocol):
    """Receives a stage's progress; tasks implement it with Prefect logs and MLflow."""

    def progress(self, done: int, total: int, unit: str) -> None:
        """`done` of `total` units ("series", "steps") are finished."""

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """The metrics of one training step."""

    def completions(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Sampled responses of one training step, with their rewards and advantages."""

    def line(self, text: str) -> None:
        """One line of a child process's output."""


class SilentObserver:
    """Listens to nothing."""

    def progress(self, done: int, total: int, unit: str) -> None: ...

    def metrics(self, step: int, values: Mapping[str, float]) -> None: ...

    def completions(self, step: int, rows: Sequence[Mapping[str, Any]]) -> None: ...

    def line(self, text: str) -> None: ...


SILENT = SilentObserver()
