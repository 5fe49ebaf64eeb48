"""Ours beside the paper's."""

import pandas as pd
import pytest

from anomseer_core.reports.published import TABLE_8, beside_the_paper


def row(detector, benchmark="anomllm", values=(0.659, 0.18, 0.285, float("nan"), 0.5)):
    groups = dict(zip(("Frequency", "Trend", "Range", "Point", "group_mean"), values, strict=True))
    return {"detector": detector, "benchmark": benchmark, **groups}


def test_detectors_of_the_table_stand_beside_it():
    text = beside_the_paper(pd.DataFrame([row("fft"), row("whole-series"), row("fft", "archive")]))
    lines = [line for line in text.splitlines() if line.startswith("| fft")]
    assert lines == ["| fft | 65.9 / 65.9 | 18.0 / 18.0 | 28.5 / 28.5 | - / 27.8 | 50.0 / 35.1 |"]
    assert "whole-series" not in text


def test_nothing_is_said_where_nothing_compares():
    assert beside_the_paper(pd.DataFrame([row("fft", "archive"), row("hbos")])) == ""


@pytest.mark.parametrize("name", TABLE_8)
def test_the_paper_s_average_is_the_mean_of_its_groups(name):
    *groups, average = TABLE_8[name]
    assert sum(groups) / 4 == pytest.approx(average, abs=0.06)
