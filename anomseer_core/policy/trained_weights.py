"""Which weights of a policy are trained: all of them, all but the vision tower's, or low-rank adapters (LoRA).

An adapter adds `alpha / rank * B A` to the weight of a linear layer and trains the two thin matrices alone; B starts at
zero, so that training starts from the policy itself. Adapters sit on every linear layer of the language model, and of
the vision tower too where that is trained. Switched off, they leave the policy as it was: the reference of TimerPO is
then the same weights, and no second model is held. Exported weights have them merged: a checkpoint is always a plain
Hugging Face folder.

peft makes the adapters; it is an optional package and is imported only where they are asked for.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

import torch
from torch import nn

from anomseer_core.policy.config import WeightsConfig

LANGUAGE, VISION = "model.language_model.", "model.visual."
# How peft names the parts of an adapted layer; one adapter, of its default name.
BASE, DOWN, UP = ".base_layer.", ".lora_A.default.", ".lora_B.default."


def require_adapters(config: WeightsConfig) -> None:
    """Raises ValueError when adapters are asked for and the package that makes them is not installed."""
    if config.lora_rank and find_spec("peft") is None:
        raise ValueError(
            f"weights.lora_rank = {config.lora_rank} needs the package peft: pip install 'anomseer[lora]', "
            "or set it to 0"
        )


def choose_weights(model: nn.Module, config: WeightsConfig, seed: int) -> None:
    """Let gradients reach the weights that are trained, and no others; adds the adapters, from a seed, in place."""
    if config.lora_rank:
        _add_adapters(model, config, seed)
    elif config.vision_tower == "frozen":
        model.model.visual.requires_grad_(False)


def _add_adapters(model: nn.Module, config: WeightsConfig, seed: int) -> None:
    require_adapters(config)
    from peft import LoraConfig, inject_adapter_in_model

    parts = (LANGUAGE, VISION) if config.vision_tower == "trained" else (LANGUAGE,)
    names = [name for name, layer in model.named_modules() if isinstance(layer, nn.Linear) and name.startswith(parts)]
    adapters = LoraConfig(
        r=config.lora_rank, lora_alpha=config.lora_alpha, lora_dropout=config.lora_dropout, target_modules=names
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        inject_adapter_in_model(adapters, model)
    # Adapters are born in training mode: what samples before the first update would drop inputs.
    model.train(model.training)


@contextmanager
def adapters_switched_off(model: nn.Module) -> Iterator[None]:
    """The policy as it was before any training of its adapters; a policy without adapters stays as it is."""
    layers = [layer for layer in model.modules() if hasattr(layer, "lora_A")]
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


def merge_adapters(weights: Mapping[str, torch.Tensor], config: WeightsConfig) -> dict[str, torch.Tensor]:
    """Weights by their plain names, each adapted one with its `alpha / rank * B A` added."""
    merged = {}
    for name, weight in weights.items():
        if DOWN in name or UP in name:
            continue
        down, up = (weights.get(name.replace(BASE, part)) for part in (DOWN, UP))
        if BASE in name and down is not None:
            weight = weight + config.lora_alpha / config.lora_rank * (up @ down)
        merged[name.replace(BASE, ".")] = weight
    return merged
