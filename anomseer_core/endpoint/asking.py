"""Many questions to one endpoint: several at once, at a stated rate, each answer kept as it arrives."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from anomseer_core.endpoint.answers import Answer, AnswerLog, ask_concurrently
from anomseer_core.endpoint.client import EndpointFailed, build_client, request
from anomseer_core.endpoint.config import Endpoint


@dataclass(frozen=True)
class Question:
    """key: a digest of all that shapes the answer; about: what it is about, for messages."""

    key: str
    about: str
    body: dict[str, Any]


AnyQuestion = TypeVar("AnyQuestion", bound=Question)


def answer_all(
    questions: Iterator[AnyQuestion],
    endpoint: Endpoint,
    log: AnswerLog,
    *,
    concurrency: int,
    per_minute: float = 0.0,
) -> Iterator[tuple[AnyQuestion, Answer]]:
    """Every question with its answer, kept or asked for; new ones are kept before they are told."""
    client = build_client(endpoint)
    pace = Pace(per_minute)

    def ask(question: AnyQuestion) -> Answer:
        kept = log.get(question.key)
        if kept:
            return kept
        pace.wait()
        return request(client, question.body, endpoint, question.about)

    try:
        with closing(ask_concurrently(ask, questions, concurrency)) as answers:
            for question, answer in answers:
                log.add(question.key, answer)
                yield question, answer
    except EndpointFailed as error:
        raise EndpointFailed(f"{error}; {len(log)} answers are kept, run again to go on") from error
    finally:
        client.close()


class Pace:
    """Lets threads pass one by one, evenly spaced; tries again after a refusal are not counted."""

    def __init__(self, per_minute: float) -> None:
        self._gap_seconds = 60 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap_seconds
        time.sleep(turn - now)
