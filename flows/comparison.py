"""`anomseer compare`: two detectors on the same series, as a table in the terminal and a run in MLflow."""

from collections.abc import Sequence
from pathlib import Path

from anomseer_core.reports.comparison_table import to_terminal
from anomseer_core.settings import Settings
from anomseer_core.store import ArtifactStore
from flows.terminal import plain_console, show
from tasks.comparison import compare_and_record
from tasks.connection import connect


def print_comparison(settings: Settings, first: str, second: str, *, seed: int) -> None:
    require_recorded(settings, [*first.split(","), *second.split(",")])
    compared = compare_and_record(connect(settings), ArtifactStore(settings.home), first, second, seed=seed)
    console = plain_console()
    show(console, to_terminal(compared.table, first, second))
    console.print(f"\nMLflow run           {compared.mlflow_run}", soft_wrap=True)


def require_recorded(settings: Settings, references: Sequence[str]) -> None:
    """What is no folder must be a run, so that there must be records of runs."""
    database = settings.home / "mlflow" / "mlflow.db"
    if settings.mlflow_tracking_uri or database.exists():
        return
    for reference in references:
        if not Path(reference.strip()).is_dir():
            raise FileNotFoundError(
                f"{reference.strip() or repr(reference)} is no folder of scores, and no run is recorded yet: "
                f"{database} does not exist"
            )
