"""Everything that shapes a training run. Defaults are the paper's (Table 4) where it states a value."""

from typing import Any, Literal

from pydantic import BaseModel, Field, model_validator

from anomseer_core.config import Config
from anomseer_core.policy.config import WeightsConfig

Unfinished = Literal["resume", "restart", "refuse"]


class LaunchConfig(Config):
    """The processes of a training run. They change its numbers in the last bits only, and they are recorded."""

    ranks: int = Field(
        0, ge=0, le=1024, description="Training processes; 0 takes one per GPU, or two without a GPU. [processes]"
    )
    zero_stage: int = Field(
        2,
        ge=0,
        le=3,
        description="What ranks share out: 1 the optimiser's state, 2 gradients too, 3 weights too (DeepSpeed ZeRO).",
    )
    offload: Literal["none", "optimizer", "parameters"] = Field(
        "none",
        description="What lies in the processor's memory: the optimiser's state (stage 1 up), weights too (stage 3).",
    )
    gradient_checkpointing: bool = Field(
        False, description="Compute activations again in the backward pass: less memory for about a third more time."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="Arithmetic of the forward pass; `auto` is bfloat16 where the processor multiplies it in hardware.",
    )
    micro_responses: int = Field(
        20, ge=1, le=4096, description="Responses in one forward pass of a rank; bounds its memory. [responses]"
    )

    @model_validator(mode="after")
    def _offload_what_is_shared_out(self) -> "LaunchConfig":
        needed = {"none": 0, "optimizer": 1, "parameters": 3}[self.offload]
        if self.zero_stage < needed:
            raise ValueError(f"offload {self.offload!r} needs zero_stage {needed} or higher, not {self.zero_stage}")
        return self


class BordersConfig(Config):
    """A dense loss beside the answers: the image tokens say which columns are anomalous. Not in the paper."""

    weight: float = Field(0.0, ge=0, le=100, description="Weight of this loss; 0 leaves it out.")
    alone_steps: int = Field(
        0, ge=0, le=1_000_000, description="First steps, on this loss alone: they read pictures and no text. [steps]"
    )

    @model_validator(mode="after")
    def _weigh_something(self) -> "BordersConfig":
        if self.alone_steps and not self.weight:
            raise ValueError(f"alone_steps = {self.alone_steps} teaches nothing with weight = 0; set weight too")
        return self


class ColdStartConfig(Config):
    """Supervised training on expert traces, before TimerPO. The paper has none; a randomly born policy needs one."""

    steps: int = Field(0, ge=0, le=1_000_000, description="Optimiser steps; 0 leaves the policy as it is. [steps]")
    batch_size: int = Field(32, ge=1, le=4096, description="Traces a step, over all ranks. [traces]")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Peak learning rate; warmed up, then cosine to zero.")
    warmup_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of the steps that the learning rate rises, and rises again after `borders.alone_steps`.",
    )
    weight_decay: float = Field(0.01, ge=0, le=1, description="AdamW weight decay.")
    gradient_clip: float = Field(1.0, gt=0, description="Norm to which gradients are clipped.")
    borders: BordersConfig = Field(
        default_factory=BordersConfig, description="What the image tokens are taught besides, for a policy born here."
    )
    direct_steps: int = Field(
        0, ge=0, le=1_000_000, description="First steps with answers that teach no reasoning before them. [steps]"
    )
    direct_share: float = Field(
        0.0, ge=0, le=1, description="Share of the answers taught without reasoning after them: the fast mode."
    )
    weights: WeightsConfig = Field(default_factory=WeightsConfig, description="Which weights are trained.")
    seed: int = Field(0, ge=0, description="Order in which traces are drawn.")
    evaluate_every: int = Field(
        0, ge=0, description="The policy answers the evaluation prompts every so many steps; 0 is never. [steps]"
    )
    evaluation_prompts: int = Field(
        0, ge=0, le=4096, description="Training series kept out of training for these answers. [series]"
    )
    evaluation_tokens: int = Field(1024, ge=8, le=8192, description="Longest of these answers. [tokens]")

    @model_validator(mode="after")
    def _evaluate_something(self) -> "ColdStartConfig":
        _require_prompts(self.evaluate_every, self.evaluation_prompts)
        return self


class RewardWeights(Config):
    """Eq. 1: the weighted sum of format, classification and location (Table 4)."""

    rule: Literal["grammar", "released"] = Field(
        "grammar",
        description="How a response is read: by the prompt's grammar (closed pairs), or as the authors' code does.",
    )
    format: float = Field(0.1, ge=0, le=1, description="Weight of a valid response format.")
    classification: float = Field(0.2, ge=0, le=1, description="Weight of the right anomaly class.")
    location: float = Field(0.7, ge=0, le=1, description="Weight of the location score.")
    location_metric: Literal["affiliation", "six"] = Field(
        "affiliation",
        description="`affiliation`: affiliation-F1; `six`: mean of point-wise and affiliation P, R, F1 (authors).",
    )


