"""The stage that asks a model behind an OpenAI-compatible API about every view of every series.

It gets what a policy gets, the picture and our prompt, and its answers are read by the same grammar. A cut or empty
answer is scored as it stands.

Answers are kept as they arrive in `HOME/runs/endpoint-answers-<digest>/answers.jsonl`, under the id of the series and a
digest of the request (model, decoding, prompt, pixels): an evaluation that was stopped asks only what it has not been
told, and one of more series only about the new ones. The file belongs to its address and model, and stays there.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anomseer_core.config import Config
from anomseer_core.dialogue import prompt_text
from anomseer_core.endpoint.answers import Answer, open_answers
from anomseer_core.endpoint.asking import Question, answer_all
from anomseer_core.endpoint.client import name, require_key
from anomseer_core.endpoint.config import EndpointConfig
from anomseer_core.endpoint.pictures import picture_url, pixel_digest
from anomseer_core.evaluation.answers import ViewAnswer, join_answers, read_answer
from anomseer_core.evaluation.config import DecodingConfig
from anomseer_core.evaluation.detector import SERIES_FILE
from anomseer_core.evaluation.prediction import PREDICTIONS_FILE, Prediction, write_predictions
from anomseer_core.observer import SILENT, Observer
from anomseer_core.recipe import Recipe, Stage, digest_json
from anomseer_core.rendering import render
from anomseer_core.series import Series, index_series, read_series
from anomseer_core.store import Artifact, ArtifactStore
from anomseer_core.view import View, views

STAGE = Stage(
    "endpoint predictions",
    "predictions",
    modules=("anomseer_core.evaluation.endpoint_predictions",),
    libraries=("matplotlib", "pillow", "numpy"),
)


class EndpointAnswers(Config):
    """What shapes the answers besides the series; how fast they are asked for does not."""

    base_url: str
    model: str
    temperature: float
    max_tokens: int
    seed: int | None


@dataclass(frozen=True)
class ViewQuestion(Question):
    """A question about one view of a series, which is known by its id."""

    series_id: str
    view: View


def predict_endpoint(
    store: ArtifactStore,
    series: Artifact,
    config: EndpointConfig,
    decoding: DecodingConfig,
    observer: Observer = SILENT,
) -> Artifact:
    """Predictions of the endpoint's model for every series, under the name `MODEL at HOST`.

    Raises EndpointFailed with what to change, and ValueError where a key is missing. The totals of tokens are among
    the volatile facts too.
    """
    series.verify()
    require_key(config)
    shaping = EndpointAnswers(
        base_url=config.base_url,
        model=config.model,
        temperature=decoding.temperature,
        max_tokens=decoding.max_response_tokens,
        seed=decoding.seed if decoding.temperature > 0 else None,
    )
    tokens: Counter[str] = Counter()

    def write(directory: Path) -> dict[str, int]:
        path = series.file(SERIES_FILE)
        answers = _ask_all(path, shaping, config, answers_path(store, config), observer)
        for answer in answers.values():
            tokens.update(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens)
        rows = _join(path, name(config), answers)
        return {PREDICTIONS_FILE: write_predictions(rows, directory / PREDICTIONS_FILE)}

    return store.produce(Recipe(STAGE, {"series": series.reference}, shaping), write, volatile=lambda: dict(tokens))


def answers_path(store: ArtifactStore, config: EndpointConfig) -> Path:
    """Where the answers of one model at one address are kept."""
    digest = digest_json({"base_url": config.base_url, "model": config.model})
    return store.home / "runs" / f"endpoint-answers-{digest[:20]}" / "answers.jsonl"


def request_body(shaping: EndpointAnswers, url: str) -> dict[str, Any]:
    """The chat request about a picture: as `dialogue.build_messages`, in the form of the API."""
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": prompt_text()}]
    settings = {"model": shaping.model, "temperature": shaping.temperature, "max_tokens": shaping.max_tokens}
    seed = {} if shaping.seed is None else {"seed": shaping.seed}
    return settings | seed | {"messages": [{"role": "user", "content": content}]}


def _ask_all(
    path: Path, shaping: EndpointAnswers, config: EndpointConfig, kept: Path, observer: Observer
) -> dict[tuple[str, int], Answer]:
    """The answer about each view, by series id and first sample."""
    total = sum(len(views(length)) for _, length in index_series(path))
    told: dict[tuple[str, int], Answer] = {}
    with open_answers(kept) as log:
        answers = answer_all(
            _questions(path, shaping),
            config,
            log,
            concurrency=config.concurrency,
            per_minute=config.requests_per_minute,
        )
        for question, answer in answers:
            told[question.series_id, question.view.start] = answer
            observer.progress(len(told), total, "answers")
    return told


def _questions(path: Path, shaping: EndpointAnswers) -> Iterator[ViewQuestion]:
    for series in read_series(path):
        for view in views(len(series)):
            yield _question(series, view, shaping)


def _question(series: Series, view: View, shaping: EndpointAnswers) -> ViewQuestion:
    picture = render(series, view)
    request = digest_json(request_body(shaping, pixel_digest(picture)))
    key = digest_json({"series_id": series.id, "start": view.start, "request": request})
    body = request_body(shaping, picture_url(picture))
    return ViewQuestion(key, f"series {series.id!r}", body, series.id, view)


def _join(path: Path, detector: str, answers: dict[tuple[str, int], Answer]) -> Iterator[Prediction]:
    for series in read_series(path):
        told = [(view, answers[series.id, view.start]) for view in views(len(series))]
        yield join_answers(series, detector, [_view_answer(view, answer) for view, answer in told])


def _view_answer(view: View, answer: Answer) -> ViewAnswer:
    return ViewAnswer(answer.text, answer.completion_tokens, read_answer(answer.text, view), answer.prompt_tokens)
