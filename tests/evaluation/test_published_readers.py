"""What published evaluations make of raw responses, rule by rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.evaluation.published_readers import (
    read_anomllm,
    read_released,
    read_released_class,
    read_visual_time_anomaly,
)
from anomseer_core.series import AnomalyClass, merge_intervals

LENGTH = 1000
POINTS, RANGES = AnomalyClass.GLOBAL_POINT, AnomalyClass.TREND


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('I see [{"start": 10, "end": 20}, {"start": 5, "end": 8}] there.', [(5, 8), (10, 20)]),
        ("[]", []),
        # Whatever Python's int takes, cut to whole numbers.
        ('[{"start": "10", "end": 20.9}]', [(10, 20)]),
        # Clipped to the axis; what ends before it starts is empty and no reason to refuse the rest.
        ('[{"start": -5, "end": 20}, {"start": 900, "end": 5000}]', [(0, 20), (900, 1000)]),
        ('[{"start": 20, "end": 10}]', []),
        ('[{"start": 7, "end": 7}]', []),
        # First to last bracket: what the reasoning holds in between is read too.
        ('From [a] to b: [{"start": 1, "end": 2}]', None),
        ('[{"start": 1, "end": 2}', None),
        ("[[1, 2]]", None),
        ('[{"start": 1}]', None),
        ('[{"start": 1, "end": null}]', None),
        ('[{"start": 1, "end": Infinity}]', None),
        ("nothing", None),
        ("] [", None),
        ("", None),
    ],
)
def test_anomllm(text, expected):
    assert read_anomllm(text, LENGTH, RANGES) == expected


@pytest.mark.parametrize(
    ("text", "truth", "expected"),
    [
        # Both ends included: [10, 20] is 11 positions, [7, 7] one.
        ("[[10, 20], [7, 7]]", RANGES, [(7, 8), (10, 21)]),
        ("[[-4, 3], [990, 2000]]", RANGES, [(0, 4), (990, 1000)]),
        ("[[20, 10]]", RANGES, []),
        # A pair that is none is passed over, a thing that is no list ends the reading.
        ('[[1, 2, 3], ["a", 4], [5, 6]]', RANGES, [(5, 7)]),
        ("[[1, 2], 3]", RANGES, None),
        ('[{"start": 1, "end": 2}]', RANGES, None),
        ("[3, 5]", RANGES, None),
        # A list that was cut: the bracket is added, a number at the very end goes.
        ("[[1, 2], [3, 4]", RANGES, [(1, 5)]),
        ("[[1, 2], ", RANGES, [(1, 3)]),
        ("[[1, 2], [3, 4", RANGES, None),
        ("[10, 20, 3", POINTS, [(10, 11), (20, 21)]),
        ("[10, 20, ", POINTS, [(10, 11), (20, 21)]),
        # No digit, no anomaly.
        ("[none]", RANGES, []),
        ("There is nothing: []", POINTS, []),
        ("nothing", POINTS, None),
        # Indices: neighbours join, negative ones count from the end, the others beyond the axis are passed over.
        ("[5, 6, 9]", POINTS, [(5, 7), (9, 10)]),
        ("[-1, 1000, -1001, 3]", POINTS, [(3, 4), (999, 1000)]),
        ("[5.0]", POINTS, None),
        ("[[5, 6]]", POINTS, None),
    ],
)
def test_visual_time_anomaly(text, truth, expected):
    assert read_visual_time_anomaly(text, LENGTH, truth) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>a</think><answer>[[10, 20], [30, 40]]</answer><class>trend</class>", [(10, 20), (30, 40)]),
        # The last block counts, in any case.
        ("<answer>[[1, 2]]</answer> no: <ANSWER>[[3, 9]]</ANSWER>", [(3, 9)]),
        ("<answer>[]</answer>", []),
        ("<answer> array([]) </answer>", []),
        ("<answer>[(10, 20)]</answer>", [(10, 20)]),
        ('<answer>{"start": 1, "end": 5}</answer>', [(1, 5)]),
        ('<answer>[{"start": 1, "end": 5}]</answer>', [(1, 5)]),
        # Half-open: the single position [7, 7] is empty and lost, and an answer of such pairs alone is unusable.
        ("<answer>[[7, 7], [10, 20]]</answer>", [(10, 20)]),
        ("<answer>[[7, 7]]</answer>", None),
        ("<answer>[[-1, 5]]</answer>", None),
        ("<answer>[[9, 5], [1, Infinity]]</answer>", None),
        # Beyond what a float can hold, and far beyond the series.
        (f"<answer>[[1, 1{'0' * 400}]]</answer>", [(1, 1000)]),
        # A pair beyond the series is a pair all the same: nothing of it is left, and the answer stays usable.
        ("<answer>[[1200, 1300]]</answer>", []),
        ("<answer>[[900, 900000]]</answer>", [(900, 1000)]),
        ("<answer>none</answer>", None),
        ("<answer></answer>", None),
        ("<answer>somewhere</answer>", None),
        ("<answer>[[1, 2]]", None),
        ("[[1, 2]]", None),
    ],
)
def test_released(text, expected):
    assert read_released(text, LENGTH, RANGES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<class>trend</class><class>normal</class>", AnomalyClass.TREND),
        ("<CLASS> Global Point </CLASS>", AnomalyClass.GLOBAL_POINT),
        ("<class>contextual</class>", AnomalyClass.CONTEXTUAL_POINT),
        ('<class>"shapelet"</class>', AnomalyClass.SHAPELET),
        ('<class>["seasonal"]</class>', AnomalyClass.SEASONAL),
        ('<class>{"class": "normal"}</class>', AnomalyClass.NORMAL),
        ("<class>unknown</class>", None),
        ("<class>[]</class>", None),
        ("<class>trend", None),
        ("trend", None),
    ],
)
def test_released_class(text, expected):
    assert read_released_class(text) is expected


BRACKETS = ("[", "]", "{", "}", "(", "<answer>", "</answer>", "<class>", "</class>")
WORDS = ('"start"', '"end"', ":", ",", "'", "-", "1e999", "12", "007", "9" * 30, "NaN", "null", "none", "array([])")
PIECES = st.sampled_from((*BRACKETS, *WORDS))


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=40), st.integers(1, 50))
def test_any_text_is_read_or_refused(text, length):
    for read in (read_anomllm, read_visual_time_anomaly, read_released):
        for truth in (POINTS, RANGES):
            found = read(text, length, truth)
            assert found is None or found == merge_intervals(found, length)
    read_released_class(text)


def test_deep_nesting_is_refused():
    deep = "[" * 100_000 + "]" * 100_000
    assert read_anomllm(deep, LENGTH, RANGES) is None
    assert read_visual_time_anomaly(deep.replace("[]", "[1]"), LENGTH, RANGES) is None
    assert read_released(f"<answer>{deep}</answer>", LENGTH, RANGES) is None
