"""Cutting, filtering and spreading of real series."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomseer_core.archives.config import ArchiveConfig
from anomseer_core.archives.selection import anomaly_ratio, cut, select
from anomseer_core.series import AnomalyClass, Series, intervals_from_mask, mask_from_intervals


def series(name, length, *intervals):
    anomaly_class = AnomalyClass.UNKNOWN if intervals else AnomalyClass.NORMAL
    return Series(name, np.arange(float(length)), intervals, anomaly_class, metadata={"source": name})


def test_a_short_series_stays_whole():
    whole = series("a", 300, (10, 20))
    assert cut(whole, 300) is whole


def test_the_first_piece_with_an_event_is_kept():
    # Pieces [0, 300), [300, 600), [600, 900), and the last aligned to the end: [700, 1000).
    piece = cut(series("a", 1000, (450, 460), (590, 610)), 300)
    assert piece.values.tolist() == list(range(300, 600))
    assert piece.intervals == ((150, 160), (290, 300))
    assert dict(piece.metadata) == {"source": "a", "offset": 300, "original_length": 1000}


def test_the_last_piece_is_aligned_to_the_end():
    piece = cut(series("a", 1000, (950, 960)), 300)
    assert piece.values.tolist() == list(range(700, 1000))
    assert piece.intervals == ((250, 260),)


def test_a_series_without_an_event_gives_its_first_piece():
    piece = cut(series("a", 1000), 300)
    assert (piece.is_normal, piece.metadata["offset"], len(piece)) == (True, 0, 300)


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(1, 30))
def test_a_piece_has_the_labels_of_its_samples(mask, max_samples):
    whole = series("a", len(mask), *intervals_from_mask(np.array(mask)))
    piece = cut(whole, max_samples)
    assert len(piece) == min(len(mask), max_samples)
    assert piece.is_normal == whole.is_normal
    kept = mask_from_intervals(piece.intervals, len(piece))
    assert kept.tolist() == [mask[int(value)] for value in piece.values]


def test_the_filter_wants_an_event_and_few_anomalous_samples():
    given_series = [
        series("normal", 200),
        series("at the limit", 200, (0, 20)),
        series("above", 200, (0, 21)),
        series("two events", 200, (0, 5), (50, 55)),
    ]
    kept = select(given_series, ArchiveConfig(max_anomaly_ratio=0.1))
    assert [item.id for item in kept] == ["at the limit", "two events"]
    assert anomaly_ratio(kept[1]) == pytest.approx(10 / 200)


def test_the_filter_looks_at_the_whole_series():
    # 50 of 1000 samples are anomalous, and 50 of the 300 that are kept.
    assert select([series("a", 1000, (310, 360))], ArchiveConfig(max_samples=300, max_anomaly_ratio=0.04)) == []
    (kept,) = select([series("a", 1000, (310, 360))], ArchiveConfig(max_samples=300, max_anomaly_ratio=0.05))
    assert anomaly_ratio(kept) == pytest.approx(50 / 300)


@pytest.mark.parametrize(
    ("available", "count", "expected"),
    [(10, 5, [0, 2, 4, 6, 8]), (10, 3, [0, 3, 6]), (3, 5, [0, 1, 2]), (4, 4, [0, 1, 2, 3]), (7, 1, [0])],
)
def test_the_choice_is_spread_over_the_folder(available, count, expected):
    items = [series(str(number), 200, (0, 5)) for number in range(available)]
    assert [int(item.id) for item in select(iter(items), ArchiveConfig(count=count))] == expected
