"""RMSNorm as torch's own operator.

transformers writes it as five elementwise operations, each of which goes over the whole residual stream and keeps its
result for the backward pass. torch's operator is one. Weights, names and results stay the same.
"""

from types import MethodType

import torch
from torch import nn
from torch.nn import functional
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLRMSNorm


def use_fused_rms_norm(model: nn.Module) -> None:
    """Replace the forward of every RMSNorm of a Qwen2.5-VL model, in place."""
    for module in model.modules():
        if isinstance(module, Qwen2_5_VLRMSNorm):
            module.forward = MethodType(_normalise, module)


def _normalise(self: nn.Module, states: torch.Tensor) -> torch.Tensor:
    """[..., H] -> [..., H] in the weight's type, as transformers' does: under autocast the states may be bfloat16."""
    return functional.rms_norm(states.to(self.weight.dtype), self.weight.shape, self.weight, self.variance_epsilon)
