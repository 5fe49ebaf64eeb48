"""What the generators of labelled series are asked for."""

from typing import Annotated, Literal

from pydantic import Field

from anomseer_core.config import Config, Unique

AnomLLMTask = Literal["range", "point", "freq", "trend", "flat-trend", "noisy-point", "noisy-freq", "noisy-trend"]
VisualTask = Literal["global", "contextual", "seasonal", "trend", "shapelet"]
ANOMLLM_TASKS: tuple[AnomLLMTask, ...] = (
    "range",
    "point",
    "freq",
    "trend",
    "flat-trend",
    "noisy-point",
    "noisy-freq",
    "noisy-trend",
)
VISUAL_TASKS: tuple[VisualTask, ...] = ("global", "contextual", "seasonal", "trend", "shapelet")


class AnomLLMConfig(Config):
    """One split of the AnomLLM benchmark: `count` series of each task, from one seed as the original draws them."""

    benchmark: Literal["anomllm"] = Field("anomllm", description="Name of the generator.")
    split: Literal["train", "eval"] = Field("eval", description="Series to train on, or held out.")
    tasks: Annotated[tuple[AnomLLMTask, ...], Unique] = Field(
        ANOMLLM_TASKS, min_length=1, description="Tasks of the benchmark to generate."
    )
    count: int = Field(400, ge=1, le=100_000, description="Series of each task; the published split has 400. [series]")
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Generator seed; published: 3407 (train), 42 (eval).")


class VisualTimeAnomalyConfig(Config):
    """The five univariate types of VisualTimeAnomaly (T = 400), as released: every series has anomalies."""

    benchmark: Literal["visual_time_anomaly"] = Field("visual_time_anomaly", description="Name of the generator.")
    split: Literal["train", "eval"] = Field("eval", description="Series to train on, or held out.")
    tasks: Annotated[tuple[VisualTask, ...], Unique] = Field(
        VISUAL_TASKS, min_length=1, description="Anomaly types to generate."
    )
    count: int = Field(100, ge=1, le=100, description="Series of each type; the published split has 100. [series]")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Generator seed; published: 0.")
