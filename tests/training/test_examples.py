"""Training examples: what they show and answer, and that their order is a function of the step."""

from pathlib import Path

import numpy as np
import pytest

from anomseer_core.expcot.trace_table import TraceRow, write_trace_rows
from anomseer_core.series import AnomalyClass, Series, write_series
from anomseer_core.training.config import RewardWeights
from anomseer_core.training.examples import (
    Example,
    load_answered_examples,
    load_examples,
    rank_examples,
    step_indices,
)
from anomseer_core.training.rollout import grade
from anomseer_core.view import View

LONG = Series("long", np.sin(np.arange(2500) / 9), ((990, 1010), (1700, 1705)), AnomalyClass.TREND)
VIEWS = View(0, 1000), View(1000, 2000), View(1500, 2500)


def files(folder: Path, *traced: tuple[Series, View | None]) -> tuple[Path, Path]:
    """Files of series and of traces; a trace's text is its number."""
    kept = list({series.id: series for series, _ in traced}.values())
    write_series(kept, folder / "series.parquet")
    rows = (
        TraceRow(series.id, view or View(0, len(series)), f"trace {number}", None, "x", 0, 0, 0)
        for number, (series, view) in enumerate(traced)
    )
    write_trace_rows(rows, folder / "traces.parquet")
    return folder / "series.parquet", folder / "traces.parquet"


def test_a_long_series_gives_an_example_per_view(tmp_path: Path) -> None:
    """Each answer is clipped to its view, in units: here a unit is a sample."""
    examples = load_examples(*files(tmp_path, *((LONG, view) for view in VIEWS)))
    assert [example.view for example in examples] == list(VIEWS)
    assert [example.name for example in examples] == ["long[0:1000]", "long[1000:2000]", "long[1500:2500]"]
    assert [example.intervals for example in examples] == [[(990, 1000)], [(0, 10), (700, 705)], [(200, 205)]]
    assert examples[1].target == ("<think>trace 1</think>\n<answer>[[0, 9], [700, 704]]</answer>\n<class>trend</class>")
    assert not np.array_equal(np.asarray(examples[0].picture()), np.asarray(examples[1].picture()))


def test_a_view_without_an_interval_is_normal() -> None:
    example = Example(LONG, "Calm.", View(1100, 1600))
    assert example.target == "<think>Calm.</think>\n<answer>[]</answer>\n<class>normal</class>"


@pytest.mark.parametrize("view", [*VIEWS, View(1100, 1600)])
def test_every_target_earns_the_whole_reward(view: View) -> None:
    example = Example(LONG, "Calm.", view)
    assert grade(example.target, example, RewardWeights()).total == pytest.approx(1.0)


def test_examples_follow_the_series_and_leave_out_what_has_no_trace(tmp_path: Path) -> None:
    first, second = (Series(name, np.arange(100.0)) for name in "ab")
    series_path, _ = files(tmp_path, (first, None), (second, None))
    _, traces_path = files(tmp_path, (second, None), (first, None))
    write_series([first, second, Series("c", np.arange(100.0))], series_path)
    examples = load_examples(series_path, traces_path)
    assert [(example.name, example.trace) for example in examples] == [("a", "trace 1"), ("b", "trace 0")]


def test_a_cold_start_teaches_known_answers_only(tmp_path: Path) -> None:
    """An unknown class has no answer to write, but rewards still say whether its interval was found."""
    unknown = Series("u", np.arange(2500.0), ((10, 20),), AnomalyClass.UNKNOWN)
    paths = files(tmp_path, *((unknown, view) for view in VIEWS))
    assert len(load_examples(*paths)) == 3
    assert [example.view for example in load_answered_examples(*paths)] == list(VIEWS[1:])
    paths = files(tmp_path, (unknown, VIEWS[0]))
    with pytest.raises(ValueError, match=r"no answer can be taught; set cold_start\.steps to 0"):
        load_answered_examples(*paths)


def test_each_epoch_is_a_permutation() -> None:
    # 10 examples in batches of 4: the first five steps are two whole passes.
    indices = np.concatenate([step_indices(0, step, 4, 10) for step in range(5)])
    assert sorted(indices[:10]) == list(range(10))
    assert sorted(indices[10:]) == list(range(10))
    assert not np.array_equal(indices[:10], indices[10:])


def test_a_step_is_known_without_the_ones_before_it() -> None:
    np.testing.assert_array_equal(step_indices(3, 7, 4, 10), step_indices(3, 7, 4, 10))
    assert not np.array_equal(step_indices(3, 7, 4, 10), step_indices(4, 7, 4, 10))


def test_ranks_share_a_step_without_overlap() -> None:
    examples = list("abcdefgh")
    indices = np.array([3, 1, 7, 0])
    assert rank_examples(examples, indices, 0, 2) == ["d", "b"]
    assert rank_examples(examples, indices, 1, 2) == ["h", "a"]
