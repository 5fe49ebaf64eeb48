"""What the policy is asked and how its answer is read (paper, Appendix C.1, Figure 7).

One user turn, a picture then the prompt; the response is `<think>...</think>`, `<answer>[[first, last], ...]</answer>`,
`<class>...</class>`. Pairs are closed and in view units there (a single position is `[150, 150]`); this module is the
only place where they become half-open intervals and back.

Reading is tolerant, so that a right answer in a slightly wrong shape still counts for location and class, while
`Response.well_formed` says whether the grammar was met to the letter and feeds the format reward alone:

- tags in any case; the last `<answer>` and the last `<class>` win, being the response's final word (the authors' code
  takes the first class); a block that is not closed ends at the next tag;
- the answer may sit in a code fence, in `array(...)`, hold tuples, `{"start": ..., "end": ...}` objects, whole floats,
  or be one bare pair. Positions outside `[0, length)` are clipped; what is empty then, or reversed, is dropped;
- anything else (prose, `none`, nothing, a fraction, a number without its partner) is unparsable, never guessed at.

Text comes from a model and may be anything: it is only ever read as bounded JSON, so no input can raise, run code or
take more than linear time.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from anomseer_core.series import AnomalyClass, Interval, merge_intervals
from anomseer_core.view import VIEW_UNITS

# Far beyond any sensible answer: 500 separate positions take about 6,000 characters.
MAX_ANSWER_CHARACTERS = 50_000
MAX_CLASS_CHARACTERS = 200
MAX_NESTING = 5
MAX_DIGITS = 12

BLOCKS = ("think", "answer", "class")
ANSWERABLE_CLASSES = tuple(item for item in AnomalyClass if item is not AnomalyClass.UNKNOWN)

_TAG = re.compile(r"<(/?)\s{0,3}(think|answer|class)\s{0,3}>", re.IGNORECASE | re.ASCII)
_STRICT_TAGS = [tag for name in BLOCKS for tag in (f"<{name}>", f"</{name}>")]
_GAP = r"[ \t\r\n]*"  # JSON's white space
_POSITION = rf"(?:0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})"
_PAIR = rf"\[{_GAP}{_POSITION}{_GAP},{_GAP}{_POSITION}{_GAP}\]"
# No two gaps stand side by side in it, since trying every way to share white space out takes quadratic time.
_STRICT_ANSWER = re.compile(rf"{_GAP}\[{_GAP}(?:{_PAIR}(?:{_GAP},{_GAP}{_PAIR})*{_GAP})?\]{_GAP}")
_FENCE = re.compile(r"```[a-z]*\s(.*)```", re.IGNORECASE | re.DOTALL)
_ARRAY = re.compile(r"(?:np\.|numpy\.)?array\((.*)\)", re.IGNORECASE | re.DOTALL)
# A string swallows the brackets inside it; one that is not closed runs to the end, so that no text is scanned twice.
_BRACKET_OR_STRING = re.compile(r'"(?:[^"\\]|\\.?)*(?:"|\Z)|[\[\]{}]', re.DOTALL)
_PYTHON_TO_JSON = str.maketrans("()'", '[]"')
_CLASS_ALIASES = {"global": AnomalyClass.GLOBAL_POINT, "contextual": AnomalyClass.CONTEXTUAL_POINT}
_CLASS_FILLERS = frozenset({"class", "type", "anomaly"})

PROMPT = f"""You are a time series analysis expert. The picture shows a time series as a line plot; \
its x-axis runs from 0 to {VIEW_UNITS}.
Find the anomalous x intervals and their most plausible class: global point, contextual point, trend, seasonal \
or shapelet.
Reason first, then give closed pairs, both ends included (a single position is [150, 150]), and one class:
<think>your reasoning</think>
<answer>[[first, last], ...]</answer>
<class>class</class>
If there is no anomaly: <answer>[]</answer> and <class>normal</class>."""


class ParseStatus(StrEnum):
    """`contradiction`: normal with intervals, or an anomaly class without. `unparsable`: no usable answer block."""

    OK = "ok"
    CONTRADICTION = "contradiction"
    UNPARSABLE = "unparsable"


@dataclass(frozen=True)
class Response:
    """A response as it was understood.

    intervals: half-open, merged, inside `[0, length)`; empty when unparsable.
    anomaly_class: None when no class block names one of the six; the status may be `ok` all the same.
    """

    status: ParseStatus
    well_formed: bool
    intervals: tuple[Interval, ...]
    anomaly_class: AnomalyClass | None
    reasoning: str


def prompt_text() -> str:
    """The words that go with the picture, the same for every policy."""
    return PROMPT


def build_messages() -> list[dict[str, Any]]:
    """The conversation in chat-template form: one user turn, the picture and then the prompt."""
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt_text()}]}]


def format_response(reasoning: str, intervals: Iterable[Interval], anomaly_class: AnomalyClass) -> str:
    """The response of the grammar for half-open intervals; `parse_response` gives back what went in.

    Raises ValueError for an empty or negative interval, a tag inside the reasoning, or the class `unknown`.
    """
    pairs = [[int(start), int(stop) - 1] for start, stop in intervals]
    if any(not 0 <= first <= last for first, last in pairs):
        raise ValueError(f"intervals must be half-open with 0 <= start < stop; as closed pairs these are {pairs}")
    if _TAG.search(reasoning):
        raise ValueError("the reasoning holds a tag of the response grammar; remove it")
    if AnomalyClass(anomaly_class) not in ANSWERABLE_CLASSES:
        raise ValueError(f"a response cannot name the class {str(anomaly_class)!r}")
    return f"<think>{reasoning}</think>\n<answer>{json.dumps(pairs)}</answer>\n<class>{anomaly_class}</class>"


def parse_response(text: str, length: int) -> Response:
    """Read any text as a response about positions `[0, length)`; never raises."""
    tags = list(_TAG.finditer(text))
    intervals = _read_answer(_last_block(text, tags, "answer"), length)
    anomaly_class = _read_class(_last_block(text, tags, "class"))
    return Response(
        status=_status(intervals, anomaly_class),
        well_formed=_is_well_formed(text, tags),
        intervals=tuple(intervals or ()),
        anomaly_class=anomaly_class,
        reasoning=_read_reasoning(text, tags),
    )


def _status(intervals: list[Interval] | None, anomaly_class: AnomalyClass | None) -> ParseStatus:
    if intervals is None:
        return ParseStatus.UNPARSABLE
    if anomaly_class is not None and bool(intervals) == (anomaly_class is AnomalyClass.NORMAL):
        return ParseStatus.CONTRADICTION
    return ParseStatus.OK


def _last_block(text: str, tags: list[re.Match[str]], name: str) -> str | None:
    """What follows the last opening tag of that name, up to the next tag of any name or the end."""
    for position in range(len(tags) - 1, -1, -1):
        tag = tags[position]
        if not tag[1] and tag[2].lower() == name:
            end = tags[position + 1].start() if position + 1 < len(tags) else len(text)
            return text[tag.end() : end]
    return None


def _read_reasoning(text: str, tags: list[re.Match[str]]) -> str:
    """The first think block. Some chat templates open it in the prompt, so an opening tag may be missing."""
    thinks = [tag for tag in tags if tag[2].lower() == "think"]
    if not thinks:
        return ""
    if thinks[0][1]:
        return text[: thinks[0].start()].strip()
    later = [tag.start() for tag in thinks if tag[1]] or [tag.start() for tag in tags if tag is not thinks[0]]
    return text[thinks[0].end() : later[0] if later else len(text)].strip()


def _read_class(block: str | None) -> AnomalyClass | None:
    if block is None or len(block) > MAX_CLASS_CHARACTERS:
        return None
    words = [word for word in re.findall("[a-z]+", block.lower()) if word not in _CLASS_FILLERS]
    name = " ".join(words)
    return _CLASS_ALIASES.get(name) or next((item for item in ANSWERABLE_CLASSES if item == name), None)


def _read_answer(block: str | None, length: int) -> list[Interval] | None:
    """Half-open intervals inside `[0, length)`, or None for a block that cannot be used."""
    if block is None or len(block) > MAX_ANSWER_CHARACTERS:
        return None
    body = block.strip()
    for wrapper in (_FENCE, _ARRAY):
        if match := wrapper.fullmatch(body):
            body = match[1].strip()
    body = body.translate(_PYTHON_TO_JSON)
    if _nesting(body) > MAX_NESTING:
        return None
    try:
        value = json.loads(body, parse_int=_bounded_int, parse_constant=_refuse_constant)
        pairs = [_closed_pair(item) for item in _items(value)]
    except ValueError:
        return None
    return merge_intervals(((first, last + 1) for first, last in pairs), length)


def _items(value: Any) -> list[Any]:
    """The pairs of an answer: a list of them, one alone, or the list inside needless further brackets."""
    if isinstance(value, dict) or (
        isinstance(value, list) and len(value) == 2 and not isinstance(value[0], list | dict)
    ):
        return [value]
    if not isinstance(value, list):
        raise ValueError("the answer is not a list")
    if len(value) == 1 and isinstance(value[0], list) and not any(_is_number(item) for item in value[0]):
        return _items(value[0])
    return value


def _closed_pair(item: Any) -> tuple[int, int]:
    if isinstance(item, dict):
        lower = {key.lower(): value for key, value in item.items()}
        item = [lower.get("start"), lower.get("end")]
    if not (isinstance(item, list) and len(item) == 2 and all(_is_number(value) for value in item)):
        raise ValueError("not a pair of whole numbers")
    return int(item[0]), int(item[1])


def _is_number(value: Any) -> bool:
    """A whole number; JSON's true and false are integers to Python and nonsense here."""
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def _bounded_int(digits: str) -> int:
    if len(digits) <= MAX_DIGITS:
        return int(digits)
    return -(10**MAX_DIGITS) if digits.startswith("-") else 10**MAX_DIGITS


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a position")


def _nesting(body: str) -> int:
    """The deepest bracket level; checked first because a JSON reader recurses into each."""
    depth = deepest = 0
    for token in _BRACKET_OR_STRING.findall(body):
        depth += (token in "[{") - (token in "]}")
        deepest = max(deepest, depth)
    return deepest


def _is_well_formed(text: str, tags: list[re.Match[str]]) -> bool:
    """Each block exactly once, in order, nothing but white space outside, pairs and class spelt as the prompt says."""
    if [tag[0] for tag in tags] != _STRICT_TAGS:
        return False
    edges = [0, *(edge for tag in tags for edge in tag.span()), len(text)]
    parts = [text[start:stop] for start, stop in zip(edges[::2], edges[1::2], strict=True)]
    before, _, after_think, answer, after_answer, anomaly_class, after = parts
    if (before + after_think + after_answer + after).strip() or len(answer) > MAX_ANSWER_CHARACTERS:
        return False
    return bool(_STRICT_ANSWER.fullmatch(answer)) and anomaly_class.strip() in ANSWERABLE_CLASSES
