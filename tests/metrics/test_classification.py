import pytest

from anomseer_core.metrics import class_correct, detection_correct
from anomseer_core.series import AnomalyClass


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        (AnomalyClass.TREND, AnomalyClass.TREND, True),
        (AnomalyClass.TREND, AnomalyClass.SEASONAL, False),
        (AnomalyClass.NORMAL, AnomalyClass.NORMAL, True),
        (AnomalyClass.NORMAL, None, False),
        (AnomalyClass.UNKNOWN, AnomalyClass.TREND, None),
        (AnomalyClass.UNKNOWN, None, None),
    ],
)
def test_class(truth, predicted, expected):
    assert class_correct(truth, predicted) is expected


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        ([], [], True),
        ([(1, 2)], [(50, 60)], True),
        ([(1, 2)], [], False),
        ([], [(1, 2)], False),
        ([], None, False),
        ([(1, 2)], None, False),
    ],
)
def test_detection(truth, prediction, expected):
    assert detection_correct(truth, prediction) is expected
