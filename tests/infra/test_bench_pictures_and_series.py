"""The benchmarks of rendering and synthesis print whole tables, and refuse a peer that gives something else."""

import numpy as np
import pytest

from anomseer_core.series import Series
from anomseer_core.synthesis.config import DIVERSE_TASKS
from infra.bench import rendering, synthesis
from tests import naive_picture


def test_the_table_of_pictures_is_whole(capsys: pytest.CaptureFixture[str]):
    rendering.main(["--count", "1", "--rounds", "1"])
    output = capsys.readouterr().out
    for kind in ("AnomLLM, 1,000 samples", "2,000 samples", "3 channels", "9 channels"):
        assert f"\n{kind} " in output
    assert output.count("x (") == 4


def test_a_peer_that_draws_something_else_is_no_peer():
    with pytest.raises(AssertionError, match="wave: the pictures differ"):
        rendering.row("x", [Series("wave", np.sin(np.arange(50)))], lambda values: naive_picture.picture(-values), 1)


def test_the_tables_of_series_are_whole(capsys: pytest.CaptureFixture[str]):
    synthesis.main(["--count", "1", "--rounds", "1", "--stream", "12"])
    output = capsys.readouterr().out
    for kind in (*synthesis.GROUPS, *(f"Diverse {task}" for task in DIVERSE_TASKS)):
        assert f"\n{kind} " in output
    assert output.count("x (") == len(synthesis.GROUPS)
    assert "\n12 " in output


def test_a_stream_takes_the_tasks_in_turn():
    assert [series.task for series in synthesis._mixed(7)] == [*DIVERSE_TASKS[:-1], "global"]
