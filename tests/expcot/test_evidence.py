"""How numbers are rounded, and that evidence is plain data."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.expcot import write_trace
from anomseer_core.expcot.evidence import number, shown, stored
from anomseer_core.series import AnomalyClass, Series


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12345, "12345"),
        (np.int64(7), "7"),
        (0.0, "0"),
        (-0.0, "0"),
        (3.0, "3"),
        (33.333, "33.3"),
        (-0.3351, "-0.335"),
        (9.996, "10"),
        (1234.5, "1230"),
        (0.00012, "0.00012"),
        (0.0000123456, "1.23e-5"),
        (2_500_000.0, "2.5e6"),
        (-1e300, "-1e300"),
    ],
)
def test_a_number_has_three_significant_digits(value, text):
    assert number(value) == text


@given(st.floats(1e-2, 1e5))
def test_shown_values_are_the_written_ones(value):
    (rounded,) = shown(np.array([value]))
    assert float(number(rounded)) == rounded
    assert rounded == pytest.approx(value, rel=0.0051)


def test_shown_values_compare_with_thresholds_as_they_read():
    # 3.504 reads 3.5, which is not above 3.5; 330 hundredths are 3.3 exactly, though 330 * 0.01 is not.
    assert not (shown(np.array([3.504, 3.3])) > np.array([3.5, 3.3])).any()
    assert shown(np.array([3.506, -2.344, 1234.0, 1e-4, -1e-9])).tolist() == [3.51, -2.34, 1230.0, 0.0, 0.0]


def test_stored_values_have_six_significant_digits():
    assert stored(1 / 3) == 0.333333
    assert stored(-123456789.0) == -123457000.0


def test_evidence_is_json():
    values = np.sin(np.arange(400) / 5)
    values[200] = 9.0
    evidence = write_trace(Series("s", values, ((200, 201),), AnomalyClass.GLOBAL_POINT)).evidence
    fields = json.loads(json.dumps(evidence.to_dict()))
    assert fields["anomaly_class"] == "global point"
    # 400 samples: sample 200 begins at unit 500 and covers 2.5 units, rounded to two or three.
    assert fields["intervals"] == [[500, 502]]
    assert list(fields["validation"]) == ["envelope"]
    (support,) = fields["validation"]["envelope"]["findings"]["supports"]
    assert (support["first"], support["last"], support["crosses"]) == (500, 502, True)
