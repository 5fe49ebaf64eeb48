"""The configuration of a whole run, and the named configurations: complete, not piles of flags.

A named configuration is a function returning a `PipelineConfig`; its name is its MLflow tag and what `--config` takes.
"""

from collections.abc import Callable

from pydantic import Field, model_validator

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.config import Config
from anomseer_core.evaluation.config import DecodingConfig, EvaluationConfig
from anomseer_core.expcot.config import ExpCoTConfig, released_rules
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.synthesis.config import AnomLLMConfig, VisualTimeAnomalyConfig
from anomseer_core.training.config import (
    ColdStartConfig,
    LaunchConfig,
    RewardWeights,
    SnapshotConfig,
    TimerPOConfig,
    TransportConfig,
)


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


def paper() -> PipelineConfig:
    """The paper's run on Qwen2.5-VL-3B: pure RL without cold start, Table 4."""
    return PipelineConfig(name="paper", policy=PolicyConfig(preset="qwen2.5-vl-3b"))


def released() -> PipelineConfig:
    """What the authors' released code does where it departs from the paper."""
    training = TimerPOConfig(
        rewards=RewardWeights(location_metric="six"),
        normalisation="mean_only",
        transport=TransportConfig(marginals="state_norm", expert_context="text_only"),
    )
    evaluation = EvaluationConfig(decoding=DecodingConfig(temperature=0.4))
    return PipelineConfig(
        name="released",
        expcot=ExpCoTConfig(rules=released_rules()),
        policy=PolicyConfig(preset="qwen2.5-vl-3b"),
        training=training,
        evaluation=evaluation,
    )


def nano() -> PipelineConfig:
    """The whole pipeline on two CPU cores within minutes: a small policy, a short cold start, a few TimerPO steps."""
    decoding = DecodingConfig(max_response_tokens=192, batch_size=40)
    return PipelineConfig(
        name="nano",
        synthesis=SynthesisConfig(
            anomllm=AnomLLMConfig(count=25),
            visual_time_anomaly=VisualTimeAnomalyConfig(count=20),
            archive=ArchiveConfig(count=10),
        ),
        expcot=ExpCoTConfig(style="brief"),
        cold_start=ColdStartConfig(steps=140, batch_size=16),
        training=TimerPOConfig(
            steps=8,
            prompts_per_step=16,
            group_size=5,
            max_response_tokens=192,
            rewards=RewardWeights(location_metric="six"),
            # Fast enough to be seen in eight steps; 5e-5 drives so young a policy to answering `normal` always.
            learning_rate=2e-5,
        ),
        snapshots=SnapshotConfig(cold_start_every=20, training_every=2),
        evaluation=EvaluationConfig(decoding=decoding),
    )


def tiny() -> PipelineConfig:
    """Every stage at its smallest, to see that an installation works and for the tests; its numbers mean nothing."""
    config = nano()
    train = AnomLLMConfig(split="train", seed=3407, count=4)
    synthesis = SynthesisConfig(
        train=train,
        anomllm=AnomLLMConfig(count=1),
        visual_time_anomaly=VisualTimeAnomalyConfig(count=1),
        archive=ArchiveConfig(count=2),
    )
    decoding = DecodingConfig(max_response_tokens=48, batch_size=16)
    return config.model_copy(
        update={
            "name": "tiny",
            "synthesis": synthesis,
            "cold_start": ColdStartConfig(steps=4, batch_size=8),
            "training": config.training.model_copy(
                update={"steps": 2, "prompts_per_step": 4, "group_size": 3, "max_response_tokens": 48}
            ),
            "snapshots": SnapshotConfig(cold_start_every=2, training_every=1),
            "evaluation": EvaluationConfig(decoding=decoding),
        }
    )


CONFIGURATIONS: dict[str, Callable[[], PipelineConfig]] = {
    "nano": nano,
    "tiny": tiny,
    "paper": paper,
    "released": released,
}
