"""The results table from hand-written score rows."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from anomseer_core.evaluation.grounding import CLAIM_COLUMNS
from anomseer_core.reports.summary import GROUPS, LOCATION, is_policy, summarise, to_markdown, to_terminal

TASKS = [task for tasks in GROUPS.values() for task in tasks]


def row(detector="policy", task="point", f1=0.5, **fields):
    """A score row; what a test does not name is the same for all."""
    values = {
        "detector": detector,
        "benchmark": "anomllm",
        "task": task,
        "split": "eval",
        "profile": "strict",
        "counted": True,
        "truth_class": "contextual point",
        "status": "ok",
        "truth_events": 1,
        **dict.fromkeys(LOCATION, 0.0),
        "affiliation_precision": f1,
        "affiliation_recall": f1,
        "affiliation_f1": f1,
        "interval_iou": 0.25,
        "class_correct": True,
        "detection_correct": True,
    }
    return values | dict.fromkeys(CLAIM_COLUMNS) | fields


def frame(*rows):
    numbered = [{"series_id": f"s{index}", **values} for index, values in enumerate(rows)]
    return pd.DataFrame(numbered).astype({"class_correct": "boolean"} | dict.fromkeys(CLAIM_COLUMNS, "Int64"))


def only(scores):
    summary = summarise(scores)
    assert len(summary) == 1
    return summary.iloc[0]


def test_means_are_over_all_series():
    found = only(
        frame(
            row(f1=1.0, truth_events=0, truth_class="normal", affiliation_precision=1.0, pointwise_f1=1.0),
            row(f1=0.5, affiliation_precision=0.4, affiliation_recall=2 / 3, pointwise_f1=0.2),
            row(f1=0.3, affiliation_precision=0.7, affiliation_recall=0.2, class_correct=False),
            row(f1=0.0, status="unparsable", class_correct=False, detection_correct=False),
        )
    )
    assert found.n == 4
    assert found.affiliation_precision == pytest.approx((1 + 0.4 + 0.7 + 0) / 4)
    assert found.affiliation_recall == pytest.approx((1 + 2 / 3 + 0.2 + 0) / 4)
    assert found.affiliation_f1 == pytest.approx((1 + 0.5 + 0.3 + 0) / 4)
    assert found.pointwise_f1 == pytest.approx((1 + 0.2) / 4)
    # The first series is normal.
    assert found.affiliation_f1_anomalous == pytest.approx((0.5 + 0.3 + 0) / 3)
    assert found.class_accuracy == pytest.approx(2 / 4)
    assert found.detection_accuracy == pytest.approx(3 / 4)
    assert found.unparsable == 1


def test_groups_are_means_of_tasks_and_their_mean_is_unweighted():
    found = only(
        frame(
            # freq: (0.1 + 0.3) / 2 = 0.2; with noisy-freq 0.6 the group is 0.4, whatever the number of series.
            *(row(task="freq", f1=value) for value in (0.1, 0.3)),
            row(task="noisy-freq", f1=0.6),
            row(task="trend", f1=0.9),
            row(task="flat-trend", f1=0.6),
            row(task="noisy-trend", f1=0.3),
            row(task="range", f1=0.8),
            row(task="point", f1=0.2),
            row(task="noisy-point", f1=0.4),
        )
    )
    assert [found[group] for group in GROUPS] == pytest.approx([0.4, 0.6, 0.8, 0.3])
    # (0.4 + 0.6 + 0.8 + 0.3) / 4
    assert found.group_mean == pytest.approx(0.525)


def test_a_group_with_a_missing_task_is_missing():
    found = only(frame(*(row(task=task) for task in TASKS if task != "noisy-point")))
    assert np.isnan(found["Point"])
    assert np.isnan(found.group_mean)
    assert found["Range"] == 0.5


def test_other_benchmarks_have_no_groups():
    found = only(frame(row(benchmark="visual_time_anomaly", task="trend")))
    assert found[[*GROUPS, "group_mean"]].isna().all()


def test_class_accuracy_counts_known_classes_only():
    real = row(truth_class="unknown", class_correct=None)
    assert only(frame(real, row(class_correct=False), row())).class_accuracy == 0.5
    assert np.isnan(only(frame(real)).class_accuracy)


def test_class_accuracy_is_missing_where_a_class_is_left_unnamed():
    # Right about the normal series, silent about the other: 100 % of what it said, which tells nothing.
    normal = row(truth_class="normal", truth_events=0)
    assert np.isnan(only(frame(normal, row(class_correct=None))).class_accuracy)


def test_normal_series_alone_leave_the_anomalous_column_empty():
    assert np.isnan(only(frame(row(truth_class="normal", truth_events=0))).affiliation_f1_anomalous)


def test_policies_stand_before_baselines():
    names = ["isolation-forest", "oracle-middle", "nano", "always-empty", "another policy"]
    summary = summarise(
        frame(
            *(row(detector=name, benchmark="z") for name in names),
            *(row(detector=name, benchmark="a") for name in names),
        )
    )
    order = ["nano", "another policy", "always-empty", "oracle-middle", "isolation-forest"]
    assert summary["detector"].tolist() == order * 2
    assert summary["benchmark"].tolist() == ["z"] * 5 + ["a"] * 5
    assert is_policy("nano")
    assert not is_policy("oracle-middle *")


def test_two_scores_for_one_series_are_refused():
    twice = frame(row(), row()).assign(series_id="s0")
    with pytest.raises(ValueError, match="detector 'policy' has two scores for series 's0'"):
        summarise(twice)


def test_no_scores_are_refused():
    with pytest.raises(ValueError, match="no scores to summarise"):
        summarise(frame(row()).iloc[:0])


def test_the_interval_follows_the_seed():
    scores = frame(*(row(f1=value) for value in np.linspace(0, 1, 30)))
    first, again, other = summarise(scores), summarise(scores), summarise(scores, seed=1)
    pd.testing.assert_frame_equal(first, again)
    assert first.affiliation_f1_low[0] != other.affiliation_f1_low[0]


def test_everything_is_there_for_anomalous_series_alone():
    found = only(
        frame(
            row(truth_events=0, truth_class="normal", f1=1.0, pointwise_f1=1.0, event_recall=1.0, interval_iou=1.0),
            row(f1=0.4, pointwise_f1=0.2, event_recall=0.5, interval_iou=0.1, detection_correct=False),
            row(f1=0.6, pointwise_f1=0.4, event_recall=0.3, interval_iou=0.3, class_correct=False),
        )
    )
    assert (found.n, found.n_anomalous) == (3, 2)
    assert found.affiliation_f1_anomalous == pytest.approx((0.4 + 0.6) / 2)
    assert found.pointwise_f1_anomalous == pytest.approx((0.2 + 0.4) / 2)
    assert found.event_recall_anomalous == pytest.approx((0.5 + 0.3) / 2)
    assert found.interval_iou_anomalous == pytest.approx((0.1 + 0.3) / 2)
    assert found.class_accuracy_anomalous == 1 / 2
    assert found.detection_accuracy_anomalous == 1 / 2
    assert (found.event_recall, found.interval_iou) == pytest.approx((1.8 / 3, 1.4 / 3))
    # Two values: the means of resamples are one of them, or their middle.
    assert (found.interval_iou_anomalous_low, found.interval_iou_anomalous_high) == pytest.approx((0.1, 0.3))


def test_what_a_profile_leaves_out_stays_out_of_every_mean():
    rows = frame(row(f1=0.5), row(f1=0.0, counted=False, status="unparsable", class_correct=False, truth_events=1))
    found = only(rows)
    assert (found.n, found.excluded, found.unparsable) == (1, 1, 1)
    assert (found.affiliation_f1, found.affiliation_f1_anomalous, found.class_accuracy) == (0.5, 0.5, 1.0)


def test_nothing_counted_is_all_missing():
    found = only(frame(row(counted=False)))
    assert (found.n, found.excluded) == (0, 1)
    assert np.isnan([found.affiliation_f1, found.affiliation_f1_low, found.Range]).all()


def test_two_profiles_are_two_rows():
    both = pd.concat([frame(row(f1=0.5)), frame(row(f1=0.25, profile="anomllm"))])
    summary = summarise(both)
    assert summary[["profile", "affiliation_f1"]].values.tolist() == [["strict", 0.5], ["anomllm", 0.25]]
    text = to_markdown(summary)
    assert "### anomllm, profile strict\n" in text
    assert "### anomllm, profile anomllm\n" in text


def test_the_interval_of_a_group_draws_inside_its_tasks():
    # Every task has one value of its own: whatever is drawn, the means of the tasks stay what they are.
    found = only(frame(*(row(task=task, f1=place / 10) for place, task in enumerate(TASKS) for _ in range(5))))
    for name in (*GROUPS, "group_mean"):
        assert found[f"{name}_low"] == pytest.approx(found[name])
        assert found[f"{name}_high"] == pytest.approx(found[name])
    # Over all series, tasks are drawn more and less often.
    assert found.affiliation_f1_low < found.affiliation_f1 - 0.01


def test_markdown():
    summary = summarise(frame(row(detector="oracle-middle", benchmark="b", f1=0.25, class_correct=None), row("nano")))
    lines = to_markdown(summary, {"archive": "no folder is given"}).splitlines()
    assert lines[:5] == [
        "### b, profile strict",
        "",
        "| Detector | n | Aff. P | Aff. R | Aff. F1 | Aff. F1 95 % | Anom. F1 | Point F1 | Class | Detect | Lost |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| oracle-middle * | 1 | 25.0 | 25.0 | 25.0 | 25.0-25.0 | 25.0 | 0.0 | - | 100.0 | 0 |",
    ]
    assert lines[6] == "### b, profile strict: anomalous series only"
    assert lines[10] == ("| oracle-middle * | 1 | 25.0 | 25.0 | 25.0 | 0.0 | 0.0 | 0.0 | 0.0 | 25.0 | - | 100.0 |")
    assert "### anomllm, profile strict: affiliation-F1 by group" in lines
    assert "| nano | - | - | - | - | - | - |" in lines
    assert lines[lines.index("### archive") + 2] == "Skipped: no folder is given"


def test_the_terminal_tables_fit_a_hundred_columns():
    names = ["nano [cold start]", "nano, TimerPO", "always-empty", "oracle-whole-series", "isolation-forest"]
    full = dict.fromkeys((*LOCATION, "interval_iou"), 1.0)
    scores = frame(*(row(name, task, 1.0, **full) for name in names for task in TASKS for _ in range(200)))
    console = Console(width=100, file=StringIO())
    console.print(to_terminal(summarise(scores), {"archive": "no folder is given"}))
    text = console.file.getvalue()
    assert "\u2026" not in text
    lines = [line.rstrip() for line in text.splitlines()]
    assert max(map(len, lines)) <= 100
    (overall, anomalous, by_group, _) = [line.split() for line in lines if "oracle-whole-series *" in line]
    assert overall[2:8] == ["1600", "100.0", "100.0", "100.0", "100.0-100.0", "100.0"]
    assert anomalous[2:] == ["1600"] + ["100.0"] * 10
    assert by_group[2:] == ["100.0"] * 5 + ["100.0-100.0"]
    assert "archive: skipped, no folder is given" in lines
    assert any(line.strip().startswith("nano [cold start]") for line in lines)


def claims(claims, verified, chance, chance_verified, unread=0):
    return dict(zip(CLAIM_COLUMNS, (claims, verified, unread, chance, chance_verified), strict=True))


def test_the_reasoning_is_rated_over_all_claims():
    scores = frame(row(**claims(8, 7, 0, 0, unread=1)), row(**claims(2, 2, 2, 1)), row(**claims(0, 0, 0, 0)), row())
    found = only(scores)
    # The fourth answer has no reasoning; three responses hold 10 claims, of which 9 are true, and one unread number.
    assert found.claims == pytest.approx(10 / 3)
    assert found.claims_verified == pytest.approx(9 / 10)
    assert found.numbers_unread == pytest.approx(1 / 3)
    assert found.chance_verified == pytest.approx(1 / 2)


def test_the_reasoning_has_a_table_of_its_own_for_detectors_that_reason():
    summary = summarise(frame(row(**claims(4, 3, 4, 1)), row(detector="whole-series")))
    text = to_markdown(summary)
    table = text[text.index("### anomllm, profile strict: reasoning") :]
    assert "| policy | 4.0 | 75.0 | 25.0 | 0.0 |" in table
    assert "whole-series" not in table
    assert "reasoning" not in to_markdown(summarise(frame(row(detector="whole-series")))).split("All but n")[0]
