"""Starting a flow from the terminal: an API where no server runs, calm output, and where to look next."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from anomseer_core.pipeline import PipelineConfig
from anomseer_core.settings import Settings, load_settings
from flows.embedded_api import embedded_api, send_pending
from flows.environment import prepare
from flows.evaluation_config import EvaluationRunConfig
from flows.terminal import plain_console, quieten

if TYPE_CHECKING:
    from flows.held_out import RunSummary


def run_pipeline(config: PipelineConfig) -> None:
    with prefect_api() as ready:
        from flows.pipeline import pipeline

        ready()
        summary = pipeline(config)
    print_summary(load_settings(), summary)


def run_evaluation(config: EvaluationRunConfig) -> None:
    with prefect_api() as ready:
        from flows.evaluate import evaluate

        ready()
        summary = evaluate(config)
    print_summary(load_settings(), summary)


@contextmanager
def prefect_api() -> Iterator[Callable[[], None]]:
    """Point Prefect at a server that runs, or at one of our own for the length of the body.

    Gives a function to call once the flow is imported: it returns when the API answers.
    """
    prepare(load_settings())
    settings = load_settings()
    _say(f"Results go to {settings.home}")
    if settings.prefect_api_url:
        yield quieten
        return
    with embedded_api(Path(settings.prefect_home)) as api:
        os.environ["PREFECT_API_URL"] = api.url

        def ready() -> None:
            quieten()
            api.wait()

        try:
            yield ready
        finally:
            send_pending()


def _say(text: str) -> None:
    """A line in the form of the log, before there is one."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def print_summary(settings: Settings, summary: "RunSummary") -> None:
    """The results table, and the ways on from here."""
    from anomseer_core.reports.summary import summarise, to_terminal
    from tasks.connection import connect
    from tasks.reports import read_all_scores

    console = plain_console()
    console.print()
    console.print(to_terminal(summarise(read_all_scores(summary.scores)), summary.skipped))
    console.print()
    places = {
        "MLflow run": summary.mlflow_run,
        "MLflow": connect(settings).uri,
        "Artifacts": str(settings.home / "artifacts"),
        **{f"Policy {name}": path for name, path in summary.policies.items()},
        "Lineage": f"anomseer lineage {summary.mlflow_run}",
        "In a browser": "anomseer up",
    }
    for name, place in places.items():
        console.print(f"{name:<20} {place}", soft_wrap=True)
