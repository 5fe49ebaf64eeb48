"""The part that both flows share: held-out series, every detector on each of them, and the summary."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.baselines.trivial import ANSWERS
from anomseer_core.endpoint.config import EndpointConfig
from anomseer_core.evaluation.config import BaselineConfig, DetectorsConfig
from anomseer_core.pipeline import Benchmark
from anomseer_core.synthesis.config import AnomLLMConfig, DiverseConfig, VisualTimeAnomalyConfig
from tasks.evaluation import predict_with_baseline, predict_with_endpoint, predict_with_policy, score
from tasks.reports import report
from tasks.stages import StageResult
from tasks.synthesis import read_archive_series, synthesize_series


@dataclass(frozen=True)
class HeldOut:
    """The held-out series by benchmark, and the reason for each benchmark that is left out.

    eventful: the benchmarks whose series were chosen for holding an event.
    """

    series: Mapping[str, StageResult]
    skipped: Mapping[str, str] = field(default_factory=dict)
    eventful: frozenset[str] = frozenset()


@dataclass(frozen=True)
class RunSummary:
    """Where the results of a flow run are.

    scores: folders of the score artifacts; policies: folder of each evaluated policy; skipped: what was left out, why.
    """

    mlflow_run: str
    scores: tuple[str, ...]
    policies: Mapping[str, str]
    skipped: Mapping[str, str]


def held_out_series(
    mlflow_run: str,
    anomllm: AnomLLMConfig,
    visual_time_anomaly: VisualTimeAnomalyConfig,
    archive: ArchiveConfig,
    benchmarks: Collection[Benchmark],
    *,
    diverse: DiverseConfig,
) -> HeldOut:
    """The series of the chosen benchmarks; the archive is skipped, by name, when no folder is given."""
    series: dict[str, StageResult] = {}
    skipped: dict[str, str] = {}
    for config in (anomllm, visual_time_anomaly, diverse):
        if config.benchmark in benchmarks:
            series[config.benchmark] = synthesize_series(mlflow_run, config)
    if "archive" in benchmarks and archive.folder:
        series["archive"] = read_archive_series(mlflow_run, archive)
    elif "archive" in benchmarks:
        skipped["archive"] = "no folder of real series is given (archive.folder)"
    return HeldOut(series, skipped, frozenset({"archive"} if archive.is_eventful else ()))


def evaluate_detectors(
    mlflow_run: str,
    policies: Mapping[str, StageResult],
    held_out: HeldOut,
    config: DetectorsConfig,
    endpoint: EndpointConfig | None = None,
) -> RunSummary:
    """Every policy, the model of an endpoint and every baseline on the very same series, scored and summed up."""
    scores = []
    for benchmark, series in held_out.series.items():
        for name, policy in policies.items():
            for decoding in config.decodings(eventful=benchmark in held_out.eventful):
                answers = predict_with_policy(mlflow_run, policy, series, decoding, decoding.detector_name(name))
                scores.append(score(mlflow_run, answers, series, config.scoring, examples=True, answers=True))
        if endpoint:
            answers = predict_with_endpoint(mlflow_run, series, endpoint, config.decoding)
            scores.append(score(mlflow_run, answers, series, config.scoring, examples=True, answers=True))
        for baseline in config.baselines:
            chosen = BaselineConfig(name=baseline, parameters=config.classical)
            answers = predict_with_baseline(mlflow_run, series, chosen)
            scores.append(score(mlflow_run, answers, series, config.scoring, examples=baseline not in ANSWERS))
    report(mlflow_run, scores, held_out.skipped)
    return RunSummary(
        mlflow_run,
        scores=tuple(result.path for result in scores),
        policies={name: policy.path for name, policy in policies.items()},
        skipped=dict(held_out.skipped),
    )
