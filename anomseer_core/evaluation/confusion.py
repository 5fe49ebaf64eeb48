"""Confusion matrices, counted from score rows: which class was taken for which, and normal against anomalous.

Rows are labels, columns answers. Only series that the profile counts are in them. The diagonal over the total is the
class accuracy, respectively the detection accuracy, of the results table.
"""

import pandas as pd

from anomseer_core.dialogue import ANSWERABLE_CLASSES, ParseStatus
from anomseer_core.evaluation.profiles import PROFILES

# The column of answers that name no class, or whose class is not heeded: unparsable, or contradicted by the intervals.
UNUSABLE = "unusable"
CLASSES = tuple(str(item) for item in ANSWERABLE_CLASSES)
NORMAL, ANOMALOUS = "normal", "anomalous"


def class_confusion(scores: pd.DataFrame) -> pd.DataFrame:
    """Counts of one detector's answers: a row for each class among the labels, a column for each class and `unusable`.

    Without rows when the detector leaves a class unnamed: it was not asked for one.
    """
    rows = scores[scores["counted"] & scores["truth_class"].isin(CLASSES)]
    if rows["class_correct"].isna().any():
        rows = rows[:0]
    alone = [name for name, profile in PROFILES.items() if profile.class_stands_alone]
    heeded = (rows["status"] == ParseStatus.OK) | rows["profile"].isin(alone)
    answers = rows["predicted_class"].where(heeded & rows["predicted_class"].notna(), UNUSABLE)
    present = [name for name in CLASSES if (rows["truth_class"] == name).any()]
    return _count(rows["truth_class"], answers).reindex(index=present, columns=[*CLASSES, UNUSABLE], fill_value=0)


def detection_confusion(scores: pd.DataFrame) -> pd.DataFrame:
    """Counts of one detector's answers: whether there is an anomaly, and whether the answer has any interval."""
    rows = scores[scores["counted"]]
    sides = [NORMAL, ANOMALOUS]
    truth = (rows["truth_events"] > 0).map({False: NORMAL, True: ANOMALOUS})
    answers = (rows["predicted_events"] > 0).map({False: NORMAL, True: ANOMALOUS})
    answers = answers.mask(rows["status"] == ParseStatus.UNPARSABLE, UNUSABLE)
    return _count(truth, answers).reindex(index=sides, columns=[*sides, UNUSABLE], fill_value=0)


def accuracy(matrix: pd.DataFrame) -> float:
    """The share on the diagonal; NaN without rows."""
    right = sum(int(matrix.loc[name, name]) for name in matrix.index)
    total = int(matrix.to_numpy().sum())
    return right / total if total else float("nan")


def _count(truth: pd.Series, answers: pd.Series) -> pd.DataFrame:
    pairs = pd.DataFrame({"truth": truth.astype(object), "answer": answers.astype(object)})
    return pairs.groupby(["truth", "answer"]).size().unstack(fill_value=0)
