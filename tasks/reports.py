"""The task that turns scores into the summary: a Prefect artifact, and tables and metrics of the parent run."""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from mlflow.entities import Metric
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from anomseer_core.evaluation.errors import error_table
from anomseer_core.evaluation.scores import SCORES_FILE, read_scores
from anomseer_core.reports.confusion_figure import confusion_figures
from anomseer_core.reports.evaluation_report import EvaluationReport, build_report, picture_name
from anomseer_core.reports.figures import group_bars
from anomseer_core.reports.summary import GROUPED_BENCHMARK, is_policy, to_markdown
from anomseer_core.settings import load_settings
from anomseer_core.store import ArtifactStore
from tasks import tags
from tasks.connection import Tracking, connect
from tasks.evaluation import MEASURES
from tasks.observer import run_log
from tasks.recording import PICTURE_FOLDER, record_pictures
from tasks.stages import StageResult
from tasks.tables import show_tables, write_table

# Of a baseline the parent run holds only what stands beside the policy's headline; its own run holds the rest.
BASELINE_MEASURES = ("affiliation_f1", "pointwise_f1")
# MLflow takes names of metrics for paths of few characters; a model is called whatever its endpoint calls it.
UNNAMEABLE = re.compile(r"[^\w.\- :]+")
SUMMARY_TABLE = "summary.json"
SUMMARY_TEXT = "summary.md"
REPORT_TEXT = "report.md"
ERRORS_TABLE = "errors.json"
# MLflow refuses longer tags.
NOTE_CHARACTERS = 8000


@task(
    name="summary",
    description="The results table: every detector on every benchmark.",
    task_run_name="summary",
    cache_policy=NO_CACHE,
)
def report(mlflow_run: str, scores: Sequence[StageResult], skipped: Mapping[str, str]) -> None:
    settings = load_settings()
    found = build_report(ArtifactStore(settings.home), [result.path for result in scores], skipped)
    rows, summary = found.rows, found.summary
    markdown = to_markdown(summary, skipped)
    tracking = connect(settings)
    client = tracking.client
    write_table(client, mlflow_run, summary, SUMMARY_TABLE)
    show_tables(client, mlflow_run, [SUMMARY_TABLE])
    client.log_text(mlflow_run, markdown, SUMMARY_TEXT)
    note = markdown if len(markdown) <= NOTE_CHARACTERS else f"The results are in {SUMMARY_TEXT} among the artifacts."
    client.set_tag(mlflow_run, tags.NOTE, note)
    client.log_batch(mlflow_run, metrics=_metrics(summary))
    if GROUPED_BENCHMARK in set(summary["benchmark"]):
        record_pictures(tracking, mlflow_run, {"groups.png": group_bars(summary)})
    record_pictures(tracking, mlflow_run, draw_confusion(rows))
    if found.policies:
        record_policies(tracking, mlflow_run, found)
    for warning in warn_of_unparsable(summary):
        run_log().warning("%s", warning)
    create_markdown_artifact(markdown, key="summary", description="Every detector on the same held-out series.")


def record_policies(tracking: Tracking, mlflow_run: str, found: EvaluationReport) -> None:
    """The report of the policies with its sheets of failures, and the kinds of mistakes as a table."""
    sheets = found.failures()
    record_pictures(tracking, mlflow_run, {picture_name(name): sheet for name, sheet in sheets.items()})
    addresses = {name: f"{PICTURE_FOLDER}/{picture_name(name)}" for name in sheets}
    tracking.client.log_text(mlflow_run, found.markdown(addresses), REPORT_TEXT)
    if len(found.errors):
        write_table(tracking.client, mlflow_run, error_table(found.errors), ERRORS_TABLE)
        show_tables(tracking.client, mlflow_run, [SUMMARY_TABLE, ERRORS_TABLE])


def draw_confusion(scores: pd.DataFrame) -> dict[str, Figure]:
    """The confusion matrices of every benchmark, by file name."""
    return {
        f"confusion-{benchmark}-{profile}-{kind}.png": figure
        for (benchmark, profile), rows in scores.groupby(["benchmark", "profile"], sort=False)
        for kind, figure in confusion_figures(rows).items()
    }


def warn_of_unparsable(summary: pd.DataFrame) -> list[str]:
    """A line for each policy most of whose answers could not be read: its scores say little else."""
    return [
        f"{row['detector']} on {row['benchmark']}: {row['unparsable']} of {row['n'] + row['excluded']} answers could "
        "not be read; the policy may need more training, or max_response_tokens is too small"
        for row in summary.to_dict("records")
        if is_policy(row["detector"]) and row["unparsable"] > (row["n"] + row["excluded"]) / 2
    ]


def read_all_scores(paths: Sequence[str]) -> pd.DataFrame:
    """The rows of several score artifacts, one below the other."""
    return pd.concat([read_scores(Path(path) / SCORES_FILE) for path in paths], ignore_index=True)


def _metrics(summary: pd.DataFrame) -> list[Metric]:
    now = int(time.time() * 1000)
    return [
        Metric(f"{row['benchmark']}/{UNNAMEABLE.sub('-', row['detector'])}/{name}", float(row[name]), now, 0)
        for row in summary.to_dict("records")
        for name in (MEASURES if is_policy(row["detector"]) else BASELINE_MEASURES)
        if not pd.isna(row[name])
    ]
