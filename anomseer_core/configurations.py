"""The named configurations: complete, not piles of flags.

Each is a function returning a `PipelineConfig`; its name is its MLflow tag and what `--config` takes.

- `nano`, `tiny`: the whole pipeline on a laptop, from random weights.
- `nano-cold-start`, `nano-continued`, `nano-field`, `nano-brief`, `nano-window`, `nano-timerpo`: how the policy that
  ships is born.
- `paper`, `released`: AnomSeer as the paper says, and as the authors' code does.
- `sft`, `grpo`, `sft+grpo`, `timerpo`, `sft+timerpo`: one method each, on the data, policy and evaluation of `paper`.
  They train Qwen2.5-VL-3B. With `policy.preset=nano` take one that has a cold start, and the learning rates of `nano`:
  a policy from random weights answers nothing before it was taught, and learns nothing at 1e-5.
"""

from collections.abc import Callable

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.evaluation.config import DecodingConfig, EvaluationConfig
from anomseer_core.expcot.config import ExpCoTConfig, released_rules
from anomseer_core.pipeline import PipelineConfig, SynthesisConfig
from anomseer_core.policy.config import PolicyConfig
from anomseer_core.synthesis.config import AnomLLMConfig, DiverseConfig, FieldForm, VisualTimeAnomalyConfig
from anomseer_core.training.config import (
    BordersConfig,
    ColdStartConfig,
    LaunchConfig,
    RewardWeights,
    SnapshotConfig,
    TimerPOConfig,
    TransportConfig,
)

# Three passes over 3,200 traces. The paper says nothing of its supervised training: usual values of full fine-tuning.
SUPERVISED = ColdStartConfig(steps=150, batch_size=64, learning_rate=1e-5)
# As the authors train: what activations of three billion parameters would take is computed twice instead.
ON_GPUS = LaunchConfig(gradient_checkpointing=True)


def paper() -> PipelineConfig:
    """The paper's run on Qwen2.5-VL-3B: pure RL without cold start. The defaults are Table 4."""
    return PipelineConfig(name="paper", policy=PolicyConfig(preset="qwen2.5-vl-3b"), launch=ON_GPUS)


def released() -> PipelineConfig:
    """What the authors' released code does where it departs from the paper."""
    training = TimerPOConfig(
        rewards=RewardWeights(rule="released", location_metric="six"),
        normalisation="mean_only",
        transport=TransportConfig(
            response_side="whole",
            marginals="state_norm",
            expert_context="text_only",
            expert_tokens=512,
            # What the paper leaves open, and the defaults here take from this code.
            regularisation=0.08,
            iterations=50,
            tau=0.5,
        ),
        kl_cap=10.0,
        entropy_weight=0.001,
        loss_mean="token",
        seed=1,
    )
    evaluation = EvaluationConfig(decoding=DecodingConfig(temperature=0.4))
    return PipelineConfig(
        name="released",
        expcot=ExpCoTConfig(rules=released_rules()),
        policy=PolicyConfig(preset="qwen2.5-vl-3b"),
        training=training,
        launch=ON_GPUS,
        evaluation=evaluation,
    )


def sft() -> PipelineConfig:
    """Supervised training on the 3,200 expert traces, and nothing after it (the paper's SFT-3.2k)."""
    return paper().model_copy(
        update={"name": "sft", "cold_start": SUPERVISED, "training": TimerPOConfig(steps=0)},
    )


def grpo() -> PipelineConfig:
    """Plain GRPO: the paper's run without the reasoning advantage."""
    return paper().model_copy(update={"name": "grpo", "training": TimerPOConfig(alpha=0.0)})


def sft_grpo() -> PipelineConfig:
    """TimeMaster's recipe: the supervised start, then GRPO with its settings, on the prompts that `paper` sees too.

    Its reward for anomalies is not published; Eq. 1 takes its place.
    """
    training = TimerPOConfig(
        alpha=0.0,
        steps=500,
        prompts_per_step=64,
        mini_batches=2,
        normalisation="z_score_sample",
        kl_weight=0.01,
        # TimeMaster and AnomSeer start from one library, whose loss these describe.
        kl_cap=10.0,
        entropy_weight=0.001,
        loss_mean="token",
    )
    return sft().model_copy(update={"name": "sft+grpo", "training": training})


