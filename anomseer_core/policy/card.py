"""The card of a checkpoint: what it is, and the digests of everything a response depends on besides its weights.

The digests are of behaviour, not of source: the pixels of a fixed series, the prompt's text, fixed answers through
the grammar. A change that alters none of them leaves a checkpoint valid.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anomseer_core.dialogue import format_response, parse_response, prompt_text
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Series
from anomseer_core.store import file_digest, write_json
from anomseer_core.view import VIEW_UNITS

CARD = "card.json"


def build_card(stage: str, facts: Mapping[str, Any], folder: Path, parent: Path | None) -> dict[str, Any]:
    """The card of the checkpoint in a folder whose tokenizer is already saved, under its parent's card."""
    tokenizer = {"tokenizer": file_digest(folder / "tokenizer.json")}
    card = {"stage": stage, **facts, "digests": surroundings_digests() | tokenizer}
    if parent:
        # Without its digests: the same code read it and wrote this one.
        card["before"] = {name: value for name, value in read_card(parent).items() if name != "digests"}
    return card


def write_card(card: Mapping[str, Any], folder: Path) -> None:
    write_json(folder / CARD, card)


def read_card(folder: Path) -> dict[str, Any]:
    """The card, or an empty one for a folder from elsewhere."""
    path = folder / CARD
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def warn_about_drift(card: Mapping[str, Any], log: logging.Logger) -> None:
    today = surroundings_digests()
    for name, digest in card.get("digests", {}).items():
        if name in today and today[name] != digest:
            log.warning("the %s has changed since this checkpoint was trained; its answers may be worse", name)


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
