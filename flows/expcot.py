"""The expert alone: traces of chosen series, what they are like, and a gallery to read them beside their evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

from prefect import flow

from anomseer_core.configurations import paper
from anomseer_core.expcot.statistics import CorpusStatistics
from flows.expcot_config import ExpCoTRunConfig, explanation_of
from flows.held_out import held_out_series
from flows.preflight import require_explainable
from flows.recorded import recorded_flow_run
from tasks.expcot import write_expert_traces
from tasks.gallery import Traced, draw_gallery, report_traces

DEFAULT = explanation_of(paper())


@dataclass(frozen=True)
class ExpCoTSummary:
    """What a run of the expert leaves.

    page: path of the gallery; traces: folder of each set, by name of its series; skipped: what was left out, why.
    """

    mlflow_run: str
    page: str
    traces: Mapping[str, str]
    statistics: tuple[CorpusStatistics, ...]
    skipped: Mapping[str, str]


@flow(name="anomseer-expcot")
def expcot(config: ExpCoTRunConfig = DEFAULT) -> ExpCoTSummary:
    """Write expert traces of chosen series, check every number in them, and show them beside their evidence.

    Series and traces that were made before are reused. Statistics are among the artifacts of this run; MLflow holds
    the gallery page and its pictures.

    Args:
        config: The series to explain, how traces are written (with the label, or blind), and how many are shown. The
            form starts from the configuration `paper`, whose values a field left out of a request takes.
    """
    require_explainable(config)
    with recorded_flow_run("expcot", config) as run:
        chosen = held_out_series(
            run,
            config.anomllm,
            config.visual_time_anomaly,
            # A trace describes one channel; archive.channels = apart makes a series of each.
            config.archive.model_copy(update={"most_channels": 1}),
            config.benchmarks,
            diverse=config.diverse,
        )
        traced = [Traced(item, write_expert_traces(run, item, config.expcot)) for item in chosen.series.values()]
        statistics = report_traces(run, traced)
        page = draw_gallery(run, traced, statistics, config.gallery)
    traces = {item.series.name: item.traces.path for item in traced}
    return ExpCoTSummary(run, page, traces, statistics, dict(chosen.skipped))
