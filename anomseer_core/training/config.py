"""Everything that shapes a training run. Defaults are the paper's (Table 4) where it states a value."""

from typing import Literal

from pydantic import Field

from anomseer_core.config import Config

Unfinished = Literal["resume", "restart", "refuse"]


class LaunchConfig(Config):
    """The processes of a training run. They change its numbers in the last bits only, and they are recorded."""

    ranks: int = Field(
        0, ge=0, le=1024, description="Training processes; 0 takes one per GPU, or two without a GPU. [processes]"
    )
    zero_stage: int = Field(2, ge=0, le=2, description="DeepSpeed ZeRO stage.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="Arithmetic of the forward pass; `auto` is bfloat16 where the processor multiplies it in hardware.",
    )
    micro_responses: int = Field(
        20, ge=1, le=4096, description="Responses in one forward pass of a rank; bounds its memory. [responses]"
    )


class ColdStartConfig(Config):
    """Supervised training on expert traces, before TimerPO. The paper has none; a randomly born policy needs one."""

    steps: int = Field(0, ge=0, le=1_000_000, description="Optimiser steps; 0 leaves the policy as it is. [steps]")
    batch_size: int = Field(32, ge=1, le=4096, description="Traces a step, over all ranks. [traces]")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Peak learning rate; warmed up, then cosine to zero.")
    warmup_share: float = Field(0.05, ge=0, le=1, description="Share of the steps that the learning rate rises.")
    weight_decay: float = Field(0.01, ge=0, le=1, description="AdamW weight decay.")
    gradient_clip: float = Field(1.0, gt=0, description="Norm to which gradients are clipped.")
    seed: int = Field(0, ge=0, description="Order in which traces are drawn.")


class RewardWeights(Config):
    """Eq. 1: the weighted sum of format, classification and location (Table 4)."""

    format: float = Field(0.1, ge=0, le=1, description="Weight of a valid response format.")
    classification: float = Field(0.2, ge=0, le=1, description="Weight of the right anomaly class.")
    location: float = Field(0.7, ge=0, le=1, description="Weight of the location score.")
    location_metric: Literal["affiliation", "six"] = Field(
        "affiliation",
        description="`affiliation`: affiliation-F1; `six`: mean of point-wise and affiliation P, R, F1 (authors).",
    )


class TransportConfig(Config):
    """Eq. 3-5: how far a sampled reasoning is from the expert's."""

    alignment: Literal["transport", "cosine", "clip"] = Field(
        "transport",
        description="Optimal transport, or the paper's alternatives (Table 6): token-wise cosine, CLIP-style.",
    )
    marginals: Literal["probability", "state_norm", "uniform"] = Field(
        "probability",
        description="Token weights: normalised generation probabilities, or softmax of state norms (authors' code).",
    )
    expert_context: Literal["image_and_prompt", "text_only"] = Field(
        "image_and_prompt",
        description="What precedes the expert trace when it is embedded; the authors' code embeds it alone.",
    )
    regularisation: float = Field(0.08, gt=0, le=10, description="Entropic regularisation of Sinkhorn.")
    iterations: int = Field(50, ge=1, le=10_000, description="Sinkhorn iterations, always all of them. [iterations]")
    tau: float = Field(0.5, gt=0, le=100, description="Temperature of the reasoning reward exp(-W / tau).")


class TimerPOConfig(Config):
    """TimerPO (section 4.2): group sampling, both advantages, orthogonal integration, clipped objective with KL."""

    steps: int = Field(250, ge=0, le=1_000_000, description="Rollout-and-update steps. [steps]")
    prompts_per_step: int = Field(128, ge=1, le=4096, description="Prompts a step, over all ranks. [prompts]")
    group_size: int = Field(5, ge=1, le=64, description="G: responses sampled per prompt. [responses]")
    temperature: float = Field(1.0, gt=0, le=2, description="Sampling temperature of the rollouts.")
    max_response_tokens: int = Field(1024, ge=8, le=8192, description="Longest response. [tokens]")
    rewards: RewardWeights = Field(default_factory=RewardWeights, description="What a response earns (Eq. 1).")
    alpha: float = Field(0.3, ge=0, le=10, description="Weight of the reasoning advantage (Eq. 7); 0 is plain GRPO.")
    integration: Literal["orthogonal", "weighted_sum", "none"] = Field(
        "orthogonal",
        description="How the reasoning advantage joins the main one (Eq. 6-7, Table 6); `none` leaves it out.",
    )
    normalisation: Literal["z_score", "mean_only"] = Field(
        "z_score",
        description="Advantages divided by the group's deviation (Eq. 2, 5), or centred only (the authors' code).",
    )
    equal_rewards: Literal["paper", "skip"] = Field(
        "paper",
        description="Groups whose rewards are all equal: follow the equations (reasoning alone remains), or drop them.",
    )
    transport: TransportConfig = Field(
        default_factory=TransportConfig, description="How far a sampled reasoning is from the expert's (Eq. 3-5)."
    )
    clip: float = Field(0.2, gt=0, lt=1, description="Clipping range of the importance ratio (Eq. 8).")
    kl_weight: float = Field(
        0.001, ge=0, le=10, description="Weight of the KL penalty against the initial policy (Eq. 8)."
    )
    updates_per_batch: int = Field(1, ge=1, le=16, description="Optimiser steps on each batch of rollouts. [steps]")
    learning_rate: float = Field(1e-6, gt=0, le=1, description="Constant learning rate of AdamW.")
    weight_decay: float = Field(0.01, ge=0, le=1, description="AdamW weight decay.")
    gradient_clip: float = Field(1.0, gt=0, description="Norm to which gradients are clipped.")
    completions_every: int = Field(1, ge=1, description="Sampled completions are kept every so many steps. [steps]")
    seed: int = Field(0, ge=0, description="Order of the prompts, and of every sampled token with its step and prompt.")


class SnapshotConfig(Config):
    """Going on after an interruption. Shapes no result: none of it enters a recipe."""

    cold_start_every: int = Field(
        50, ge=0, le=1_000_000, description="Steps between two snapshots of the cold start; 0 writes none. [steps]"
    )
    training_every: int = Field(
        10, ge=0, le=1_000_000, description="Steps between two snapshots of TimerPO; 0 writes none. [steps]"
    )
    unfinished: Unfinished = Field(
        "resume",
        description="What becomes of an interrupted training: `resume` goes on with it, and starts a new one beside it "
        "when settings differ; `refuse` names the settings that differ instead; `restart` starts over.",
    )
