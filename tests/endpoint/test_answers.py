"""Answers: kept line by line, and asked for at once without losing order of questions, errors or the thread's care."""

import json
import threading

import pytest

from anomseer_core.endpoint.answers import Answer, ask_concurrently, open_answers

CALM = Answer("Calm.", "stop", 10, 2)


def test_answers_outlive_the_log_and_torn_lines_do_not_count(tmp_path):
    path = tmp_path / "runs" / "answers.jsonl"
    with open_answers(path) as log:
        log.add("a", CALM)
        log.add("a", Answer("Other.", "stop", 0, 0))
        # Before the file is closed: a killed process closes nothing.
        assert path.read_text().count("\n") == 1
    with path.open("a") as file:
        file.write('["no object"]\n{"key": "x"}\n{"key": "b", "text": "to')
    with open_answers(path) as log:
        assert (len(log), log.get("a"), log.get("b"), log.get("x")) == (1, CALM, None, None)
        log.add("b", CALM)
    with open_answers(path) as log:
        assert (len(log), log.get("b")) == (2, CALM)
    assert json.loads(path.read_text().splitlines()[-1])["key"] == "b"


def test_every_question_is_answered_once():
    assert dict(ask_concurrently(lambda x: x * x, range(50), 7)) == {x: x * x for x in range(50)}
    assert list(ask_concurrently(lambda x: x, [], 3)) == []


def test_no_more_than_the_allowed_number_is_under_way():
    """Three threads meet at a barrier, so three are under way at once; a fourth question waits, no fifth is drawn."""
    barrier, drawn = threading.Barrier(3), []

    def questions():
        for number in range(9):
            drawn.append(number)
            yield number

    def ask(number: int) -> int:
        barrier.wait(10)
        return number

    answers = ask_concurrently(ask, questions(), 3)
    next(answers)
    assert drawn == [0, 1, 2, 3]
    assert len(list(answers)) == 8


def test_an_error_is_raised_where_the_answers_are_read():
    def ask(number: int) -> int:
        if number == 3:
            raise ValueError("no answer to 3")
        return number

    answers = ask_concurrently(ask, range(100), 1)
    assert [next(answers)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no answer to 3"):
        next(answers)


def test_threads_end_when_the_reader_has_enough():
    answers = ask_concurrently(lambda x: x, iter(range(1_000_000)), 4)
    next(answers)
    answers.close()
    asking = [thread for thread in threading.enumerate() if thread.name.startswith("asking-")]
    for thread in asking:
        thread.join(10)
    assert not any(thread.is_alive() for thread in asking)
