"""`anomseer seeds`: the mean of several evaluations and its deviation, in the terminal and as a run in MLflow."""

from collections.abc import Sequence

from anomseer_core.reports.repetition import to_terminal
from anomseer_core.settings import Settings
from anomseer_core.store import ArtifactStore
from flows.comparison import require_recorded
from flows.terminal import plain_console, show
from tasks.connection import connect
from tasks.repetition import average_and_record


def print_repetition(settings: Settings, references: Sequence[str]) -> None:
    require_recorded(settings, references)
    repeated = average_and_record(connect(settings), ArtifactStore(settings.home), references)
    console = plain_console()
    show(console, to_terminal(repeated.table))
    console.print(f"\nMLflow run           {repeated.mlflow_run}", soft_wrap=True)
