"""Seeds and paired tests, from the names of detectors."""

import pandas as pd
import pytest

from anomseer_core.evaluation.detector_names import by_subject, seeded_name, subject_of
from anomseer_core.reports.seeds import compared_pairs, pairs_markdown, seeds_markdown
from tests.reports.test_summary import frame, row


def rows(name, *values):
    return frame(*(row(name, f1=value, event_f1=value) for value in values))


def test_names_tell_subjects():
    assert subject_of(seeded_name("timerpo", 3)) == "timerpo"
    assert subject_of("timerpo-seed3-direct") == "timerpo-direct"
    assert subject_of("timerpo-seed3-voted-told") == "timerpo-voted-told"
    assert subject_of("my-seedling") == "my-seedling"
    assert by_subject(["a-seed1", "b", "a-seed2"]) == {"a": ["a-seed1", "a-seed2"], "b": ["b"]}


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ([], []),
        (["timerpo"], []),
        (["timerpo", "cold-start"], [("cold-start", "timerpo")]),
        (["mine", "mine-direct"], [("mine", "mine-direct")]),
        (
            ["mine", "mine-direct", "mine-voted"],
            [("mine", "mine-direct"), ("mine", "mine-voted"), ("mine-direct", "mine-voted")],
        ),
        (["mine-direct", "mine-voted"], [("mine-direct", "mine-voted")]),
        (["mine", "other"], [("other", "mine")]),
        (["shipped", "grpo", "timerpo"], [("shipped", "grpo"), ("shipped", "timerpo"), ("grpo", "timerpo")]),
        (["mine-direct"], []),
    ],
)
def test_what_is_compared(subjects, expected):
    assert compared_pairs(subjects) == expected


def test_seeds_have_a_mean_a_deviation_and_a_test():
    scores = pd.concat(
        [rows("timerpo-seed0", 0.2, 0.6), rows("timerpo-seed1", 0.4, 0.8), rows("cold-start", 0.1, 0.1)]
    ).reset_index(drop=True)
    scores = pd.concat([scores, rows("whole-series", 0.9, 0.9)], ignore_index=True)
    lines = seeds_markdown(scores).splitlines()
    # Means of the runs .4 and .6: .5, and (.1^2 + .1^2)^(1/2) = .141.
    assert any(line.startswith("| timerpo | 2 | 50.0 +- 14.1 |") for line in lines)
    assert any(line.startswith("| cold-start | 1 | 10.0 |") for line in lines)
    assert "whole-series" not in seeds_markdown(scores)
    text = pairs_markdown(scores)
    assert "First: cold-start. Second: timerpo." in text
    # The seeds' mean of each series, .3 and .7, against .1: .4 on average.
    assert "| all | Aff. F1 | 2 | 10.0 | 50.0 +-14.1 | +40.0 |" in text
    assert text.count("In percent: means over series") == 1


def test_one_seed_alone_has_no_table():
    assert seeds_markdown(rows("timerpo", 0.5)) == ""
    assert pairs_markdown(rows("timerpo", 0.5)) == ""


def test_sides_without_a_series_in_common_are_told_and_not_fatal():
    scores = pd.concat([rows("timerpo", 0.2), rows("cold-start", 0.2).assign(series_id="x")], ignore_index=True)
    assert "cold-start and timerpo are not compared" in pairs_markdown(scores)
