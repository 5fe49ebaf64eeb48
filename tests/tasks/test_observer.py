import doctest
import logging

import pytest

from tasks import observer
from tasks.observer import StageObserver, duration


def test_examples():
    assert doctest.testmod(observer).failed == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (250, "4 min 10 s"), (7500, "2 h 5 min")]
)
def test_duration(seconds: float, text: str):
    assert duration(seconds) == text


def test_progress_speaks_once_in_a_while_and_not_at_the_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    """At a clock of 0, 1, 2, ... s and reports 5 s apart: 100 units in 10 s since the first report, 10 a second."""
    clock = iter(range(100))
    monkeypatch.setattr(observer.time, "monotonic", lambda: float(next(clock)))
    with caplog.at_level(logging.INFO):
        stage = StageObserver("toy", None, logging.getLogger("tests.observer"))
        for done in range(10, 130, 10):
            stage.progress(done, 120, "series")
    assert [record.getMessage() for record in caplog.records] == [
        "toy: 50 of 120 series, 10 a second, 7 s left",
        "toy: 100 of 120 series, 10 a second, 2 s left",
    ]


def test_child_output_is_marked_so_that_the_terminal_can_leave_it_out(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        StageObserver("toy", None, logging.getLogger("tests.observer")).line("[rank0] hello")
    assert caplog.records[0].child_output
