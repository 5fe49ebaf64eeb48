"""The patch embedding as the matrix product it is.

Qwen2.5-VL writes it as a Conv3d whose kernel equals its stride, over patches that are already cut out: one matrix
product of the flattened patches with the flattened kernel. On a CPU the convolution takes half of a training step.
Weights, names and results stay the same. It is the convolution that is replaced, not the module around it: ZeRO stage
3 gathers a weight when the module that owns it is called.
"""

from types import MethodType

import torch
from torch import nn
from torch.nn import functional


def use_linear_patch_embedding(model: nn.Module) -> None:
    """Replace the forward of a Qwen2.5-VL model's patch embedding, in place."""
    convolution = model.model.visual.patch_embed.proj
    convolution.forward = MethodType(_multiply, convolution)


def _multiply(self: nn.Conv3d, patches: torch.Tensor) -> torch.Tensor:
    """[patches, C, T, H, W] pixels -> [patches, hidden]."""
    return functional.linear(patches.flatten(1), self.weight.flatten(1))
