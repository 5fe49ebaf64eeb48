"""Tasks that show expert traces to people: their statistics, and the gallery page."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from anomseer_core.expcot.statistics import CorpusStatistics, corpus_statistics
from anomseer_core.reports.config import GalleryConfig
from anomseer_core.reports.gallery import PAGE, Corpus, write_gallery
from anomseer_core.reports.trace_statistics import to_frame, to_markdown
from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from tasks import tags
from tasks.connection import Tracking, connect
from tasks.delivery import Delivery
from tasks.observer import StageObserver, duration, run_log
from tasks.stages import StageResult, resolve
from tasks.tables import show_tables, write_table

STATISTICS_TABLE = "statistics.json"
STATISTICS_TEXT = "statistics.md"
GALLERY_FOLDER = "gallery"


@dataclass(frozen=True)
class Traced:
    """Two finished stages: series, and the traces about them."""

    series: StageResult
    traces: StageResult


@task(
    name="trace-statistics",
    description="What the traces are like, by class: words, claims, weak evidence, agreement with the label.",
    task_run_name="trace statistics",
    cache_policy=NO_CACHE,
)
def report_traces(mlflow_run: str, traced: Sequence[Traced]) -> tuple[CorpusStatistics, ...]:
    """The statistics of each set, as metrics of the run and as one table among its artifacts."""
    settings = load_settings()
    tracking, store = connect(settings), ArtifactStore(settings.home)
    leftovers = settings.home / "undelivered" / f"{mlflow_run}.jsonl"
    statistics = []
    with Delivery(tracking.client, mlflow_run, leftovers=leftovers, log=run_log()) as delivery:
        observer = StageObserver("trace-statistics", delivery, run_log())
        for item in traced:
            traces, series = resolve(store, item.traces), resolve(store, item.series)
            found = corpus_statistics(traces, series, name=item.series.name, observer=observer)
            delivery.add_metrics(0, {f"{found.name}/{name}": value for name, value in found.metrics().items()})
            statistics.append(found)
    markdown = to_markdown(statistics)
    write_table(tracking.client, mlflow_run, to_frame(statistics), STATISTICS_TABLE)
    show_tables(tracking.client, mlflow_run, [STATISTICS_TABLE])
    tracking.client.log_text(mlflow_run, markdown, STATISTICS_TEXT)
    tracking.client.set_tag(mlflow_run, tags.NOTE, markdown)
    return tuple(statistics)


@task(
    name="gallery",
    description="Examples of traces by a stated rule: pictures, evidence and checked text, as PNG and one HTML page.",
    task_run_name="draw gallery",
    cache_policy=NO_CACHE,
)
def draw_gallery(
    mlflow_run: str, traced: Sequence[Traced], statistics: Sequence[CorpusStatistics], config: GalleryConfig
) -> str:
    """The path of the page, which MLflow gets as well; a Prefect artifact tells the statistics and both places."""
    settings, log, started = load_settings(), run_log(), time.monotonic()
    tracking, store = connect(settings), ArtifactStore(settings.home)
    corpora = [
        Corpus(resolve(store, item.traces), resolve(store, item.series), about)
        for item, about in zip(traced, statistics, strict=True)
    ]
    leftovers = settings.home / "undelivered" / f"{mlflow_run}.jsonl"
    with Delivery(tracking.client, mlflow_run, leftovers=leftovers, log=log) as delivery:
        observer = StageObserver("gallery", delivery, log)
        page = write_gallery(settings.home / "galleries" / mlflow_run, corpora, config, observer)
    tracking.client.log_artifacts(mlflow_run, str(page.parent), GALLERY_FOLDER)
    create_markdown_artifact(
        f"{to_markdown(statistics)}\n{tell_places(tracking, mlflow_run, page)}",
        key="expert-traces",
        description="What the expert traces are like, and where the gallery of them is.",
    )
    log.info("gallery: %s in %s", page, duration(time.monotonic() - started))
    return str(page)


def tell_places(tracking: Tracking, mlflow_run: str, page: Path) -> str:
    """Where the gallery is, as markdown: its file, and its place in MLflow, linked where a server shows it."""
    place = f"artifact `{GALLERY_FOLDER}/{PAGE}` of run `{mlflow_run}`"
    if tracking.uri.startswith(("http://", "https://")):
        address = f"{tracking.uri}/#/experiments/{tracking.experiment_id}/runs/{mlflow_run}/artifacts"
        place = f"[{place}]({address}/{GALLERY_FOLDER}/{PAGE})"
    return f"Gallery: `{page}` on the machine of this run; in MLflow {place}.\n"
