"""Means and deviations over seeds, by hand."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from anomseer_core.reports.repetition import over_seeds, to_markdown, to_terminal
from tests.reports.test_summary import TASKS, frame, row


def test_the_mean_of_means_and_the_deviation_of_a_sample():
    runs = [frame(row(f1=a), row(f1=b)) for a, b in ((0.2, 0.4), (0.4, 0.6), (0.6, 1.0))]
    (found,) = over_seeds(runs).to_dict("records")
    # Means of the runs: .3, .5, .8: mean 16/30, squared deviations .0544 + .0011 + .0711 = .1267, over 2.
    assert found["runs"] == 3
    assert found["affiliation_f1"] == pytest.approx(16 / 30)
    assert found["affiliation_f1_sd"] == pytest.approx((0.38 / 3 / 2) ** 0.5)
    assert found["interval_iou_anomalous_sd"] == 0
    assert np.isnan(found["Range"])


def test_groups_come_too_and_a_single_run_has_no_deviation():
    full = frame(*(row(task=task, f1=0.5) for task in TASKS))
    (found,) = over_seeds([full]).to_dict("records")
    assert found["group_mean"] == 0.5
    assert np.isnan(found["group_mean_sd"])


def test_detectors_and_profiles_stand_in_rows_of_their_own():
    runs = [
        pd.concat([frame(row("a", f1=value), row("b")), frame(row("a")).assign(profile="anomllm")])
        for value in (0.0, 0.2)
    ]
    found = over_seeds(runs)
    assert found[["detector", "profile", "runs"]].values.tolist() == [
        ["a", "strict", 2],
        ["b", "strict", 2],
        ["a", "anomllm", 2],
    ]
    lines = to_markdown(found).splitlines()
    assert lines[0] == "### anomllm, profile strict, over seeds"
    assert lines[4].startswith("| a | 2 | 10.0 +- 14.1 | 10.0 +- 14.1 | 0.0 +- 0.0 |")
    assert lines[4].endswith("| - |")


def test_the_terminal_leaves_out_measures_that_nobody_has():
    console = Console(width=100, file=StringIO())
    console.print(to_terminal(over_seeds([frame(row("a", f1=0.2)), frame(row("a", f1=0.4))])))
    told = console.file.getvalue()
    # Means of .2 and .4: 30, and the deviation of the two is 10 times the root of 2.
    assert "30.0 +- 14.1" in told
    assert "Aff. F1" in told
    # A single task is no group, so there is no Avg.
    assert "Avg" not in told


def test_other_series_in_another_run_are_refused():
    with pytest.raises(ValueError, match="policy was not scored on the same series of anomllm in every run"):
        over_seeds([frame(row(), row()), frame(row())])
