import io
import logging
from pathlib import Path

import pytest
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from anomseer_core.series import Series
from anomseer_core.store import DamagedArtifact
from anomseer_core.training.failures import TrainingFailed, TrainingStopped
from flows.terminal import command_name, is_for_the_terminal, is_user_error, show


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
    assert is_user_error(TrainingStopped("timerpo stopped: rank 1 was killed by SIGKILL"))
    assert not is_user_error(TrainingFailed("training ended with status 1; its last lines: ..."))
    assert not is_user_error(raised(lambda: int("x"), ValueError))
    assert not is_user_error(raised(lambda: [][0], IndexError))
    assert not is_user_error(ValueError("never raised"))


def test_the_terminal_leaves_out_routine_and_child_output():
    assert is_for_the_terminal(record("anomllm-train: 32 series in 3 s"))
    assert not is_for_the_terminal(record("Finished in state Completed()"))
    assert not is_for_the_terminal(record("Beginning flow run 'a' for flow 'b'"))
    assert not is_for_the_terminal(record("[rank0] loading", child_output=True))


def test_the_command_alone_tells_how_a_run_failed_or_was_stopped():
    assert not is_for_the_terminal(record("Finished in state Failed('Flow run encountered an exception')"))
    assert not is_for_the_terminal(record("Crash detected! Execution was aborted by Python system exit call."))
    assert not is_for_the_terminal(record("Finished in state Crashed('Execution was cancelled')"))


def test_a_refusal_is_not_told_twice():
    refusal = raised(lambda: Series(id="bad", values=[[[1.0]]]), ValueError)
    assert not is_for_the_terminal(record("Task run failed", refusal))
    assert is_for_the_terminal(record("Task run failed", raised(lambda: int("x"), ValueError)))


def test_tables_in_a_pipe_end_without_blanks():
    table = Table("name", "a number", box=SIMPLE_HEAD)
    table.add_row("first", "1")
    output = io.StringIO()
    show(Console(file=output, width=60, highlight=False), table, "[not markup]")
    lines = output.getvalue().splitlines()
    assert any("first" in line for line in lines)
    assert lines == [line.rstrip() for line in lines]


def test_a_printed_command_works_as_it_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    script = tmp_path / "bin" / "anomseer"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(script)])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert command_name() == "bin/anomseer"
    monkeypatch.setenv("PATH", str(script.parent))
    assert command_name() == "anomseer"
    monkeypatch.setattr("sys.argv", ["-c"])
    assert command_name() == "anomseer"
