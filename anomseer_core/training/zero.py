"""DeepSpeed's ZeRO: which state the ranks share out among themselves, and where weights are whole again.

Stage 1 shares out the optimiser's state, stage 2 the gradients too, stage 3 the weights too; offload keeps the
optimiser's state (and at stage 3 the weights) in the memory of the processor. Each combination is one file of
DeepSpeed's own settings, `infra/deepspeed/zero<stage>[-offload[-parameters]].json`: data, read through
`importlib.resources`, and the one place where these settings stand. Its content enters the recipe.

At stage 3 a module gathers its weights before its forward and lets them go after it, on all ranks at once. Sampling
takes a rank as long as its longest response, so ranks would wait for each other forever: what runs without gradients
runs between one gathering of all weights and their release.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed, nn

from anomseer_core.training.config import LaunchConfig

if TYPE_CHECKING:
    import deepspeed

SUFFIXES = {"none": "", "optimizer": "-offload", "parameters": "-offload-parameters"}
PARTITIONED_WEIGHTS = 3


def settings_name(launch: LaunchConfig) -> str:
    """The name of the file for a stage and what is offloaded."""
    return f"zero{launch.zero_stage}{SUFFIXES[launch.offload]}.json"


def read_settings(launch: LaunchConfig) -> dict[str, Any]:
    """What DeepSpeed is told besides the fields of the method: the content of the file for this launch."""
    return json.loads((files("infra") / "deepspeed" / settings_name(launch)).read_text(encoding="utf-8"))


@contextmanager
def gathered_weights(engine: "deepspeed.DeepSpeedEngine") -> Iterator[None]:
    """Weights whole on every rank, and no rank waiting for another; nothing to do below stage 3. Not for gradients."""
    if engine.zero_optimization_stage() < PARTITIONED_WEIGHTS:
        yield
        return
    import deepspeed

    with deepspeed.zero.unwrap_model_for_generation(engine):
        yield


def whole_weights(module: nn.Module, launch: LaunchConfig) -> Mapping[str, torch.Tensor]:
    """The module's weights by name, a tied one once.

    At stage 3 every rank has to call this, and rank 0 alone gets them: copies in the processor's memory, gathered one
    by one, so that no device has to hold them all.
    """
    named = dict(module.named_parameters())
    if launch.zero_stage < PARTITIONED_WEIGHTS:
        return {name: parameter.detach() for name, parameter in named.items()}
    gathered = ((name, _gather(parameter)) for name, parameter in named.items())
    return {name: weight for name, weight in gathered if distributed.get_rank() == 0}


def _gather(parameter: nn.Parameter) -> torch.Tensor:
    """A whole weight of stage 3 in the type it is kept in: a trained one from its optimiser."""
    import deepspeed
    from deepspeed.runtime.torch_autocast import PARAM_COMM_DTYPE_ATTR_NAME

    if parameter.requires_grad:
        return deepspeed.utils.safe_get_full_fp32_param(parameter).detach().cpu()
    # Under autocast DeepSpeed gathers in bfloat16; this is called when training is over.
    if hasattr(parameter, PARAM_COMM_DTYPE_ATTR_NAME):
        delattr(parameter, PARAM_COMM_DTYPE_ATTR_NAME)
    with deepspeed.zero.GatheredParameters([parameter]):
        return parameter.detach().to("cpu", parameter.dtype, copy=True)
