import logging

import pytest

from anomseer_core.series import Series
from anomseer_core.store import DamagedArtifact
from flows.terminal import is_for_the_terminal, is_user_error


def record(message: str, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("prefect", logging.INFO, "", 0, message, (), (type(error), error, None) if error else None)
    made.__dict__.update(extra)
    return made


def raised(function, kind: type[BaseException]) -> BaseException:
    with pytest.raises(kind) as caught:
        function()
    return caught.value


def test_a_refusal_is_worded_by_our_own_code():
    assert is_user_error(raised(lambda: Series(id="bad", values=[[[1.0]]]), ValueError))
    assert is_user_error(DamagedArtifact("anywhere"))
    assert not is_user_error(raised(lambda: int("x"), ValueError))
    assert not is_user_error(raised(lambda: [][0], IndexError))
    assert not is_user_error(ValueError("never raised"))


def test_the_terminal_leaves_out_routine_and_child_output():
    assert is_for_the_terminal(record("anomllm-train: 32 series in 3 s"))
    assert is_for_the_terminal(record("Finished in state Failed()"))
    assert not is_for_the_terminal(record("Finished in state Completed()"))
    assert not is_for_the_terminal(record("Beginning flow run 'a' for flow 'b'"))
    assert not is_for_the_terminal(record("[rank0] loading", child_output=True))


def test_a_refusal_is_not_told_twice():
    refusal = raised(lambda: Series(id="bad", values=[[[1.0]]]), ValueError)
    assert not is_for_the_terminal(record("Task run failed", refusal))
    assert is_for_the_terminal(record("Task run failed", raised(lambda: int("x"), ValueError)))
