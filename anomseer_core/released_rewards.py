"""Eq. 1 as the authors' released code computes it (`rewards.rule` = `released`), which reads a response in its own way.

- Format asks for the three blocks anywhere, in any order and number, and for an answer that can be read.
- The last `<answer>` and the first `<class>` count, tags in any case.
- Pairs are half-open `[start, end)`. One that is negative, not finite, or has start >= end is dropped without a word,
  so a single position `[t, t]` is lost; ends are cut at 230,400. An answer whose pairs are all dropped is worthless.
- A worthless or unreadable answer scores no location, yet its class is still paid, and no class is held against the
  intervals beside it.
- Each location number is rounded to 4 decimals.

Departures: the answer is read as JSON with Python's brackets and quotes translated, never evaluated; a position is cut
to a whole number; labels are the series' own (theirs lost the class of four tasks). The prompt stays this project's,
which asks for closed pairs: a policy learns the half-open ones from this reward alone, and evaluation reads them
closed.
"""

import json
import math
import re
from contextlib import suppress
from typing import Any

from anomseer_core.metrics import class_correct, location_scores
from anomseer_core.metrics.localization import NO_ANSWER
from anomseer_core.rewards import Reward, see, weigh
from anomseer_core.series import AnomalyClass, Interval, Series
from anomseer_core.training.config import RewardWeights
from anomseer_core.view import View

LONGEST_SERIES = 230_400
DECIMALS = 4
# Bounds the time a text can take; far beyond any answer.
MAX_BLOCK_CHARACTERS = 50_000

_BLOCKS = {
    name: re.compile(rf"<{name}>(.*?)</{name}>", re.IGNORECASE | re.DOTALL) for name in ("think", "answer", "class")
}
_ARRAY = re.compile(r"(?:np\.|numpy\.)?array\((.*)\)", re.IGNORECASE | re.DOTALL)
_PYTHON_TO_JSON = str.maketrans("()'", '[]"')
_ALIASES = {"global": AnomalyClass.GLOBAL_POINT, "contextual": AnomalyClass.CONTEXTUAL_POINT}


def score_text(text: str, series: Series, weights: RewardWeights, view: View | None = None) -> Reward:
    """Eq. 1 for one response; `view` as in `rewards.score`."""
    answers, classes = _BLOCKS["answer"].findall(text), _BLOCKS["class"].findall(text)
    pairs = read_pairs(answers[-1]) if answers else None
    has_format = pairs is not None and bool(classes) and _BLOCKS["think"].search(text) is not None
    shown = see(series, usable_pairs(pairs or []), view)
    named = read_class(classes[0]) if classes else None
    correct = class_correct(shown.anomaly_class, named)
    if correct is None:  # the label says only that something is anomalous
        correct = named not in (None, AnomalyClass.NORMAL)
    scores = location_scores(shown.truth, shown.prediction, shown.length)
    if pairs is None or (pairs and not usable_pairs(pairs)):
        scores = NO_ANSWER
    numbers = [round(number, DECIMALS) for number in (*scores.affiliation, *scores.pointwise)]
    location = sum(numbers) / 6 if weights.location_metric == "six" else numbers[2]
    return weigh(float(has_format), float(correct), location, weights)


def read_pairs(block: str) -> list[tuple[float, float]] | None:
    """The pairs of an answer block; [] for "no anomaly", None for one that cannot be read."""
    body = block.strip()
    if match := _ARRAY.fullmatch(body):
        body = match[1].strip()
    if len(body) > MAX_BLOCK_CHARACTERS:
        return None
    try:
        value = json.loads(body.translate(_PYTHON_TO_JSON))
        return [_pair(item) for item in ([value] if isinstance(value, dict) else _listed(value))]
    except (ValueError, RecursionError):
        return None


def usable_pairs(pairs: list[tuple[float, float]]) -> list[Interval]:
    """The pairs that are not dropped, as half-open intervals."""
    finite = [(start, min(end, LONGEST_SERIES)) for start, end in pairs if math.isfinite(start) and math.isfinite(end)]
    return [(int(start), int(end)) for start, end in finite if 0 <= start < end]


def read_class(block: str) -> AnomalyClass | None:
    """One of the six classes, bare or as a JSON string, list or object; None for anything else."""
    value: Any = block.strip()
    with suppress(ValueError, RecursionError):
        value = json.loads(value.translate(_PYTHON_TO_JSON))
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list) and value:
        value = value[0]
    name = value.strip().lower() if isinstance(value, str) else ""
    known = [item for item in AnomalyClass if item is not AnomalyClass.UNKNOWN]
    return _ALIASES.get(name) or next((item for item in known if item == name), None)


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("the answer is no list")
    return value


def _pair(item: Any) -> tuple[float, float]:
    ends = [item.get("start"), item.get("end")] if isinstance(item, dict) else item
    is_pair = isinstance(ends, list) and len(ends) == 2
    if not (is_pair and all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)):
        raise ValueError("no pair of numbers")
    try:
        return float(ends[0]), float(ends[1])
    except OverflowError:
        return math.inf, math.inf
