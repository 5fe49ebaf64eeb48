"""The affiliation metric against the official program, the paper's formulas and slow definitions."""

import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomseer_core.metrics import affiliation_by_event, affiliation_score
from anomseer_core.series import intervals_from_mask, mask_from_intervals, merge_intervals
from tests import naive_affiliation

SHARED = Path(__file__).parents[3] / "shared"
NAN = float("nan")
OFFICIAL_TOLERANCE = 1e-9
PRINTED_TOLERANCE = 5.1e-7  # the tables give six decimals

# length, truth, prediction, official (P, R, F1), discrete with ties to the left (P, R, F1)
BOTH_FORMS = [
    (10, [(3, 4), (7, 10)], [(4, 5), (8, 9)], (0.818182, 0.844276, 0.831024), (0.916667, 0.833333, 0.873016)),
    (1000, [(100, 130)], [(110, 150)], (0.975, 0.996667, 0.985714), (0.9755, 0.996667, 0.985970)),
    (1000, [(500, 501)], [(505, 506)], (0.99, 0.991, 0.9905), (0.991, 0.991, 0.991)),
    (
        1000,
        [(200, 231), (622, 673)],
        [(190, 260), (900, 950)],
        (0.529381, 0.588809, 0.557516),
        (0.530569, 0.588800, 0.558170),
    ),
    (1000, [(200, 231), (622, 673)], [(0, 1000)], (0.503298, 1.0, 0.669592), (0.505073, 1.0, 0.671161)),
    (1000, [(200, 231)], [], (NAN, 0.0, 0.0), (0.0, 0.0, 0.0)),
    (
        400,
        [(9, 10), (100, 101), (201, 202)],
        [(10, 11), (200, 201)],
        (0.977802, 0.659267, 0.787545),
        (0.988901, 0.659267, 0.791121),
    ),
    (1000, [(998, 1000)], [(990, 1000)], (0.9952, 1.0, 0.997594), (0.9956, 1.0, 0.997795)),
    (10, [(0, 10)], [(0, 5)], (1.0, 0.8125, 0.896552), (1.0, 0.81, 0.895028)),
]

# Vectors of the official program's own tests, moved to a range that starts at 0:
# length, truth, prediction, (P, R), precision and recall of every event
BY_EVENT = [
    (
        10800,
        [(0, 600), (3000, 4200), (10200, 10500)],
        [(300, 360), (420, 600), (660, 720), (2400, 3600), (6900, 7800), (8100, 8400), (9900, 10200)],
        (0.639490741, 0.932314815),
        [0.923333333, 0.672222222, 0.322916667],
        [0.935833333, 0.944444444, 0.916666667],
    ),
    (
        30,
        [(0, 7), (15, 16), (24, 27), (28, 30)],
        [(0, 2), (5, 17), (24, 25)],
        (0.727833895, 0.697195166),
        [0.590909091, 0.592592593, 1.0, NAN],
        [0.941558442, 1.0, 0.847222222, 0.0],
    ),
    (
        39,
        [(0, 7), (15, 16), (24, 27), (28, 30)],
        [(0, 2), (5, 17), (24, 25)],
        (0.727833895, 0.697195166),
        [0.590909091, 0.592592593, 1.0, NAN],
        [0.941558442, 1.0, 0.847222222, 0.0],
    ),
    (
        30,
        [(0, 7), (15, 16)],
        [(0, 2), (4, 9)],
        (0.792207792, 0.487012987),
        [0.792207792, NAN],
        [0.974025974, 0.0],
    ),
    (90, [(20, 40)], [(10, 30), (85, 90)], (0.672222222, 0.944444444), [0.672222222], [0.944444444]),
    (
        10,
        [(3, 4), (7, 10)],
        [(4, 5), (8, 9)],
        (0.818181818, 0.844276094),
        [0.636363636, 1.0],
        [0.818181818, 0.870370370],
    ),
]

