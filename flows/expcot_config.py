"""What a run of the expert alone is asked for: the series to explain, how traces are written, and what is shown."""

from pydantic import Field

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.config import Config
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.pipeline import PAPER_BENCHMARKS, Benchmark, PipelineConfig
from anomseer_core.reports.config import GalleryConfig
from anomseer_core.synthesis.config import AnomLLMConfig, DiverseConfig, VisualTimeAnomalyConfig


class ExpCoTRunConfig(Config):
    """The series to explain, how, and the gallery of the result."""

    benchmarks: tuple[Benchmark, ...] = Field(
        PAPER_BENCHMARKS,
        min_length=1,
        description="Sets of series to explain; the archive needs a folder, and traces from a file belong to one set.",
    )
    anomllm: AnomLLMConfig = Field(
        default_factory=lambda: AnomLLMConfig(split="train", seed=3407), description="AnomLLM series."
    )
    visual_time_anomaly: VisualTimeAnomalyConfig = Field(
        default_factory=VisualTimeAnomalyConfig, description="VisualTimeAnomaly series."
    )
    diverse: DiverseConfig = Field(default_factory=DiverseConfig, description="Diverse series, of one channel.")
    archive: ArchiveConfig = Field(default_factory=ArchiveConfig, description="Real series from a folder of yours.")
    expcot: ExpCoTConfig = Field(default_factory=ExpCoTConfig, description="The expert chain-of-thought traces.")
    gallery: GalleryConfig = Field(default_factory=GalleryConfig, description="The traces that are shown to people.")


def explanation_of(config: PipelineConfig) -> ExpCoTRunConfig:
    """The expert's part of a pipeline's configuration: its training series, and the held-out ones of the other sets."""
    data = config.synthesis
    return ExpCoTRunConfig(
        benchmarks=data.benchmarks,
        anomllm=data.train,
        visual_time_anomaly=data.visual_time_anomaly,
        diverse=data.diverse,
        archive=data.archive,
        expcot=config.expcot,
    )
