"""What the anomaly is, and whether there is one at all: correctness of the answer about one series."""

from collections.abc import Collection

from anomseer_core.series import AnomalyClass, Interval


def class_correct(truth: AnomalyClass, predicted: AnomalyClass | None) -> bool | None:
    """Whether the class is right; None, to be left out of every mean, where the label does not tell it (`unknown`).

    `predicted` None (no class given, or an answer that cannot be used) is wrong.
    """
    if truth == AnomalyClass.UNKNOWN:
        return None
    return predicted == truth


def detection_correct(truth: Collection[Interval], prediction: Collection[Interval] | None) -> bool:
    """Whether normal is told from anomalous: both have intervals or neither. `prediction` None (unusable) is wrong."""
    return prediction is not None and bool(truth) == bool(prediction)