# set, detector, official P, R, F1 to two decimals
LARGE_SETS = [
    ("machinetemp", "greenhouse", (0.71, 0.99, 0.83)),
    ("nyctaxi", "luminol", (0.38, 0.79, 0.51)),
    ("twitteraapl", "greenhouse", (0.78, 0.98, 0.87)),
    ("swat", "seq2seq", (0.86, 0.79, 0.83)),
    ("swat", "trivial", (1.00, 0.03, 0.06)),
]


def shared(relative: str) -> Path:
    path = SHARED / relative
    if not path.exists():
        pytest.skip(f"shared/{relative} is absent")
    return path


@st.composite
def cases(draw, longest: int = 40):
    """A length, at least one true event, and any prediction; both already merged."""
    length = draw(st.integers(1, longest))
    truth = draw(st.lists(st.booleans(), min_size=length, max_size=length).filter(any))
    prediction = draw(st.lists(st.booleans(), min_size=length, max_size=length))
    return intervals_from_mask(np.array(truth)), intervals_from_mask(np.array(prediction)), length


def test_equals_the_official_program_on_its_120_random_cases():
    rows = json.loads(shared("reference/affiliation_official_cases.json").read_text())
    assert len(rows) == 120
    for row in rows:
        score = affiliation_score(row["truth"], row["pred"], row["T"])
        precision = NAN if row["precision"] is None else row["precision"]
        assert score.precision == pytest.approx(precision, abs=OFFICIAL_TOLERANCE, nan_ok=True), row
        assert score.recall == pytest.approx(row["recall"], abs=OFFICIAL_TOLERANCE), row


@pytest.mark.parametrize(("name", "detector", "expected"), LARGE_SETS)
def test_equals_the_official_program_on_large_real_sets(name, detector, expected):
    truth, prediction = (
        np.array(gzip.decompress(shared(f"real/AffiliationBench/{name}_{which}.gz").read_bytes()).split(), dtype=int)
        for which in ("groundtruth", detector)
    )
    score = affiliation_score(intervals_from_mask(truth), intervals_from_mask(prediction), len(truth))
    assert tuple(round(value, 2) for value in score) == expected


@pytest.mark.parametrize(("length", "truth", "prediction", "official", "discrete"), BOTH_FORMS)
def test_both_forms_on_the_comparison_table(length, truth, prediction, official, discrete):
    near = {"abs": PRINTED_TOLERANCE, "nan_ok": True}
    assert affiliation_score(truth, prediction, length) == pytest.approx(official, **near)
    assert affiliation_score(truth, prediction, length, form="discrete") == pytest.approx(discrete, **near)


@pytest.mark.parametrize(("length", "truth", "prediction", "score", "precision", "recall"), BY_EVENT)
def test_every_event_of_the_official_vectors(length, truth, prediction, score, precision, recall):
    assert affiliation_score(truth, prediction, length)[:2] == pytest.approx(score, abs=OFFICIAL_TOLERANCE)
    events = affiliation_by_event(truth, prediction, length)
    np.testing.assert_allclose(events.precision, precision, atol=OFFICIAL_TOLERANCE)
    np.testing.assert_allclose(events.recall, recall, atol=OFFICIAL_TOLERANCE)


def test_one_event_by_hand():
    # Zone [0, 10), event [4, 6), prediction [6, 7): gaps of 4 on both sides of the event.
    # precision: x = 6 + u, farther positions 2 (4 - u), mean over u in [0, 1): 2 (4 - 1/2) / 10 = 0.7.
    # recall: y = 6 - u for u in [0, 2): behind, [6, 10) is 4; ahead, (6 - 2 u): mean 4; (4 + 4) / 10 = 0.8.
    assert affiliation_score([(4, 6)], [(6, 7)], 10) == pytest.approx((0.7, 0.8, 2 * 0.7 * 0.8 / 1.5), abs=1e-12)
    # Indices: x = 6 has distance 1; 0..3 and 6..9 are as far: 8 of 10. y = 5 has distance 1: all but itself, 9 of
    # 10; y = 4 has distance 2: 0, 1, 2, 6, 7, 8, 9, so 7 of 10: recall (0.9 + 0.7) / 2.
    expected = (0.8, 0.8, 0.8)
    assert affiliation_score([(4, 6)], [(6, 7)], 10, form="discrete") == pytest.approx(expected, abs=1e-12)


