"""Answers of an endpoint: asked for by several threads at once, and kept in a file line by line as they arrive.

A line is complete or it does not count, so that a process may end at any moment: whoever opens the file next starts
on a line of its own and leaves out a torn one.
"""

import json
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

Question = TypeVar("Question")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """What a model said. finish_reason: the API's own word, such as `stop`, `length` or `content_filter`."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


class AnswerLog:
    """Answers by key, in memory and in a JSONL file that one thread appends to."""

    def __init__(self, file: IO[bytes], answers: dict[str, Answer]) -> None:
        self._file = file
        self._answers = answers

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: str) -> Answer | None:
        return self._answers.get(key)

    def add(self, key: str, answer: Answer) -> None:
        """Keep an answer; when this returns, it outlives the process."""
        if key in self._answers:
            return
        self._answers[key] = answer
        self._file.write(json.dumps({"key": key, **asdict(answer)}).encode("ascii") + b"\n")
        self._file.flush()


@contextmanager
def open_answers(path: Path) -> Iterator[AnswerLog]:
    """The answers kept in a file, which is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        file.seek(0)
        content = file.read()
        if content and not content.endswith(b"\n"):
            file.write(b"\n")
        yield AnswerLog(file, dict(_read_lines(content)))


def ask_concurrently(
    ask: Callable[[Question], Result], questions: Iterable[Question], concurrency: int
) -> Iterator[tuple[Question, Result]]:
    """Each question with its answer, as answers arrive; at most `concurrency` are under way.

    Questions are drawn in the calling thread, and what `ask` raises is raised there. The threads are daemons: waiting
    for a slow endpoint must not hold up a process that is being stopped.
    """
    waiting: queue.SimpleQueue[Question | None] = queue.SimpleQueue()
    arrived: queue.SimpleQueue[tuple[Question, Result | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        while (question := waiting.get()) is not None:
            try:
                arrived.put((question, ask(question), None))
            except Exception as error:
                arrived.put((question, None, error))

    for number in range(concurrency):
        threading.Thread(target=work, name=f"asking-{number}", daemon=True).start()
    try:
        under_way = 0
        for question in questions:
            if under_way == concurrency:
                yield _result(arrived.get())
                under_way -= 1
            waiting.put(question)
            under_way += 1
        for _ in range(under_way):
            yield _result(arrived.get())
    finally:
        _empty(waiting)
        for _ in range(concurrency):
            waiting.put(None)


def _result(arrived: tuple[Question, Result | None, Exception | None]) -> tuple[Question, Result]:
    question, result, error = arrived
    if error is not None:
        raise error
    return question, result


def _empty(waiting: queue.SimpleQueue[Any]) -> None:
    while True:
        try:
            waiting.get_nowait()
        except queue.Empty:
            return


def _read_lines(content: bytes) -> Iterator[tuple[str, Answer]]:
    for line in content.splitlines():
        try:
            fields = json.loads(line)
            yield fields.pop("key"), Answer(**fields)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # torn when its process ended
