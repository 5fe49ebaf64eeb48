"""Confusion matrices from hand-written score rows."""

import numpy as np
import pandas as pd
import pytest

from anomseer_core.evaluation.confusion import CLASSES, UNUSABLE, accuracy, class_confusion, detection_confusion


def frame(*rows):
    """rows: (label, answer, status), the answer None where no class is named."""
    return pd.DataFrame(
        {
            "truth_class": [truth for truth, _, _ in rows],
            "predicted_class": [answer for _, answer, _ in rows],
            "status": [status for _, _, status in rows],
            "class_correct": pd.array(
                [truth == answer and status == "ok" for truth, answer, status in rows], "boolean"
            ),
            "truth_events": [int(truth != "normal") for truth, _, _ in rows],
            "predicted_events": [int(answer != "normal") for _, answer, _ in rows],
            "profile": "strict",
            "counted": True,
        }
    )


ROWS = frame(
    ("trend", "trend", "ok"),
    ("trend", "seasonal", "ok"),
    ("trend", "trend", "contradiction"),
    ("normal", "normal", "ok"),
    ("normal", None, "ok"),
    ("normal", None, "unparsable"),
)


def test_which_class_was_taken_for_which():
    matrix = class_confusion(ROWS)
    assert matrix.index.tolist() == ["trend", "normal"]
    assert matrix.columns.tolist() == [*CLASSES, UNUSABLE]
    assert matrix.loc["trend", ["trend", "seasonal", UNUSABLE]].tolist() == [1, 1, 1]
    assert matrix.loc["normal", ["trend", "normal", UNUSABLE]].tolist() == [0, 1, 2]
    assert accuracy(matrix) == 2 / 6 == ROWS["class_correct"].mean()


def test_the_released_rules_heed_a_class_that_contradicts():
    matrix = class_confusion(ROWS.assign(profile="released"))
    assert matrix.loc["trend", ["trend", "seasonal", UNUSABLE]].tolist() == [2, 1, 0]


def test_what_is_not_counted_or_has_no_class_is_left_out():
    rows = pd.concat([ROWS.assign(counted=False), frame(("unknown", "trend", "ok"), ("trend", "trend", "ok"))])
    assert class_confusion(rows).to_numpy().sum() == 1
    assert detection_confusion(rows).to_numpy().sum() == 2


def test_a_detector_that_leaves_a_class_unnamed_has_no_class_matrix():
    matrix = class_confusion(ROWS.assign(class_correct=pd.array([None] * len(ROWS), "boolean")))
    assert matrix.empty
    assert np.isnan(accuracy(matrix))


def test_normal_against_anomalous():
    matrix = detection_confusion(ROWS)
    assert matrix.loc["anomalous"].tolist() == [0, 3, 0]
    assert matrix.loc["normal"].tolist() == [1, 1, 1]
    assert accuracy(matrix) == pytest.approx(4 / 6)
