"""Where a policy computes and with which numbers. Weights stay float32; only the arithmetic of a pass changes."""

from contextlib import AbstractContextManager

import torch


def default_device() -> torch.device:
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def default_ranks() -> int:
    """One training process per GPU, or two without a GPU."""
    return torch.cuda.device_count() or 2


def resolve_precision(precision: str) -> str:
    if precision != "auto":
        return precision
    return "bfloat16" if torch.cuda.is_available() or has_bfloat16_cpu() else "float32"


def has_bfloat16_cpu() -> bool:
    """Whether the processor multiplies bfloat16 matrices in hardware; emulated, bfloat16 is slower than float32."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """The arithmetic of a forward pass: `float32` or `bfloat16`."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")
