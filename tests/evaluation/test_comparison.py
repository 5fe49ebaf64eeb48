"""Comparisons of hand-written score rows."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from anomseer_core.evaluation.comparison import MEASURES, Side, compare
from anomseer_core.evaluation.groups import GROUPS
from anomseer_core.reports.comparison_table import to_markdown, to_terminal

TASKS = [task for tasks in GROUPS.values() for task in tasks]


def run(values, *, detector="d", benchmark="b", tasks=None, anomalous=None, **fields):
    """Score rows whose affiliation-F1 is given; the other measures are 0, the classes right."""
    count = len(values)
    frame = pd.DataFrame(
        {
            "detector": detector,
            "benchmark": benchmark,
            "task": tasks or "t",
            "split": "eval",
            "series_id": [f"s{place}" for place in range(count)],
            "profile": "strict",
            "counted": True,
            "truth_events": anomalous or 1,
            **dict.fromkeys(MEASURES, 0.0),
            "affiliation_f1": values,
            "class_correct": pd.array([True] * count, "boolean"),
            "detection_correct": True,
        }
    )
    return frame.assign(**fields)


def side(name, *runs):
    return Side(name, runs)


def only(table, part="all", measure="affiliation_f1"):
    (row,) = table[(table["part"] == part) & (table["measure"] == measure)].to_dict("records")
    return row


def test_by_hand():
    found = only(compare(side("a", run([0.2, 0.4, 0.9])), side("b", run([0.3, 0.6, 0.9]))))
    # Differences .1, .2, 0: mean .1, population deviation sqrt((0 + .01 + .01) / 3) = .0816.
    assert (found["n"], found["wins"], found["losses"]) == (3, 2, 0)
    assert (found["first"], found["second"], found["difference"]) == pytest.approx((0.5, 0.6, 0.1))
    assert found["effect_size"] == pytest.approx(0.1 / (0.02 / 3) ** 0.5)
    # Of the signs of .1 and .2 two of four reach a sum of .3; the third changes nothing.
    assert found["p_value"] == 1 / 2
    # Means of three of .1, .2, 0: at least 0 and at most .2.
    assert 0 <= found["low"] < 0.1 < found["high"] <= 0.2
    assert np.isnan(found["first_sd"])


def test_the_order_of_the_rows_does_not_matter():
    a, b = run([0.2, 0.4, 0.9]), run([0.3, 0.6, 0.9])
    pd.testing.assert_frame_equal(compare(side("a", a), side("b", b)), compare(side("a", a), side("b", b[::-1])))


def test_swapping_the_sides_turns_the_signs():
    rng = np.random.default_rng(0)
    a, b = side("a", run(rng.random(30))), side("b", run(rng.random(30)))
    there, back = only(compare(a, b)), only(compare(b, a))
    assert there["difference"] == pytest.approx(-back["difference"])
    assert there["effect_size"] == pytest.approx(-back["effect_size"])
    assert there["p_value"] == back["p_value"]
    assert (there["wins"], there["losses"]) == (back["losses"], back["wins"])


def test_the_same_answers_do_not_differ():
    rows = run(np.linspace(0, 1, 40))
    found = only(compare(side("a", rows), side("b", rows)))
    assert [found[name] for name in ("difference", "low", "high", "effect_size", "p_value")] == [0, 0, 0, 0, 1]


def test_anomalous_series_are_a_part_of_their_own():
    a = side("a", run([0.0, 0.5, 0.5], anomalous=[0, 2, 1]))
    b = side("b", run([1.0, 0.5, 0.7], anomalous=[0, 2, 1]))
    table = compare(a, b)
    assert only(table)["difference"] == pytest.approx(1.2 / 3)
    assert (only(table, "anomalous")["n"], only(table, "anomalous")["difference"]) == (2, pytest.approx(0.1))


def test_groups_weigh_tasks_alike_whatever_their_number_of_series():
    tasks = [*TASKS, "freq", "freq", "freq"]
    better = [0.4 if task == "freq" else 0.0 for task in tasks]
    a, b = (
        side(name, run(values, benchmark="anomllm", tasks=tasks)) for name, values in (("a", [0.0] * 11), ("b", better))
    )
    table = compare(a, b)
    assert only(table)["difference"] == pytest.approx(4 * 0.4 / 11)
    # `freq` is half of its group, and the group a quarter of the average.
    assert only(table, "Frequency")["difference"] == pytest.approx(0.2)
    assert only(table, "Avg")["difference"] == pytest.approx(0.05)
    assert only(table, "Avg")["n"] == 11
    assert only(table, "Trend")["p_value"] == 1
    assert set(table.loc[table["part"] == "Point", "measure"]) == {"affiliation_f1"}


def test_only_the_interval_of_a_group_takes_the_tasks_as_given():
    # One difference in each task: whatever is drawn inside the tasks, their means stay.
    tasks = TASKS * 5
    worth = [TASKS.index(task) / 10 for task in tasks]
    a, b = (run(values, benchmark="anomllm", tasks=tasks) for values in ([0.0] * len(tasks), worth))
    table = compare(side("a", a), side("b", b))
    average, everything = only(table, "Avg"), only(table)
    assert (average["low"], average["high"]) == pytest.approx((average["difference"],) * 2)
    assert everything["low"] < everything["difference"] - 0.01


def test_seeds_are_averaged_by_series_and_their_deviation_is_told():
    a = side("a", run([0.2, 0.4]), run([0.4, 0.6]))
    b = side("b", run([0.5, 0.5]), run([0.5, 0.5]), run([0.8, 0.5]))
    found = only(compare(a, b))
    # Means of the runs: .3 and .5; .5, .5 and .65.
    assert (found["first"], found["first_sd"]) == pytest.approx((0.4, 0.2 / 2**0.5))
    assert (found["second"], found["second_sd"]) == pytest.approx((0.55, np.std([0.5, 0.5, 0.65], ddof=1)))
    # By series: .6 - .3 and .5 - .5.
    assert (found["wins"], found["losses"], found["difference"]) == (1, 0, pytest.approx(0.15))


def test_what_is_not_counted_on_either_side_is_left_out():
    a = side("a", run([0.2, 0.4, 0.9], counted=[True, False, True]))
    b = side("b", run([0.3, 0.9, 0.9], counted=[True, True, True]))
    found = only(compare(a, b))
    assert (found["n"], found["difference"]) == (2, pytest.approx(0.05))


def test_a_measure_that_one_side_does_not_have_is_left_out():
    unnamed = run([0.1, 0.2], class_correct=pd.array([None, True], "boolean"))
    table = compare(side("a", unnamed), side("b", run([0.1, 0.2])))
    assert "class_correct" not in set(table["measure"])
    assert "detection_correct" in set(table["measure"])


def test_benchmarks_in_common_are_compared():
    both = pd.concat([run([0.1, 0.2]), run([0.5], benchmark="c")])
    table = compare(side("a", both), side("b", run([0.2, 0.2])))
    assert table["benchmark"].unique().tolist() == ["b"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (run([0.1, 0.2, 0.3]), r"a \(2 series\) and b \(3\) were scored on different series, such as 's2'"),
        (run([0.1, 0.2], benchmark="c"), "a and b were scored on no benchmark in common"),
        (run([0.1, 0.2], profile="anomllm"), "a and b were scored by the profiles anomllm, strict; score both by one"),
        (run([0.1, 0.2], detector=["d", "e"]), "b holds the detectors d, e; choose one"),
        (run([0.1, 0.2], series_id="s0"), "b has two scores for series 's0'"),
        (run([0.1, 0.2], counted=False), "no series is counted for both a and b"),
    ],
)
def test_what_cannot_be_paired_is_refused(other, message):
    with pytest.raises(ValueError, match=message):
        compare(side("a", run([0.1, 0.2])), side("b", other))


def test_the_seed_decides_the_draws():
    rng = np.random.default_rng(0)
    a, b = side("a", run(rng.random(50))), side("b", run(rng.random(50)))
    pd.testing.assert_frame_equal(compare(a, b), compare(a, b))
    assert only(compare(a, b))["low"] != only(compare(a, b, seed=1))["low"]


def test_the_tables_say_the_same():
    tasks = TASKS * 25
    a = side(
        "a", run([0.5] * 200, benchmark="anomllm", tasks=tasks), run([0.7] * 200, benchmark="anomllm", tasks=tasks)
    )
    b = side("b", run([1.0] * 200, benchmark="anomllm", tasks=tasks))
    table = compare(a, b)
    lines = to_markdown(table, "a", "b").splitlines()
    assert lines[0] == "First: a. Second: b."
    assert lines[2] == "### anomllm, profile strict"
    assert "| all | Aff. F1 | 200 | 60.0 +-14.1 | 100.0 | +40.0 | +40.0 +40.0 | <.001 | - | 200-0 |" in lines
    console = Console(width=100, file=StringIO())
    console.print(to_terminal(table, "a", "b"))
    printed = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert max(map(len, printed)) <= 100
    assert "\u2026" not in console.file.getvalue()
    assert any(line.split()[:4] == ["all", "Aff.", "F1", "200"] for line in printed)