def test_discrete_ties_go_to_the_left_event():
    # Events {0} and {4}: index 2 is 2 from both. Owned by the left, the zones are {0, 1, 2} and {3, 4}.
    events = affiliation_by_event([(0, 1), (4, 5)], [(2, 3)], 5, form="discrete")
    # In the left zone only index 2 itself is 2 from the event, and only 2 is that far from 0: 1/3 both.
    np.testing.assert_allclose(events.precision, [1 / 3, NAN])
    np.testing.assert_allclose(events.recall, [1 / 3, 0])


@pytest.mark.parametrize(("width", "expected"), [(40, 0.5008), (100, 0.505), (200, 0.52)])
def test_whole_series_predicted(width, expected):
    # P = 1/2 + |J|^2 / (2 |E|^2), whatever the place of the event.
    assert 0.5 + width**2 / (2 * 1000**2) == pytest.approx(expected)
    score = affiliation_score([(300, 300 + width)], [(0, 1000)], 1000)
    assert score[:2] == pytest.approx((expected, 1.0), abs=1e-12)


@pytest.mark.parametrize("form", ["continuous", "discrete"])
def test_touching_and_overlapping_intervals_count_as_one(form):
    whole = affiliation_score([(10, 30)], [(20, 40)], 100, form=form)
    parts = affiliation_score([(20, 30), (10, 21)], [(30, 40), (20, 30), (25, 28)], 100, form=form)
    assert parts == whole


@pytest.mark.parametrize("form", ["continuous", "discrete"])
@pytest.mark.parametrize("truth", [[], [(5, 5)], [(100, 120)]])
def test_no_true_event_is_refused(form, truth):
    with pytest.raises(ValueError, match=r"at least one true event inside \[0, 100\)"):
        affiliation_score(truth, [(1, 2)], 100, form=form)


def test_unknown_form_is_refused():
    with pytest.raises(ValueError, match="unknown form 'sums'"):
        affiliation_score([(1, 2)], [(1, 2)], 10, form="sums")


def test_many_events_and_long_series():
    # Period 10, event [0, 3), prediction [2, 5), over a series long enough for accuracy to matter.
    truth = [(10 * k, 10 * k + 3) for k in range(20_000)]
    prediction = [(start + 2, stop + 2) for start, stop in truth]
    score = affiliation_score(truth, prediction, 200_000)
    inner = affiliation_by_event(truth, prediction, 200_000)
    np.testing.assert_allclose(inner.recall[1:-1], inner.recall[1], rtol=1e-9)
    # Zone of an inner event: 3.5 on either side of it, 10 long. Predicted: 1 inside, u in [0, 2) to its right, with
    # 2 (3.5 - u) as far: (1 * 10 + 14 - 4) / (3 * 10) = 2/3.
    np.testing.assert_allclose(inner.precision[1:-1], 2 / 3, rtol=1e-9)
    assert score.precision == pytest.approx(2 / 3, abs=1e-4)


@given(cases())
def test_discrete_equals_the_definition(case):
    truth, prediction, length = case
    precision, recall = naive_affiliation.discrete(truth, prediction, length)
    score = affiliation_score(truth, prediction, length, form="discrete")
    assert score[:2] == pytest.approx((float(precision), float(recall)), abs=1e-12)


