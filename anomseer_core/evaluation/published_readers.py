"""How three published evaluations read a raw response; written from their rules (docs/metrics.md), not from their code.

Each reader takes the text, the number of positions on the axis that the text speaks of, and the label's class. It gives
half-open intervals, merged and inside `[0, length)`, or None where that evaluation has no use for the text. Texts come
from a model and may be anything: no input makes a reader raise or run code.
"""

import json
import math
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from anomseer_core.dialogue import ANSWERABLE_CLASSES
from anomseer_core.series import AnomalyClass, Interval, merge_intervals

IntervalReader = Callable[[str, int, AnomalyClass], list[Interval] | None]

POINT_CLASSES = (AnomalyClass.GLOBAL_POINT, AnomalyClass.CONTEXTUAL_POINT)
CLASS_ALIASES = {"contextual": AnomalyClass.CONTEXTUAL_POINT, "global": AnomalyClass.GLOBAL_POINT}
NOTHING_FOUND = ("[]", "array([])")
DIGITS = "0123456789"
_TAG = re.compile(r"<(/?)(answer|class)>", re.IGNORECASE)
_PYTHON_TO_JSON = str.maketrans("()'", '[]"')


def read_anomllm(text: str, length: int, _: AnomalyClass) -> list[Interval] | None:
    """A list of `{"start", "end"}` between the first `[` and the last `]`; half-open, clipped to the axis.

    One item that is something else makes the whole answer unusable.
    """
    items = _load_json(_between_brackets(text))
    if not isinstance(items, list):
        return None
    try:
        pairs = [(int(item["start"]), int(item["end"])) for item in items]
    except (TypeError, ValueError, KeyError, OverflowError):
        return None
    return merge_intervals(pairs, length)


def read_visual_time_anomaly(text: str, length: int, truth: AnomalyClass) -> list[Interval] | None:
    """Indices where the label is a point class, else pairs with both ends included; clipped to the axis.

    A list that was cut off is closed; brackets without a digit mean "no anomaly". Of the pairs, what is no pair of
    numbers is passed over. An index counts from the end when it is negative, and is passed over beyond the axis.
    """
    if text.count("[") == text.count("]") + 1:
        # The last number may have been cut too, unless something follows it.
        text = text.rstrip(DIGITS).rstrip(", ") + "]"
    body = _between_brackets(text)
    items = _load_json(body if any(digit in body for digit in DIGITS) else body and "[]")
    if not isinstance(items, list):
        return None
    wanted = int if truth in POINT_CLASSES else list
    if not all(isinstance(item, wanted) for item in items):
        return None
    if wanted is int:
        points = [point % length for point in items if -length <= point < length]
        return merge_intervals([(point, point + 1) for point in points], length)
    pairs = [pair for item in items if (pair := _whole_pair(item))]
    return merge_intervals([(first, last + 1) for first, last in pairs], length)


def read_released(text: str, length: int, _: AnomalyClass) -> list[Interval] | None:
    """The last `<answer>`: pairs or `{"start", "end"}`, as a list or one alone; half-open, cut at the axis.

    A pair that is negative, infinite, or not increasing is dropped, and so the point `[t, t]` is lost; an answer that
    loses all its pairs is unusable, one without any says "no anomaly".
    """
    blocks = _blocks(text, "answer")
    body = blocks[-1].strip() if blocks else ""
    if body.lower() in NOTHING_FOUND:
        return []
    value = _load_json(body)
    if value is None:
        value = _load_json(body.translate(_PYTHON_TO_JSON))
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return None
    pairs = [pair for item in value if (pair := _increasing_pair(item))]
    return merge_intervals(pairs, length) if pairs or not value else None


def read_released_class(text: str) -> AnomalyClass | None:
    """The first `<class>`: a name, or JSON that holds one as a string, in a list or in an object; None for no class."""
    blocks = _blocks(text, "class")
    if not blocks:
        return None
    value = _load_json(blocks[0])
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, str)), None)
    name = (value if isinstance(value, str) else blocks[0]).strip().lower()
    return CLASS_ALIASES.get(name) or next((item for item in ANSWERABLE_CLASSES if item == name), None)


def _between_brackets(text: str) -> str:
    """From the first `[` to the last `]`, both included; empty when there is no such part."""
    return text[text.find("[") : text.rfind("]") + 1] if "[" in text else ""


def _load_json(text: str) -> Any:
    """None for what is no JSON, and for what nests too deeply to be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _blocks(text: str, name: str) -> list[str]:
    """What stands in every closed block of that name."""
    tags = [tag for tag in _TAG.finditer(text) if tag[2].lower() == name]
    return [
        text[opening.end() : closing.start()] for opening, closing in pairwise(tags) if not opening[1] and closing[1]
    ]


def _whole_pair(item: list[Any]) -> Interval | None:
    """Two things that Python's `int` takes, cut to whole numbers."""
    try:
        first, last = (int(value) for value in item)
    except (TypeError, ValueError, OverflowError):
        return None
    return first, last


def _increasing_pair(item: Any) -> Interval | None:
    """A pair or object of finite numbers with 0 <= start < end."""
    if isinstance(item, dict):
        item = [item.get("start"), item.get("end")]
    if not (isinstance(item, list) and len(item) == 2 and all(isinstance(value, int | float) for value in item)):
        return None
    start, end = item
    # Not math.isfinite: it raises for whole numbers beyond float's range.
    if not 0 <= start < end < math.inf:
        return None
    return int(start), int(end)
