"""What the generators of labelled series are asked for."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from anomseer_core.config import Config, Unique

AnomLLMTask = Literal["range", "point", "freq", "trend", "flat-trend", "noisy-point", "noisy-freq", "noisy-trend"]
VisualTask = Literal["global", "contextual", "seasonal", "trend", "shapelet"]
VisualForm = Literal["faithful", "fixed"]
DiverseTask = Literal["global", "contextual", "trend", "seasonal", "shapelet", "boundary", "multivariate"]
FieldTask = Literal[
    "daily", "bursts", "switching", "steady", "ramps", "beats", "drift", "noise", "staircase", "oscillation"
]
FieldForm = Literal["plain", "brief", "window"]
Split = Literal["train", "eval"]
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
DIVERSE_TASKS: tuple[DiverseTask, ...] = (
    "global",
    "contextual",
    "trend",
    "seasonal",
    "shapelet",
    "boundary",
    "multivariate",
)
UNIVARIATE_DIVERSE_TASKS = DIVERSE_TASKS[:-1]
FIELD_TASKS: tuple[FieldTask, ...] = get_args(FieldTask)


class AnomLLMConfig(Config):
    """One split of the AnomLLM benchmark: `count` series of each task, from one seed as the original draws them."""

    benchmark: Literal["anomllm"] = Field("anomllm", description="Name of the generator.")
    split: Split = Field("eval", description="Series to train on, or held out.")
    tasks: Annotated[tuple[AnomLLMTask, ...], Unique] = Field(
        ANOMLLM_TASKS, min_length=1, description="Tasks of the benchmark to generate."
    )
    count: int = Field(400, ge=1, le=100_000, description="Series of each task; the published split has 400. [series]")
    seed: int = Field(42, ge=0, le=2**32 - 1, description="Generator seed; published: 3407 (train), 42 (eval).")


class VisualTimeAnomalyConfig(Config):
    """The five univariate types of VisualTimeAnomaly (T = 400): every series has anomalies."""

    benchmark: Literal["visual_time_anomaly"] = Field("visual_time_anomaly", description="Name of the generator.")
    split: Split = Field("eval", description="Series to train on, or held out.")
    tasks: Annotated[tuple[VisualTask, ...], Unique] = Field(
        VISUAL_TASKS, min_length=1, description="Anomaly types to generate."
    )
    count: int = Field(100, ge=1, le=100, description="Series of each type; the published split has 100. [series]")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Generator seed; published: 0.")
    form: VisualForm = Field(
        "faithful",
        description="As released, or with its drifting seasonal frequency and its invisible point anomalies repaired.",
    )


class DiverseConfig(Config):
    """One split of Diverse: `count` series of each task, every third of them normal, all from one seed."""

    benchmark: Literal["diverse"] = Field("diverse", description="Name of the generator.")
    split: Split = Field("eval", description="Series to train on, or held out; no seed makes one the other.")
    tasks: Annotated[tuple[DiverseTask, ...], Unique] = Field(
        UNIVARIATE_DIVERSE_TASKS,
        min_length=1,
        description="Classes and variants to generate; multivariate is for detectors that take several channels.",
    )
    count: int = Field(90, ge=1, le=1_000_000, description="Series of each task. [series]")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Generator seed.")


class FieldConfig(Config):
    """Series to train on that look like monitored ones: `count` of each task, some of them normal, from one seed."""

    benchmark: Literal["field"] = Field("field", description="Name of the generator.")
    split: Split = Field("train", description="No seed makes a series of one split one of the other.")
    tasks: Annotated[tuple[FieldTask, ...], Unique] = Field(
        FIELD_TASKS, min_length=1, description="Kinds of signals to generate."
    )
    count: int = Field(100, ge=1, le=1_000_000, description="Series of each task. [series]")
    seed: int = Field(0, ge=0, le=2**32 - 1, description="Generator seed.")
    form: FieldForm = Field(
        "plain",
        description="Where something repeats, faults of a point or about a cycle, and every fourth series normal; "
        "`brief`, with those of a small part of a cycle besides, and every eighth; or `window`, which is `brief` as a "
        "window on a long recording shows it: mostly 4,000 samples, and every second normal series constant.",
    )


BenchmarkConfig = AnomLLMConfig | VisualTimeAnomalyConfig | DiverseConfig | FieldConfig


class MixedConfig(Config):
    """Series to train on from several generators, one part after another."""

    benchmark: Literal["mixed"] = Field("mixed", description="Name of the mixture.")
    split: Literal["train"] = Field("train", description="Series to train on.")
    parts: tuple[BenchmarkConfig, ...] = Field(min_length=1, description="The parts.")
