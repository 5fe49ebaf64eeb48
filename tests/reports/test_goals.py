"""What a policy is judged by, beside the paper and beside the others."""

import pandas as pd

from anomseer_core.reports.goals import every_detector_table, goals_table
from anomseer_core.reports.summary import summarise, to_markdown
from tests.reports.test_summary import TASKS, frame, row


def lines_of(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def scores():
    full = [row("mine", task, 0.5, pointwise_f1=0.25, claims=4, claims_verified=3, numbers_unread=0) for task in TASKS]
    full[0] |= {"class_correct": False}
    other = [row("mine", "event", 0.4, benchmark="diverse", pointwise_f1=0.2)]
    baseline = [row("whole-series", task, 0.6, class_correct=None) for task in TASKS]
    told = [row("oracle-middle", "event", 0.7, benchmark="diverse", pointwise_f1=0.1, class_correct=None)]
    return frame(*full, *baseline, *other, *told)


def test_goals_stand_beside_the_paper():
    rows = lines_of(goals_table(summarise(scores()), {"diverse": "diverse (hard)"}))
    assert rows[0] == ["Series", "Measure", "mine", "AnomSeer-3B", "AnomSeer-7B"]
    found = {(row[0], row[1]): row[2:] for row in rows[2:]}
    assert found["anomllm", "Affiliation-F1, mean of four groups"] == ["50.0 (50.0-50.0)", "79.3", "84.4"]
    assert found["anomllm", "Affiliation-F1, Frequency"][1:] == ["58.9", "60.8"]
    assert found["anomllm", "Point-wise F1, mean of four groups"] == ["25.0 (25.0-25.0)", "-", "-"]
    # One of eight is wrong.
    assert found["anomllm", "Class"][0].startswith("87.5 (")
    assert found["anomllm", "Class"][1:] == ["62.8", "65.0"]
    # Equal shares of every response: any resample has the same rate.
    assert found["anomllm", "Claims of the reasoning that hold"][0] == "75.0 (75.0-75.0)"
    assert found["diverse (hard)", "Affiliation-F1"][0] == "40.0 (40.0-40.0)"
    assert ("diverse (hard)", "Claims of the reasoning that hold") not in found


def test_the_rate_of_claims_weighs_responses_by_what_they_claim():
    rows = frame(
        row(claims=1, claims_verified=1, numbers_unread=0, chance_claims=1, chance_verified=0),
        row(claims=9, claims_verified=0, numbers_unread=0, chance_claims=1, chance_verified=1),
    )
    (found,) = summarise(rows).to_dict("records")
    # 1 of 10; a resample holds the first twice (1 of 1), the second twice (0 of 9), or both.
    assert (found["claims_verified"], found["claims_verified_low"], found["claims_verified_high"]) == (0.1, 0.0, 1.0)
    assert found["chance_verified"] == 0.5


def test_no_policy_has_no_goals():
    assert goals_table(summarise(frame(row("whole-series"))), {}) == ""


def test_every_detector_stands_in_one_table():
    rows = lines_of(every_detector_table(summarise(scores()), {}))
    assert rows[0] == ["Detector", "anomllm: Aff. F1", "anomllm: Point F1", "diverse: Aff. F1", "diverse: Point F1"]
    cells = {line[0]: line[1:] for line in rows[2:]}
    assert list(cells) == ["mine", "whole-series", "oracle-middle *"]
    assert cells["mine"] == ["50.0 (50.0-50.0)", "25.0 (25.0-25.0)", "40.0 (40.0-40.0)", "20.0 (20.0-20.0)"]
    assert cells["oracle-middle *"] == ["-", "-", "70.0 (70.0-70.0)", "10.0 (10.0-10.0)"]


def test_groups_have_a_pointwise_table_too():
    summary = summarise(frame(*(row(task=task, pointwise_f1=place / 10) for place, task in enumerate(TASKS))))
    # freq 0 and noisy-freq .1; three trends .2, .3, .4; range .5; point .6 and noisy-point .7.
    text = to_markdown(summary)
    table = text[text.index("point-wise F1 by group") :].splitlines()
    assert table[4].startswith("| policy | 5.0 | 30.0 | 50.0 | 65.0 | 37.5 |")


def test_a_benchmark_without_all_tasks_is_summed_over_series():
    rows = frame(*(row("mine", "point", value) for value in (0.2, 0.4)))
    assert "| mine | 30.0 (" in every_detector_table(summarise(pd.DataFrame(rows)), {})
