"""The DeepSpeed engine around a policy, and the collective sums that ranks agree by.

On a CPU the ranks talk through gloo: DeepSpeed's shared-memory operator would compile at first use and fail on a
machine without a compiler. Its own AdamW does too, hence `torch_adam` in `infra/deepspeed/*.json`.
"""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import distributed, nn

from anomseer_core.policy.precision import autocast
from anomseer_core.training.config import LaunchConfig
from anomseer_core.training.zero import read_settings

if TYPE_CHECKING:
    import deepspeed


class OptimizerSettings(Protocol):
    """The fields that both training methods' configs share."""

    learning_rate: float
    weight_decay: float
    gradient_clip: float


def start_distributed(local_rank: int) -> torch.device:
    """Join the group of ranks; returns this rank's device."""
    import deepspeed  # only a rank needs it

    logging.getLogger("DeepSpeed").setLevel(logging.WARNING)
    if torch.cuda.is_available():
        torch.cuda.set_device(local_rank)
        deepspeed.init_distributed("nccl")
        return torch.device("cuda", local_rank)
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed("gloo")
    return torch.device("cpu")


def build_engine(
    module: nn.Module,
    settings: OptimizerSettings,
    launch: LaunchConfig,
    *,
    accumulation: int,
    schedule: Callable[[int], float] = lambda step: 1.0,
) -> "deepspeed.DeepSpeedEngine":
    """Wrap a module for training; `schedule` maps the optimiser step to a factor of the learning rate."""
    import deepspeed

    def build_scheduler(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)

    engine, *_ = deepspeed.initialize(
        model=module,
        model_parameters=[parameter for parameter in module.parameters() if parameter.requires_grad],
        lr_scheduler=build_scheduler,
        config=build_deepspeed_config(settings, launch, accumulation),
    )
    if launch.zero_stage == 0:
        _remember_gradient_norm(engine)
    return engine


def forget_moments(engine: "deepspeed.DeepSpeedEngine") -> None:
    """Start the optimiser's moments over, and the steps they are corrected by.

    Weights that had no gradient for a thousand steps have second moments of zero which count as settled: Adam would
    move them by up to six learning rates at each of the first steps.
    """
    # ZeRO holds the optimiser that it partitions; without ZeRO it is the engine's own.
    optimizer = getattr(engine.optimizer, "optimizer", engine.optimizer)
    for state in optimizer.state.values():
        for value in state.values():
            value.zero_()


def _remember_gradient_norm(engine: "deepspeed.DeepSpeedEngine") -> None:
    """At stage 0 DeepSpeed forgets the norm it clips by; kept where it looks for it, it is told as at other stages."""
    from deepspeed.runtime.utils import clip_grad_norm_

    def clip() -> None:
        norm = clip_grad_norm_(parameters=engine.module.parameters(), max_norm=engine.gradient_clipping())
        engine.optimizer._global_grad_norm = float(norm)

    engine.clip_fp32_gradients = clip


def build_deepspeed_config(settings: OptimizerSettings, launch: LaunchConfig, accumulation: int) -> dict[str, Any]:
    """The file for this stage and offload, completed by the fields of the method."""
    config = read_settings(launch)
    config["optimizer"]["params"] |= {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    config |= {
        # Batches are cut here, not by DeepSpeed: only their product has to agree with the number of ranks.
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": settings.gradient_clip,
    }
    # An outer autocast is left alone on a CPU and switched off by DeepSpeed on a GPU, which has its own section.
    if torch.cuda.is_available() and launch.precision == "bfloat16":
        config["torch_autocast"] = {"enabled": True, "dtype": "bfloat16"}
    return config


def forward_arithmetic(device: torch.device, launch: LaunchConfig) -> Any:
    """The autocast of a forward pass outside, or on a CPU also inside, the engine."""
    return autocast(device, launch.precision)


def sum_over_ranks(value: float, device: torch.device) -> float:
    total = torch.tensor(value, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    return float(total)


def mean_over_ranks(metrics: Mapping[str, float], device: torch.device) -> dict[str, float]:
    """The mean of each metric over the ranks; every rank passes the same names."""
    names = sorted(metrics)
    values = torch.tensor([metrics[name] for name in names], dtype=torch.float64, device=device)
    distributed.all_reduce(values)
    values /= distributed.get_world_size()
    return dict(zip(names, values.tolist(), strict=True))
