"""A checkpoint as it ships with the package: weights in bfloat16, tokenizer, processor, config, and two cards.

Half the bytes of float32; loading gives float32 again. What would not answer as it was trained is refused: a
checkpoint whose renderer, prompt or grammar has changed.
"""

import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from anomseer_core.policy.card import (
    ABOUT,
    CARD,
    MODEL_CARD,
    drifted,
    file_digests,
    read_card,
    require_carded,
    write_card,
)
from anomseer_core.policy.folder import CONFIG, INDEX, read_object, require_weights
from anomseer_core.policy.model_card import write_page
from anomseer_core.policy.provenance import Provenance
from anomseer_core.store import write_json

WEIGHTS = "model.safetensors"
# [bytes] Of the whole folder: a package that everyone installs holds it.
LIMIT = 25 * 10**6


def export_policy(source: Path, target: Path, provenance: Provenance) -> Path:
    """Write the checkpoint of `source` as a folder that ships, `target`, whole or not at all; returns it.

    Raises ValueError when the folder would pass the limit, the checkpoint has drifted from this code or is not the one
    of its card, or the target exists; FileNotFoundError when `source` holds no whole checkpoint.
    """
    _require_shippable(source, target)
    staging = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    staging.mkdir(parents=True)
    try:
        _write(source, staging, provenance)
        _require_small(sum(path.stat().st_size for path in staging.iterdir()), source)
        os.rename(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _require_shippable(source: Path, target: Path) -> None:
    require_weights(source)
    card = read_card(source)
    if not card:
        raise FileNotFoundError(f"checkpoint folder {source} holds no {CARD}; name one that anomseer trained")
    require_carded(source, card)
    for name in drifted(card):
        raise ValueError(f"checkpoint folder {source}: the {name} has changed since it was trained; train it again")
    _require_small(2 * _count_weights(source), source)
    if target.exists():
        raise ValueError(f"{target} exists; remove it first")


def _require_small(size: int, source: Path) -> None:
    if size > LIMIT:
        raise ValueError(
            f"checkpoint folder {source}: {WEIGHTS} and the rest would be {size / 1e6:.1f} MB in bfloat16, and what "
            f"ships has at most {LIMIT / 1e6:.0f} MB; ship a smaller policy"
        )


def _count_weights(folder: Path) -> int:
    """Numbers in all weights, from their headers."""
    total = 0
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            total += sum(torch.Size(file.get_slice(name).get_shape()).numel() for name in file.keys())  # noqa: SIM118
    return total


def _write(source: Path, folder: Path, provenance: Provenance) -> None:
    for path in sorted(source.iterdir()):
        if path.is_file() and path.suffix != ".safetensors" and path.name not in (*ABOUT, CONFIG, INDEX):
            # Not linked: the package is edited, and the checkpoint must stay as it is.
            shutil.copyfile(path, folder / path.name)
    write_json(folder / CONFIG, _in_bfloat16(read_object(source / CONFIG)))
    save_file(_read_rounded(source), folder / WEIGHTS, metadata={"format": "pt"})
    # As every other file: who installs a package may not be who runs it.
    (folder / WEIGHTS).chmod(0o644)
    facts = {"files": file_digests(folder), "provenance": provenance.model_dump(mode="json")}
    card = read_card(source) | facts
    (folder / MODEL_CARD).write_text(write_page(card), encoding="utf-8")
    write_card(card, folder)


def _read_rounded(folder: Path) -> dict[str, torch.Tensor]:
    """All weights by name, in bfloat16."""
    weights = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            weights |= {name: file.get_tensor(name).to(torch.bfloat16) for name in file.keys()}  # noqa: SIM118
    return weights


def _in_bfloat16(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with the type of its weights, here and in the configs of its parts."""
    parts = {name: _in_bfloat16(value) for name, value in config.items() if isinstance(value, Mapping)}
    return {**config, **parts, **({"dtype": "bfloat16"} if "dtype" in config else {})}
