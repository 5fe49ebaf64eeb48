"""The configuration of a whole run. The named ones stand in `configurations.py`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.config import Config, Unique
from anomseer_core.evaluation.config import EvaluationConfig
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.synthesis.config import (
    AnomLLMConfig,
    BenchmarkConfig,
    DiverseConfig,
    FieldConfig,
    FieldForm,
    MixedConfig,
    VisualTimeAnomalyConfig,
)
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, SnapshotConfig, TimerPOConfig

Benchmark = Literal["anomllm", "visual_time_anomaly", "diverse", "archive"]
# The paper's; Diverse is ours and joins by choice.
PAPER_BENCHMARKS: tuple[Benchmark, ...] = ("anomllm", "visual_time_anomaly", "archive")


class SynthesisConfig(Config):
    """The data: a training split, and the held-out series of the benchmarks."""

    train: AnomLLMConfig = Field(
        default_factory=lambda: AnomLLMConfig(split="train", seed=3407), description="AnomLLM series to train on."
    )
    train_diverse: int = Field(
        0, ge=0, le=100_000, description="Diverse series of each univariate task to train on besides. [series]"
    )
    train_visual_time_anomaly: int = Field(
        0,
        ge=0,
        le=1000,
        description="Splits of VisualTimeAnomaly (fixed, 100 series of each type) to train on besides, a seed each, "
        "from 1. [splits]",
    )
    train_field: int = Field(
        0, ge=0, le=100_000, description="Field series of each kind of signal to train on besides. [series]"
    )
    train_field_form: FieldForm = Field(
        "plain",
        description="The form of Field: how brief their faults are, how rare those without, how many of full length.",
    )
    benchmarks: Annotated[tuple[Benchmark, ...], Unique] = Field(
        PAPER_BENCHMARKS, min_length=1, description="Benchmarks held out; the archive needs a folder."
    )
    anomllm: AnomLLMConfig = Field(default_factory=AnomLLMConfig, description="Held-out AnomLLM series.")
    visual_time_anomaly: VisualTimeAnomalyConfig = Field(
        default_factory=VisualTimeAnomalyConfig, description="Held-out VisualTimeAnomaly series."
    )
    diverse: DiverseConfig = Field(default_factory=DiverseConfig, description="Held-out Diverse series.")
    archive: ArchiveConfig = Field(
        default_factory=ArchiveConfig, description="Held-out real series from a folder of yours."
    )

    @model_validator(mode="after")
    def _train_on_other_series_than_test(self) -> "SynthesisConfig":
        if self.train.seed == self.anomllm.seed:
            raise ValueError("train.seed equals anomllm.seed: the policy would be trained on its own test series")
        if self.train_diverse and self.diverse.split == "train":
            raise ValueError("diverse.split is train and train_diverse is not 0: a test on the series trained on")
        if not self.train_field and self.train_field_form != "plain":
            raise ValueError(f"train_field_form = {self.train_field_form} has no effect with train_field = 0; set both")
        if self.visual_time_anomaly.seed in range(1, self.train_visual_time_anomaly + 1):
            raise ValueError(
                f"visual_time_anomaly.seed {self.visual_time_anomaly.seed} is one of those trained on, 1 to "
                f"{self.train_visual_time_anomaly} (train_visual_time_anomaly); choose 0 or a higher one"
            )
        return self

    @property
    def training(self) -> AnomLLMConfig | MixedConfig:
        """What the policy is trained on."""
        more: list[BenchmarkConfig] = []
        if self.train_diverse:
            more.append(DiverseConfig(split="train", count=self.train_diverse))
        if self.train_field:
            more.append(FieldConfig(split="train", count=self.train_field, form=self.train_field_form))
        more += [
            VisualTimeAnomalyConfig(split="train", form="fixed", seed=seed)
            for seed in range(1, self.train_visual_time_anomaly + 1)
        ]
        return MixedConfig(parts=(self.train, *more)) if more else self.train


class PipelineConfig(Config):
    """Dataset synthesis, expert traces, cold start, TimerPO and evaluation. All but `snapshots` shapes a result."""

    name: str = Field(
        "custom", min_length=1, max_length=100, description="Name of this configuration, a tag in MLflow."
    )
    synthesis: SynthesisConfig = Field(
        default_factory=SynthesisConfig, description="The series: one split to train on, and the benchmarks held out."
    )
    expcot: ExpCoTConfig = Field(
        default_factory=ExpCoTConfig, description="The expert chain-of-thought traces of the training split."
    )
    policy: PolicyConfig = Field(default_factory=PolicyConfig, description="The policy before any training.")
    cold_start: ColdStartConfig = Field(
        default_factory=ColdStartConfig, description="Supervised training on the traces."
    )
    training: TimerPOConfig = Field(
        default_factory=TimerPOConfig,
        description="TimerPO: group sampling, rewards, both advantages, clipped objective (section 4.2).",
    )
    launch: LaunchConfig = Field(
        default_factory=LaunchConfig, description="The processes that train; they change results in the last bits only."
    )
    snapshots: SnapshotConfig = Field(
        default_factory=SnapshotConfig, description="Going on after an interruption; shapes no result."
    )
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig, description="Held-out evaluation.")

    @model_validator(mode="after")
    def _teach_no_evaluation_prompt(self) -> "PipelineConfig":
        """The series that TimerPO's learning curve asks about must be new to the cold start too."""
        asked, kept_out = self.training.evaluation_prompts, self.cold_start.evaluation_prompts
        if self.training.steps and self.cold_start.steps and asked > kept_out:
            raise ValueError(
                f"training.evaluation_prompts = {asked}, but cold_start.evaluation_prompts = {kept_out}: "
                f"the cold start would be taught the answers; set both to {asked}"
            )
        return self
