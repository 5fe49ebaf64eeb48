"""The patch embedding as the matrix product it is.

Qwen2.5-VL writes it as a Conv3d whose kernel equals its stride, over patches that are already cut out: one matrix
product of the flattened patches with the flattened kernel. On a CPU the convolution takes half of a training step.
Weights, names and results stay the same.
"""

from types import MethodType

import torch
from torch import nn
from torch.nn import functional


def use_linear_patch_embedding(model: nn.Module) -> None:
    """Replace the forward of a Qwen2.5-VL model's patch embedding, in place."""
    embedding = model.model.visual.patch_embed
    embedding.forward = MethodType(_embed_patches, embedding)


def _embed_patches(self: nn.Module, patches: torch.Tensor) -> torch.Tensor:
    """[patches, C * T * H * W] pixels -> [patches, hidden]."""
    kernel = self.proj.weight.flatten(1)
    return functional.linear(patches.to(kernel.dtype), kernel)