def timerpo() -> PipelineConfig:
    """Pure TimerPO: `paper` under the name of its method."""
    return paper().model_copy(update={"name": "timerpo"})


def sft_timerpo() -> PipelineConfig:
    """The supervised start, then the paper's TimerPO."""
    return sft().model_copy(update={"name": "sft+timerpo", "training": TimerPOConfig()})


# Nothing that an expert says of VisualTimeAnomaly's twenty points is longer than 457 tokens.
NANO_DECODING = DecodingConfig(max_response_tokens=512, batch_size=40)
# [steps] Of 16 pictures: where anomalies are, then why and what to answer. No steps of answers alone in between: a
# reasoning names positions more often than an answer does.
NANO_BORDER_STEPS, NANO_REASONING_STEPS = 800, 4800


def nano() -> PipelineConfig:
    """The whole pipeline on two CPU cores within minutes: a small policy, a short cold start, a few TimerPO steps."""
    decoding = DecodingConfig(max_response_tokens=192, batch_size=40)
    return PipelineConfig(
        name="nano",
        synthesis=SynthesisConfig(
            anomllm=AnomLLMConfig(count=25),
            visual_time_anomaly=VisualTimeAnomalyConfig(count=20),
            diverse=DiverseConfig(count=24),
            archive=ArchiveConfig(count=10),
        ),
        expcot=ExpCoTConfig(style="brief"),
        # Too few pictures to learn where to look from answers alone, and too few steps for a lesson without reasoning.
        cold_start=ColdStartConfig(steps=300, batch_size=16, borders=BordersConfig(weight=1.0, alone_steps=100)),
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


# Series of their own seeds: AnomLLM's published train seed, Diverse's train split, eight splits of VisualTimeAnomaly.
NANO_SYNTHESIS = SynthesisConfig(
    train=AnomLLMConfig(split="train", seed=3407, count=2500),
    train_diverse=2000,
    train_visual_time_anomaly=8,
    benchmarks=("anomllm", "visual_time_anomaly", "diverse"),
    visual_time_anomaly=VisualTimeAnomalyConfig(form="fixed"),
    diverse=DiverseConfig(count=167),
)


def _mixture(
    *, anomllm: int, diverse: int, field: int, visual_time_anomaly: int, field_form: FieldForm = "plain"
) -> SynthesisConfig:
    """`NANO_SYNTHESIS` with other numbers of training series: of each task; of VisualTimeAnomaly, of splits."""
    sizes = {
        "train": NANO_SYNTHESIS.train.model_copy(update={"count": anomllm}),
        "train_diverse": diverse,
        "train_field": field,
        "train_field_form": field_form,
        "train_visual_time_anomaly": visual_time_anomaly,
    }
    return NANO_SYNTHESIS.model_copy(update=sizes)


def nano_cold_start() -> PipelineConfig:
    """The supervised half of the policy that is to ship: pictures first, then reasoning and answers."""
    return PipelineConfig(
        name="nano-cold-start",
        synthesis=NANO_SYNTHESIS,
        expcot=ExpCoTConfig(style="brief"),
        cold_start=ColdStartConfig(
            steps=NANO_BORDER_STEPS + NANO_REASONING_STEPS,
            batch_size=16,
            borders=BordersConfig(weight=1.0, alone_steps=NANO_BORDER_STEPS),
            direct_share=0.25,
            evaluate_every=400,
            evaluation_prompts=64,
            evaluation_tokens=480,
        ),
        training=TimerPOConfig(steps=0),
        snapshots=SnapshotConfig(cold_start_every=200),
        evaluation=EvaluationConfig(decoding=NANO_DECODING),
    )


def nano_continued() -> PipelineConfig:
    """More supervised training of the policy that ships, mostly on Diverse, which it reads worst."""
    start = nano_cold_start()
    cold_start = start.cold_start.model_copy(
        update={
            "steps": 2800,
            "borders": BordersConfig(weight=1.0),
            # What is known is not to be lost at once.
            "learning_rate": 7e-4,
            "seed": 1,
        }
    )
    return start.model_copy(
        update={
            "name": "nano-continued",
            "synthesis": _mixture(anomllm=1200, diverse=5000, field=0, visual_time_anomaly=8),
            "policy": PolicyConfig(preset="shipped"),
            "cold_start": cold_start,
        }
    )


def nano_field() -> PipelineConfig:
    """Still more of it, on series that look like real ones (Field) beside all the others."""
    start = nano_continued()
    synthesis = _mixture(anomllm=600, diverse=1400, field=1000, visual_time_anomaly=3)
    cold_start = start.cold_start.model_copy(update={"steps": 1800, "seed": 2})
    return start.model_copy(update={"name": "nano-field", "synthesis": synthesis, "cold_start": cold_start})


def nano_brief() -> PipelineConfig:
    """Still more of it, half on Field, whose faults may be brief now and whose normal series are fewer."""
    start = nano_field()
    synthesis = _mixture(anomllm=500, diverse=1000, field=1000, visual_time_anomaly=2, field_form="brief")
    cold_start = start.cold_start.model_copy(update={"steps": 2000, "seed": 3})
    return start.model_copy(update={"name": "nano-brief", "synthesis": synthesis, "cold_start": cold_start})


def nano_window() -> PipelineConfig:
    """Still more of it, half on Field as a picture shows a long recording: mostly full, and sometimes constant."""
    start = nano_brief()
    synthesis = start.synthesis.model_copy(update={"train_field_form": "window"})
    cold_start = start.cold_start.model_copy(update={"steps": 1600, "seed": 4})
    return start.model_copy(update={"name": "nano-window", "synthesis": synthesis, "cold_start": cold_start})


def nano_timerpo() -> PipelineConfig:
    """TimerPO from the policy that ships, on every kind of series, with the reward that wide intervals cannot farm."""
    start = nano_window()
    # Two hundred steps ask about 3,200 series, a small part of what a supervised stage reads.
    synthesis = _mixture(anomllm=130, diverse=130, field=180, visual_time_anomaly=1, field_form="window")
    training = TimerPOConfig(
        steps=200,
        prompts_per_step=16,
        group_size=8,
        max_response_tokens=480,
        rewards=RewardWeights(location_metric="six"),
        learning_rate=3e-5,
        evaluate_every=25,
        evaluation_prompts=64,
    )
    return start.model_copy(
        update={
            "name": "nano-timerpo",
            "synthesis": synthesis,
            "cold_start": start.cold_start.model_copy(update={"steps": 0}),
            "training": training,
        }
    )


def tiny() -> PipelineConfig:
    """Every stage at its smallest, to see that an installation works and for the tests; its numbers mean nothing."""
    config = nano()
    train = AnomLLMConfig(split="train", seed=3407, count=4)
    synthesis = SynthesisConfig(
        train=train,
        anomllm=AnomLLMConfig(count=1),
        visual_time_anomaly=VisualTimeAnomalyConfig(count=1),
        diverse=DiverseConfig(count=3),
        archive=ArchiveConfig(count=2),
    )
    decoding = DecodingConfig(max_response_tokens=48, batch_size=16)
    return config.model_copy(
        update={
            "name": "tiny",
            "synthesis": synthesis,
            "cold_start": ColdStartConfig(
                steps=4, batch_size=8, borders=BordersConfig(weight=1.0, alone_steps=1), direct_steps=1
            ),
            "training": config.training.model_copy(
                update={"steps": 2, "prompts_per_step": 4, "group_size": 3, "max_response_tokens": 48}
            ),
            "snapshots": SnapshotConfig(cold_start_every=2, training_every=1),
            "evaluation": EvaluationConfig(decoding=decoding),
        }
    )


CONFIGURATIONS: dict[str, Callable[[], PipelineConfig]] = {
    "nano": nano,
    "nano-cold-start": nano_cold_start,
    "nano-continued": nano_continued,
    "nano-field": nano_field,
    "nano-brief": nano_brief,
    "nano-window": nano_window,
    "nano-timerpo": nano_timerpo,
    "tiny": tiny,
    "paper": paper,
    "released": released,
    "sft": sft,
    "grpo": grpo,
    "sft+grpo": sft_grpo,
    "timerpo": timerpo,
    "sft+timerpo": sft_timerpo,
}
