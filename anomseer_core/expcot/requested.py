"""Traces written by a vision-language model behind an OpenAI-compatible API (the paper's "CoT written by GPT-4o").

The model sees the picture a policy sees, is told the labelled class and intervals (unless blind), and is asked for an
Observation, a Reasoning & Validation and a Conclusion. Its texts are checked and stored like those of a file.

Answers are kept as they arrive (`endpoint/answers.py`), each under a digest of the very question: a run that was
stopped asks only what it has not been told, and a change in how traces are checked asks nothing again. They are kept in
`HOME/runs/endpoint-traces-<digest>/`, and stay there.

An answer that is cut off, empty or holds tags of the response grammar is left out and counted.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from anomseer_core.config import Config
from anomseer_core.dialogue import format_response
from anomseer_core.endpoint.answers import Answer, AnswerLog, open_answers
from anomseer_core.endpoint.asking import Question, answer_all
from anomseer_core.endpoint.client import name
from anomseer_core.endpoint.pictures import picture_url, pixel_digest
from anomseer_core.expcot.config import ExpCoTConfig, ProbeThresholds, TraceSource
from anomseer_core.expcot.imported import Told, check_traces
from anomseer_core.expcot.shards import SERIES_FILE, reason_to_leave_out
from anomseer_core.fan_out import FanOut
from anomseer_core.observer import Observer
from anomseer_core.recipe import Recipe, Reference, Stage, digest_json
from anomseer_core.rendering import render
from anomseer_core.series import AnomalyClass, Series, index_series, read_series
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.view import VIEW_UNITS, View, views

STAGE = Stage(
    name="request-traces",
    kind="traces",
    modules=("anomseer_core.expcot.requested",),
    libraries=("numpy", "scipy", "stumpy", "numba", "pyarrow", "matplotlib", "pillow"),
)
LABELLED = f"""The picture shows a time series as a line plot; its x-axis runs from 0 to {VIEW_UNITS}. \
A specialist has labelled it: class {{anomaly_class}}, {{intervals}}.
Write the reasoning by which an expert, who sees only the picture, arrives at this very label."""
BLIND = f"""The picture shows a time series as a line plot; its x-axis runs from 0 to {VIEW_UNITS}. It may hold \
anomalies of one class: global point, contextual point, trend, seasonal or shapelet; or none, which is normal.
Write the reasoning by which an expert, who sees only the picture, finds their intervals and their class."""
FORM = """Write three parts, each opened by its name:
Observation: the level, spread, trend and period of the series, and where it departs from them.
Reasoning & Validation: the test that fits the class, with its numbers, for every interval.
Conclusion: the class and the intervals as closed pairs [[first, last], ...]{normal}.
{length} Positions are x values; say where evidence is weak. Plain text: no markup, no tags, no mention of a label."""
LENGTHS = {"full": "Use 90 to 250 words.", "brief": "Use at most 60 words."}


class RequestedTraces(Config):
    """What shapes the traces besides the series; how fast they are asked for does not."""

    base_url: str
    model: str
    temperature: float
    max_tokens: int
    style: Literal["full", "brief"]
    blind: bool
    rules: ProbeThresholds


@dataclass(frozen=True)
class ViewQuestion(Question):
    """What is asked about one view. row: of the series in its file."""

    row: int
    view: View


def request_traces(
    store: ArtifactStore, series: Artifact, config: ExpCoTConfig, observer: Observer, fan_out: FanOut
) -> Artifact:
    """File one trace per view, asked of `config.source.model`. Raises EndpointFailed, or ValueError without a key."""
    source = config.source
    shaping = RequestedTraces(
        **{field: getattr(source, field) for field in ("base_url", "model", "temperature", "max_tokens")},
        **{field: getattr(config, field) for field in ("style", "blind", "rules")},
    )
    tokens: Counter[str] = Counter()

    def write(folder: Path) -> dict[str, int]:
        path = series.file(SERIES_FILE)
        answers = answers_path(store, series.reference, shaping)
        with open_answers(answers) as log:
            told, left_out = _ask_all(path, shaping, source, log, observer, tokens)
        return check_traces(
            path, told, folder, observer, fan_out, source=name(source), rules=config.rules, left_out=left_out
        )

    return store.produce(Recipe(STAGE, {"series": series.reference}, shaping), write, volatile=lambda: dict(tokens))


def answers_path(store: ArtifactStore, series: Reference, shaping: RequestedTraces) -> Path:
    """Where the answers are kept; the rules of checking have no part in it."""
    digest = digest_json({"series": series.digest, "settings": shaping.model_dump(mode="json", exclude={"rules"})})
    return store.home / "runs" / f"endpoint-traces-{digest[:20]}" / "answers.jsonl"


def prompt(series: Series, view: View, style: Literal["full", "brief"], blind: bool) -> str:
    """The words that go with the picture."""
    pairs = [[start, stop - 1] for start, stop in view.to_units(series.intervals)]
    label = series.anomaly_class if pairs else AnomalyClass.NORMAL
    intervals = f"intervals {pairs}" if pairs else "no interval"
    task = BLIND if blind else LABELLED.format(anomaly_class=label, intervals=intervals)
    normal = "" if pairs and not blind else ", or that the series is normal"
    return f"{task}\n{FORM.format(normal=normal, length=LENGTHS[style])}"


def refusal(answer: Answer) -> str:
    """Why an answer is no trace; empty when it is one."""
    if answer.finish_reason == "length":
        return "answer cut off"
    text = reasoning(answer)
    try:
        format_response(text, [], AnomalyClass.NORMAL)
    except ValueError:
        return "answer with tags"
    return "" if text else "no answer"


def reasoning(answer: Answer) -> str:
    """The text of an answer, without the thoughts that some models put before it."""
    return answer.text.rpartition("</think>")[2].strip()


def _ask_all(
    path: Path,
    shaping: RequestedTraces,
    source: TraceSource,
    log: AnswerLog,
    observer: Observer,
    tokens: Counter[str],
) -> tuple[list[tuple[Told, ...]], Counter[str]]:
    """The traces of each row of a series file, and what was left out, by reason."""
    index = index_series(path)
    total = sum(len(views(length)) for _, length in index)
    told: list[list[Told]] = [[] for _ in index]
    left_out: Counter[str] = Counter()
    questions = _questions(path, shaping, left_out)
    answers = answer_all(questions, source, log, concurrency=source.concurrency)
    for done, (question, answer) in enumerate(answers, start=1):
        tokens.update(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens)
        if reason := refusal(answer):
            left_out[reason] += 1
        else:
            told[question.row].append((question.view, reasoning(answer)))
        observer.progress(done, total, "answers")
    return [tuple(sorted(texts, key=lambda item: item[0].start)) for texts in told], left_out


def _questions(path: Path, shaping: RequestedTraces, left_out: Counter[str]) -> Iterator[ViewQuestion]:
    for row, series in enumerate(read_series(path)):
        for view in views(len(series)):
            if reason := reason_to_leave_out(series, view, needs_label=not shaping.blind):
                left_out[reason] += 1
            else:
                yield _question(row, series, view, shaping)


def _question(row: int, series: Series, view: View, shaping: RequestedTraces) -> ViewQuestion:
    picture = render(series, view)
    words = prompt(series, view, shaping.style, shaping.blind)
    settings = {"model": shaping.model, "temperature": shaping.temperature, "max_tokens": shaping.max_tokens}
    content = [
        {"type": "image_url", "image_url": {"url": picture_url(picture)}},
        {"type": "text", "text": words},
    ]
    body = settings | {"messages": [{"role": "user", "content": content}]}
    key = digest_json(settings | {"prompt": words, "picture": pixel_digest(picture)})
    return ViewQuestion(key, f"series {series.id!r}", body, row, view)