@settings(max_examples=60)
@given(cases(longest=16))
def test_continuous_equals_the_definition_on_a_fine_grid(case):
    truth, prediction, length = case
    # A probability is a count of cells: wrong by a few cells of the shortest zone, one sample long or more.
    cells = 24
    precision, recall = naive_affiliation.continuous(truth, prediction, length, cells)
    score = affiliation_score(truth, prediction, length)
    assert score.precision == pytest.approx(precision, abs=3 / cells, nan_ok=True)
    assert score.recall == pytest.approx(recall, abs=3 / cells)


def test_the_grid_converges_to_the_closed_form():
    truth, prediction, length = [(3, 4), (7, 10), (14, 15)], [(1, 3), (4, 5), (8, 9), (12, 13)], 17
    exact = affiliation_score(truth, prediction, length)
    errors = [
        np.abs(np.subtract(naive_affiliation.continuous(truth, prediction, length, cells), exact[:2])).max()
        for cells in (10, 100)
    ]
    assert errors[1] < 0.002
    assert errors[1] < errors[0] / 5


@given(cases())
def test_equals_the_loop_over_intervals(case):
    assert affiliation_score(*case)[:2] == pytest.approx(naive_affiliation.by_interval(*case), abs=1e-9, nan_ok=True)


@given(cases(), st.sampled_from(["continuous", "discrete"]), st.integers(0, 30), st.integers(0, 30))
def test_events_between_others_do_not_feel_where_the_series_begins_and_ends(case, form, before, after):
    truth, prediction, length = case
    moved = [[(start + before, stop + before) for start, stop in side] for side in (truth, prediction)]
    here = affiliation_by_event(truth, prediction, length, form=form)
    there = affiliation_by_event(*moved, before + length + after, form=form)
    # The zones of the first and of the last event end with the series.
    np.testing.assert_allclose(there.precision[1:-1], here.precision[1:-1], atol=1e-12)
    np.testing.assert_allclose(there.recall[1:-1], here.recall[1:-1], atol=1e-12)


@given(cases(), st.sampled_from(["continuous", "discrete"]), st.data())
def test_a_correct_point_never_lowers_recall(case, form, data):
    truth, prediction, length = case
    point = data.draw(st.sampled_from([t for start, stop in truth for t in range(start, stop)]))
    before = affiliation_score(truth, prediction, length, form=form)
    after = affiliation_score(truth, [*prediction, (point, point + 1)], length, form=form)
    assert after.recall >= before.recall - 1e-12


@given(cases(longest=30), st.integers(10, 100))
def test_both_forms_agree_on_long_series(case, stretch):
    # An even factor: zones then meet on a sample, and no sample belongs to two of them by halves.
    factor = 2 * stretch
    *sides, length = case
    truth, prediction = ([(factor * start, factor * stop) for start, stop in side] for side in sides)
    continuous, discrete = (
        affiliation_by_event(truth, prediction, factor * length, form=form) for form in ("continuous", "discrete")
    )
    # A share of a zone is counted in samples: off by one or two of its smallest size.
    for exact, counted in zip(continuous, discrete, strict=True):
        np.testing.assert_allclose(counted, exact, atol=2 / factor)


@given(cases(), st.sampled_from(["continuous", "discrete"]))
def test_bounds_mirror_and_perfection(case, form):
    truth, prediction, length = case
    score = affiliation_score(truth, prediction, length, form=form)
    assert all(math.isnan(value) or -1e-12 <= value <= 1 + 1e-12 for value in score)
    assert affiliation_score(truth, truth, length, form=form) == pytest.approx((1, 1, 1), abs=1e-12)
    if form == "continuous":  # discrete zones break ties to one side
        mirrored = affiliation_score(mirror(truth, length), mirror(prediction, length), length)
        assert mirrored == pytest.approx(score, abs=1e-12, nan_ok=True)


def mirror(intervals, length):
    mask = mask_from_intervals(intervals, length)[::-1]
    assert merge_intervals(intervals, length) == intervals
    return intervals_from_mask(mask)
