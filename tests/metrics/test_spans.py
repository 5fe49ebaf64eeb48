"""Intervals as arrays, against the same done sample by sample."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.metrics import spans
from anomseer_core.metrics.spans import count_shared, find_overlaps, merged_spans, span_lengths
from anomseer_core.series import mask_from_intervals, merge_intervals

INTERVALS = st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40)), max_size=8)


@pytest.mark.parametrize("few", [0, spans.FEW])
@given(intervals=INTERVALS, length=st.integers(0, 30))
def test_merging_is_the_one_of_the_series(few, intervals, length):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spans, "FEW", few)
        merged = merged_spans(intervals, length)
    assert [tuple(span) for span in merged.tolist()] == merge_intervals(intervals, length)


def test_merged_intervals_may_come_as_an_array():
    merged = merged_spans([(1, 3), (3, 5), (8, 12)], 10)
    assert merged.tolist() == [[1, 5], [8, 10]]
    assert merged_spans(merged, 10).tolist() == merged.tolist()
    assert span_lengths(merged).tolist() == [4, 2]


@pytest.mark.parametrize(("left", "right"), [([], []), ([(1, 2)], []), ([], [(1, 2)])])
def test_nothing_overlaps_nothing(left, right):
    left, right = merged_spans(left, 10), merged_spans(right, 10)
    assert count_shared(left, right) == 0
    assert len(find_overlaps(left, right).left) == 0


def test_overlaps_by_hand():
    # [0, 4) meets [1, 2) by 1 and [3, 7) by 1; [6, 9) meets [3, 7) by 1 and [8, 9) by 1; [9, 10) only touches.
    pairs = find_overlaps(merged_spans([(0, 4), (6, 9)], 10), merged_spans([(1, 2), (3, 7), (8, 9)], 10))
    assert [item.tolist() for item in pairs] == [[0, 0, 1, 1], [0, 1, 1, 2], [1, 1, 1, 1]]


@given(INTERVALS, INTERVALS)
def test_overlaps_are_those_of_the_masks(left, right):
    left, right = merged_spans(left, 30), merged_spans(right, 30)
    expected = [
        (i, j, int((mask_from_intervals([a], 30) & mask_from_intervals([b], 30)).sum()))
        for i, a in enumerate(left.tolist())
        for j, b in enumerate(right.tolist())
    ]
    pairs = find_overlaps(left, right)
    found = list(zip(*(item.tolist() for item in pairs), strict=True))
    assert found == [pair for pair in expected if pair[2]]
    both = mask_from_intervals(left.tolist(), 30) & mask_from_intervals(right.tolist(), 30)
    assert count_shared(left, right) == both.sum()
