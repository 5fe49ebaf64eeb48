import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.series import merge_intervals
from anomseer_core.view import LONGEST_VIEW, OVERLAP, VIEW_UNITS, View, own_parts, views


@st.composite
def view_and_intervals(draw, longest: int):
    """A view of 1..longest samples somewhere in a series, and merged intervals of that series inside it."""
    start, length = draw(st.integers(0, 5000)), draw(st.integers(1, longest))
    edges = st.tuples(st.integers(0, length), st.integers(0, length))
    local = merge_intervals(draw(st.lists(edges, max_size=6)), length)
    return View(start, start + length), [(start + a, start + b) for a, b in local]


def test_a_view_of_a_thousand_samples_is_the_identity():
    intervals = [(0, 1), (150, 151), (990, 1000)]
    assert View(0, 1000).to_units(intervals) == intervals
    assert View(0, 1000).to_samples(intervals) == intervals
    assert View(500, 1500).to_units([(650, 651)]) == [(150, 151)]
    assert View(500, 1500).to_samples([(150, 151)]) == [(650, 651)]


def test_short_series_by_hand():
    # 400 samples: 2.5 units each. Sample 9 covers [22.5, 25) -> [23, 25), halves up; back: [9.2, 10) -> [9, 10).
    view = View(0, 400)
    assert view.to_units([(9, 10), (100, 110)]) == [(23, 25), (250, 275)]
    assert view.to_samples([(23, 25), (250, 275)]) == [(9, 10), (100, 110)]
    # A single unit is less than a sample: units 22 and 23 are [8.8, 9.2) and [9.2, 9.6), in samples 8 and 9.
    assert view.to_samples([(22, 23)]) == [(8, 9)]
    assert view.to_samples([(23, 24)]) == [(9, 10)]


def test_long_view_by_hand():
    # 2,000 samples: half a unit each. [101, 102) -> [50.5, 51): rounded to nothing, so the unit that holds its start.
    view = View(0, 2000)
    assert view.to_units([(101, 102), (1999, 2000)]) == [(50, 51), (999, 1000)]
    assert view.to_samples([(50, 51), (999, 1000)]) == [(100, 102), (1998, 2000)]


def test_clipping():
    view = View(1000, 2000)
    assert view.clip([(0, 100), (950, 1050), (1990, 2500), (3000, 3001)]) == [(1000, 1050), (1990, 2000)]
    assert view.to_units([(950, 1050), (1990, 2500)]) == [(0, 50), (990, 1000)]
    assert view.to_samples([(-10, 50), (990, 4000), (1000, 1001)]) == [(1000, 1050), (1990, 2000)]


def test_touching_intervals_are_joined():
    assert View(0, 1000).to_samples([(10, 20), (20, 30)]) == [(10, 30)]
    assert View(0, 2000).to_units([(0, 19), (20, 40)]) == [(0, 20)]


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (6, 5), (-1, 5)])
def test_an_empty_or_negative_view_is_refused(start, stop):
    with pytest.raises(ValueError, match="a view needs 0 <= start < stop"):
        View(start, stop)


@given(view_and_intervals(longest=VIEW_UNITS))
def test_up_to_a_thousand_samples_come_back_exactly(case):
    view, intervals = case
    assert view.to_samples(view.to_units(intervals)) == intervals


def test_an_event_of_one_sample_keeps_a_unit():
    assert View(0, LONGEST_VIEW).to_samples(View(0, LONGEST_VIEW).to_units([(8, 9)])) == [(8, 12)]


@pytest.mark.parametrize(("longest", "error"), [(2 * VIEW_UNITS, 1), (LONGEST_VIEW, 2)])
@given(st.data())
def test_longer_ones_come_back_within_half_a_unit_or_one(longest, error, data):
    view, intervals = data.draw(view_and_intervals(longest=longest))
    unit = longest // VIEW_UNITS
    for start, stop in intervals:
        ((start_back, stop_back),) = view.to_samples(view.to_units([(start, stop)]))
        # What is shorter than one of the longest units keeps a whole one.
        allowed = unit if longest == LONGEST_VIEW and stop - start < unit else error
        assert abs(start_back - start) <= allowed
        assert abs(stop_back - stop) <= allowed


@given(view_and_intervals(longest=20_000))
def test_units_stay_in_the_picture_and_no_event_is_lost(case):
    view, intervals = case
    units = view.to_units(intervals)
    assert units == merge_intervals(units, VIEW_UNITS)
    assert bool(units) == bool(intervals)


@given(st.integers(1, 5000), st.lists(st.tuples(st.integers(-2000, 2000), st.integers(-2000, 2000)), max_size=5))
def test_any_units_become_samples_of_the_view(length, units):
    view = View(7, 7 + length)
    samples = view.to_samples(units)
    assert view.clip(samples) == samples
    assert bool(samples) == bool(merge_intervals(units, VIEW_UNITS))


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (1, [(0, 1)]),
        (1000, [(0, 1000)]),
        (4000, [(0, 4000)]),
        # Two windows of 4,000 that overlap by 400 show up to 7,600 samples, three up to 11,200.
        (4001, [(0, 4000), (1, 4001)]),
        (7600, [(0, 4000), (3600, 7600)]),
        (7601, [(0, 4000), (1800, 5800), (3601, 7601)]),
        (11_200, [(0, 4000), (3600, 7600), (7200, 11_200)]),
    ],
)
def test_windows(length, expected):
    assert [(view.start, view.stop) for view in views(length)] == expected


def test_a_series_without_samples_has_no_view():
    with pytest.raises(ValueError, match="a view needs"):
        views(0)


@given(st.integers(1, 50_000))
def test_windows_cover_every_sample(length):
    windows = views(length)
    assert windows[0].start == 0
    assert windows[-1].stop == length
    assert all(after.start <= before.stop - OVERLAP for before, after in itertools.pairwise(windows))
    assert all(len(window) == LONGEST_VIEW for window in windows) or len(windows) == 1


def test_where_views_overlap_each_answers_up_to_the_middle():
    # They overlap in [3600, 4000) and in [7200, 7600).
    assert own_parts(views(11_200)) == [View(0, 3800), View(3800, 7400), View(7400, 11_200)]
    assert own_parts(views(7)) == [View(0, 7)]


@given(st.integers(1, 50_000))
def test_own_parts_hold_every_sample_once_and_lie_in_their_views(length):
    shown = views(length)
    parts = own_parts(shown)
    assert [parts[0].start, *(part.stop for part in parts)] == [0, *(part.start for part in parts[1:]), length]
    assert all(view.start <= part.start and part.stop <= view.stop for view, part in zip(shown, parts, strict=True))


def test_ten_minutes_of_an_electrocardiogram_are_64_pictures():
    assert len(views(230_400)) == 64