class TransportConfig(Config):
    """Eq. 3-5: how far a sampled reasoning is from the expert's."""

    alignment: Literal["transport", "cosine", "clip", "mean_cosine"] = Field(
        "transport",
        description="Optimal transport; Table 6: token-wise cosine, CLIP-style; cosine of means (the authors' `clip`).",
    )
    response_side: Literal["reasoning", "whole"] = Field(
        "reasoning",
        description="Tokens compared with the expert: the reasoning, or the whole response (the authors).",
    )
    marginals: Literal["probability", "state_norm", "uniform"] = Field(
        "probability",
        description="Token weights: normalised generation probabilities, or softmax of state norms (authors' code).",
    )
    expert_context: Literal["image_and_prompt", "text_only"] = Field(
        "image_and_prompt",
        description="What precedes the expert trace when it is embedded; the authors' code embeds it alone.",
    )
    expert_tokens: int = Field(
        0, ge=0, le=8192, description="Expert tokens compared, from the first; 0 is all, the authors' 512. [tokens]"
    )
    regularisation: float = Field(0.08, gt=0, le=10, description="Entropic regularisation of Sinkhorn.")
    iterations: int = Field(50, ge=1, le=10_000, description="Sinkhorn iterations, always all of them. [iterations]")
    tau: float = Field(0.5, gt=0, le=100, description="Temperature of the reasoning reward exp(-W / tau).")

    @model_validator(mode="after")
    def _solve_only_transport(self) -> "TransportConfig":
        if self.alignment != "transport":
            for name in _changed(self, ("regularisation", "iterations")):
                raise ValueError(f"{name} has no effect under alignment = {self.alignment}; leave it at its default")
        return self


class TimerPOConfig(Config):
    """TimerPO (section 4.2): group sampling, both advantages, orthogonal integration, clipped objective with KL."""

    steps: int = Field(250, ge=0, le=1_000_000, description="Rollout-and-update steps. [steps]")
    prompts_per_step: int = Field(128, ge=1, le=4096, description="Prompts a step, over all ranks. [prompts]")
    group_size: int = Field(5, ge=1, le=64, description="G: responses sampled per prompt. [responses]")
    temperature: float = Field(1.0, gt=0, le=2, description="Sampling temperature of the rollouts.")
    max_response_tokens: int = Field(1024, ge=8, le=8192, description="Longest response. [tokens]")
    rewards: RewardWeights = Field(default_factory=RewardWeights, description="What a response earns (Eq. 1).")
    alpha: float = Field(0.3, ge=0, le=10, description="Weight of the reasoning advantage (Eq. 7); 0 is plain GRPO.")
    integration: Literal["orthogonal", "weighted_sum", "pcgrad", "none"] = Field(
        "orthogonal",
        description="How the reasoning joins the task (Eq. 6-7, Table 6): by advantage, by gradient (pcgrad), or not.",
    )
    normalisation: Literal["z_score", "z_score_sample", "mean_only"] = Field(
        "z_score",
        description="Advantages over the group's deviation (Eq. 2, 5), its sample one (TimeMaster), or centred only.",
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
    kl_cap: float = Field(0.0, ge=0, description="Largest KL value of a token (the authors' code: 10); 0 is no cap.")
    entropy_weight: float = Field(
        0.0, ge=0, le=10, description="Weight of an entropy bonus, which the paper has not (the authors' code: 0.001)."
    )
    loss_mean: Literal["response", "token"] = Field(
        "response",
        description="Eq. 8's mean per response, then over responses; or one over all tokens (the authors).",
    )
    updates_per_batch: int = Field(1, ge=1, le=16, description="Passes over each batch of rollouts. [passes]")
    mini_batches: int = Field(
        1, ge=1, le=64, description="Parts of a batch of rollouts, an optimiser step each (Table 4: one). [parts]"
    )
    learning_rate: float = Field(1e-6, gt=0, le=1, description="Constant learning rate of AdamW.")
    weight_decay: float = Field(0.01, ge=0, le=1, description="AdamW weight decay.")
    gradient_clip: float = Field(1.0, gt=0, description="Norm to which gradients are clipped.")
    weights: WeightsConfig = Field(default_factory=WeightsConfig, description="Which weights are trained.")
    completions_every: int = Field(1, ge=1, description="Sampled completions are kept every so many steps. [steps]")
    seed: int = Field(0, ge=0, description="Order of the prompts, and of every sampled token with its step and prompt.")
    evaluate_every: int = Field(
        0, ge=0, description="The policy answers the evaluation prompts every so many steps; 0 is never. [steps]"
    )
    evaluation_prompts: int = Field(
        0, ge=0, le=4096, description="Training series kept out of training for these answers. [series]"
    )

    @property
    def is_guided(self) -> bool:
        """Whether the expert traces take part at all; plain GRPO otherwise."""
        return self.alpha > 0 and self.integration != "none"

    @property
    def updates(self) -> int:
        """Optimiser steps on each batch of rollouts."""
        return self.updates_per_batch * self.mini_batches

    @model_validator(mode="after")
    def _use_every_setting(self) -> "TimerPOConfig":
        if self.integration == "none" and self.alpha and _changed(self, ("alpha",)):
            raise ValueError(f"alpha = {self.alpha} has no effect under integration = none; set it to 0")
        if self.kl_cap and not self.kl_weight:
            raise ValueError(f"kl_cap = {self.kl_cap} has no effect with kl_weight = 0; set it to 0")
        _require_prompts(self.evaluate_every, self.evaluation_prompts)
        return self

    def idle_settings(self) -> list[str]:
        """One line for each setting away from its default that this run cannot feel."""
        lines = []
        if not self.is_guided and (names := _changed(self.transport, type(self.transport).model_fields)):
            lines.append(f"without reasoning advantage, nothing of transport has an effect: {', '.join(names)}")
        if not self.alpha and self.integration in ("weighted_sum", "pcgrad"):
            lines.append(f"integration = {self.integration} has no effect with alpha = 0")
        if self.updates == 1 and _changed(self, ("clip",)):
            lines.append(f"clip = {self.clip} has no effect with one update per batch: every ratio is 1")
        return lines


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


def _changed(config: BaseModel, names: Any) -> list[str]:
    """Those fields whose value is not their default."""
    fields = type(config).model_fields
    return [name for name in names if getattr(config, name) != fields[name].get_default(call_default_factory=True)]


def _require_prompts(every: int, prompts: int) -> None:
    if every and not prompts:
        raise ValueError(f"evaluate_every = {every} has nothing to ask; set evaluation_prompts too")
