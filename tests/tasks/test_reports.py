import pandas as pd

from tasks.reports import warn_of_unparsable


def test_a_policy_most_of_whose_answers_are_lost_is_warned_about():
    rows = [
        {"detector": "timerpo", "benchmark": "anomllm", "n": 8, "unparsable": 5},
        {"detector": "cold-start", "benchmark": "anomllm", "n": 8, "unparsable": 4},
        {"detector": "whole-series", "benchmark": "anomllm", "n": 8, "unparsable": 8},
    ]
    (line,) = warn_of_unparsable(pd.DataFrame(rows))
    assert line.startswith("timerpo on anomllm: 5 of 8 answers could not be read and count as 0")
