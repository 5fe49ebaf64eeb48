"""The configuration of a whole run. The named ones stand in `configurations.py`."""

from pydantic import Field, model_validator

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.config import Config
from anomseer_core.evaluation.config import EvaluationConfig
from anomseer_core.expcot.config import ExpCoTConfig
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.synthesis.config import AnomLLMConfig, VisualTimeAnomalyConfig
from anomseer_core.training.config import ColdStartConfig, LaunchConfig, SnapshotConfig, TimerPOConfig


class SynthesisConfig(Config):
    """The data: a training split, and the held-out series of three benchmarks."""

    train: AnomLLMConfig = Field(
        default_factory=lambda: AnomLLMConfig(split="train", seed=3407), description="AnomLLM series to train on."
    )
    anomllm: AnomLLMConfig = Field(default_factory=AnomLLMConfig, description="Held-out AnomLLM series.")
    visual_time_anomaly: VisualTimeAnomalyConfig = Field(
        default_factory=VisualTimeAnomalyConfig, description="Held-out VisualTimeAnomaly series."
    )
    archive: ArchiveConfig = Field(
        default_factory=ArchiveConfig, description="Held-out real series from a folder of yours."
    )

    @model_validator(mode="after")
    def _train_on_other_series_than_test(self) -> "SynthesisConfig":
        if self.train.seed == self.anomllm.seed:
            raise ValueError("train.seed equals anomllm.seed: the policy would be trained on its own test series")
        return self


class PipelineConfig(Config):
    """Dataset synthesis, expert traces, cold start, TimerPO and evaluation. All but `snapshots` shapes a result."""

    name: str = Field(
        "custom", min_length=1, max_length=100, description="Name of this configuration, a tag in MLflow."
    )
    synthesis: SynthesisConfig = Field(
        default_factory=SynthesisConfig, description="The series: one split to train on, and three benchmarks held out."
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
