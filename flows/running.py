"""Starting a flow from the terminal: an API where no server runs, calm output, and where to look next."""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from anomseer_core.pipeline import PipelineConfig
from anomseer_core.settings import Settings, load_settings
from flows.embedded_api import embedded_api, send_pending
from flows.environment import prepare
from flows.evaluation_config import EvaluationRunConfig
from flows.expcot_config import ExpCoTRunConfig
from flows.services import read_services
from flows.terminal import command_name, plain_console, quieten, show

if TYPE_CHECKING:
    from anomseer_core.training.adoption import AdoptionConfig
    from flows.expcot import ExpCoTSummary
    from flows.held_out import RunSummary


def run_pipeline(config: PipelineConfig) -> None:
    with prefect_api() as ready:
        from flows.pipeline import pipeline

        ready()
        summary = pipeline(config)
    print_summary(load_settings(), summary)


def run_evaluation(config: EvaluationRunConfig, report: Path | None = None) -> None:
    """report: a file to write the tables to."""
    with prefect_api() as ready:
        from flows.evaluate import evaluate

        ready()
        summary = evaluate(config)
    print_summary(load_settings(), summary)
    if report:
        write_report(summary, report)


def run_adoption(config: "AdoptionConfig") -> None:
    with prefect_api() as ready:
        from flows.adopt import adopt

        ready()
        summary = adopt(config)
    print_places(plain_console(), load_settings(), summary.mlflow_run, {f"Policy {summary.stage}": summary.checkpoint})


def run_expcot(config: ExpCoTRunConfig) -> None:
    with prefect_api() as ready:
        from flows.expcot import expcot

        ready()
        summary = expcot(config)
    print_traces(load_settings(), summary)


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
    from tasks.reports import read_all_scores

    console = plain_console()
    console.print()
    show(console, to_terminal(summarise(read_all_scores(summary.scores)), summary.skipped))
    policies = {f"Policy {name}": path for name, path in summary.policies.items()}
    print_places(console, settings, summary.mlflow_run, policies)


def write_report(summary: "RunSummary", path: Path) -> None:
    """The report as markdown, under the command that made it, and beside it the pictures that it shows."""
    from anomseer_core.reports.evaluation_report import build_report, picture_name
    from anomseer_core.reports.figures import write_png
    from anomseer_core.store import ArtifactStore, commit

    command = " ".join(["anomseer", *map(shlex.quote, sys.argv[1:])])
    # Before anything is written: a page in a checkout is not what makes that one differ from its commit.
    head = f"# Results\n\nWritten by `{command}`, commit {commit()}."
    found = build_report(ArtifactStore(load_settings().home), summary.scores, summary.skipped)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheets = found.failures()
    files = {name: f"{path.stem}-{picture_name(name)}" for name in sheets}
    for name, sheet in sheets.items():
        write_png(sheet, path.with_name(files[name]))
    path.write_text(f"{head}\n\n{found.markdown(files)}", encoding="utf-8")


def print_traces(settings: Settings, summary: "ExpCoTSummary") -> None:
    """What the traces are like, and where to read them."""
    from anomseer_core.reports.trace_statistics import to_terminal

    console = plain_console()
    console.print()
    show(console, to_terminal(summary.statistics))
    for name, reason in summary.skipped.items():
        console.print(f"{name}: skipped, {reason}")
    traces = {f"Traces {name}": path for name, path in summary.traces.items()}
    print_places(console, settings, summary.mlflow_run, {"Gallery": summary.page, **traces})


def print_places(console: Console, settings: Settings, mlflow_run: str, results: Mapping[str, str]) -> None:
    """A line for each place where something of a run is."""
    from tasks.connection import connect

    services = read_services(settings)
    places = {
        "MLflow run": mlflow_run,
        "MLflow": connect(settings).uri,
        "Artifacts": str(settings.home / "artifacts"),
        **results,
        "Lineage": f"{command_name()} lineage {mlflow_run}",
        "In a browser": services.runs_url if services and services.running else f"{command_name()} up",
    }
    width = max(20, *map(len, places))
    console.print()
    for name, place in places.items():
        console.print(f"{name:<{width}} {place}", soft_wrap=True)
