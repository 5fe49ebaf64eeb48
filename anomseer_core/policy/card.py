"""The card of a checkpoint: what it is, and the digests of everything a response depends on besides its weights.

The digests are of behaviour, not of source: the pixels of a fixed series, the prompt's text, fixed answers through
the grammar. A change that alters none of them leaves a checkpoint valid.
"""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anomseer_core.dialogue import format_response, parse_response, prompt_text
from anomseer_core.policy.folder import read_object
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.store import MANIFEST, VOLATILE, file_digest, write_json
from anomseer_core.view import VIEW_UNITS

CARD = "card.json"
TOKENIZER = "tokenizer.json"
MODEL_CARD = "README.md"
# They are about a checkpoint and no part of it.
ABOUT = (CARD, MODEL_CARD, MANIFEST, VOLATILE)


def build_card(stage: str, facts: Mapping[str, Any], folder: Path, parent: Path | None) -> dict[str, Any]:
    """The card of the checkpoint in a folder whose other files are already saved, under its parent's card."""
    files = file_digests(folder)
    card = {"stage": stage, **facts, "files": files, "digests": surroundings_digests() | _tokenizer(files)}
    if parent:
        # Without its digests: the same code read it and wrote this one.
        card["before"] = {name: value for name, value in read_card(parent).items() if name not in ("digests", "files")}
    return card


def file_digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a checkpoint but its cards and what the store writes beside them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in ABOUT)
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}


def _tokenizer(files: Mapping[str, str]) -> dict[str, str]:
    return {"tokenizer": files[TOKENIZER]}


def write_card(card: Mapping[str, Any], folder: Path) -> None:
    write_json(folder / CARD, card)


def read_card(folder: Path) -> dict[str, Any]:
    """The card, or an empty one for a folder from elsewhere."""
    path = folder / CARD
    return read_object(path) if path.exists() else {}


def warn_about_drift(card: Mapping[str, Any], log: logging.Logger) -> None:
    for name in drifted(card):
        log.warning("the %s has changed since this checkpoint was trained; its answers may be worse", name)


def drifted(card: Mapping[str, Any]) -> list[str]:
    """What of renderer, prompt and grammar is not today what it was when the checkpoint was trained."""
    today = surroundings_digests()
    return [name for name, digest in _part(card, "digests").items() if name in today and today[name] != digest]


def require_carded(folder: Path, card: Mapping[str, Any]) -> None:
    """Raises ValueError naming the first file of a checkpoint that is not the one its card describes.

    A card of before cards described their files is asked for the tokenizer alone.
    """
    files, digests = _part(card, "files"), _part(card, "digests")
    for name in ("tokenizer", *surroundings_digests()):
        if name not in digests:
            raise ValueError(f"checkpoint folder {folder}: its {CARD} has no digest of the {name}; copy it again")
    found = file_digests(folder)
    expected = files | {TOKENIZER: digests["tokenizer"]}
    for name in sorted(expected.keys() | (found.keys() if files else set())):
        if name not in found:
            raise ValueError(f"checkpoint folder {folder}: {name} is missing; copy the checkpoint again")
        if name not in expected:
            raise ValueError(f"checkpoint folder {folder}: {name} is not in its {CARD}; copy the checkpoint again")
        if found[name] != expected[name]:
            raise ValueError(f"checkpoint folder {folder}: {name} is not the one of its {CARD}; copy it again")


def _part(card: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A mapping of the card, empty where there is none."""
    part = card.get(name)
    return part if isinstance(part, dict) else {}


def surroundings_digests() -> dict[str, str]:
    """Digests of the renderer, the prompt and the response grammar."""
    wave = np.round(np.sin(np.arange(VIEW_UNITS) * 0.05), 6)
    pixels = np.asarray(render(Series(id="probe", values=wave)))
    response = format_response("A probe.", [(100, 151)], AnomalyClass.TREND)
    grammar = [response, repr(parse_response(response, VIEW_UNITS)), repr(parse_response("<answer>[]", VIEW_UNITS))]
    return {
        "renderer": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "prompt": hashlib.sha256(prompt_text().encode()).hexdigest(),
        "grammar": hashlib.sha256("\n".join(grammar).encode()).hexdigest(),
    }
